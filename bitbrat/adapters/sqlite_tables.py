"""The tables of the SQLite bus."""

from __future__ import annotations

CHANGES = (
    """
    CREATE TABLE bus_topics (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL);
    CREATE TABLE bus_groups (
        topic INTEGER NOT NULL, name TEXT NOT NULL, position INTEGER NOT NULL, handed INTEGER NOT NULL,
        PRIMARY KEY (topic, name)
    ) WITHOUT ROWID;
    CREATE TABLE bus_messages (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, headers TEXT NOT NULL, data BLOB NOT NULL, at REAL NOT NULL);
    CREATE TABLE bus_notes (
        topic INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL,
        done INTEGER NOT NULL, due REAL NOT NULL, deliveries INTEGER NOT NULL,
        PRIMARY KEY (topic, name, seq)
    ) WITHOUT ROWID;
    CREATE TABLE bus_ids_0 (topic INTEGER NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (topic, id)) WITHOUT ROWID;
    CREATE TABLE bus_ids_1 (topic INTEGER NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (topic, id)) WITHOUT ROWID;
    CREATE TABLE bus_ids_turn (turn INTEGER NOT NULL, since REAL NOT NULL);
    INSERT INTO bus_ids_turn VALUES (0, 0);
    """,
)
"""Numbered changes, for :func:`bitbrat.adapters.sqlite_schema.migrate`.

A message's ``seq`` holds its topic's number above its place in the topic (``SHIFT`` bits): one table in the order of each
topic, without an index beside it. A message of a step topic is deleted when it is settled. ``bus_notes`` holds what is
unusual about a message for one group: settled ahead of the position of a log topic (``done``), put back until ``due`` (Unix
time), handed out ``deliveries`` times. ``handed``: up to there everything was handed out at least once.
"""

SHIFT = 40
"""Bits for the place in a topic: a thousand messages a second for 34 years."""
