"""A folder says who owns its data, truthfully, and keeps its token to itself."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from bitbrat.api.owner import Owner, announce, make_token, place_of, read_owner, read_token, withdraw

OURS = Owner("http://127.0.0.1:2728", os.getpid(), "sqlite:/a", "sqlite:/b")
NOBODY = 2**22 + 1


def test_what_is_announced_is_found_until_it_is_withdrawn(tmp_path: Path) -> None:
    """By whoever works in the same folder."""
    announce(OURS, tmp_path)
    found = read_owner(tmp_path)

    withdraw(os.getpid(), tmp_path)

    assert found == OURS
    assert read_owner(tmp_path) is None


def test_a_process_that_is_gone_owns_nothing(tmp_path: Path) -> None:
    """It was killed, and could not withdraw."""
    announce(Owner(OURS.url, NOBODY), tmp_path)

    assert read_owner(tmp_path) is None


def test_only_the_announcer_withdraws(tmp_path: Path) -> None:
    """A process that ends late does not silence the one that came after it."""
    announce(OURS, tmp_path)

    withdraw(NOBODY, tmp_path)

    assert read_owner(tmp_path) == OURS


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url": 1}', '{"url": "x", "pid": "y"}', '{"url": "x", "pid": 0}', "\x00"])
def test_an_announcement_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    """It may have been cut off."""
    (tmp_path / "api.json").write_text(text)

    assert read_owner(tmp_path) is None


def test_the_token_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    """Mode 0600, also when somebody had opened it up."""
    folder = tmp_path / ".bitbrat"
    first = make_token(folder)
    (folder / "token").chmod(0o644)

    second = make_token(folder)

    assert first == second == read_token(folder)
    assert len(first) == 64
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_token_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    """A short one could be guessed."""
    (tmp_path / "token").write_text("abc\n")

    assert len(make_token(tmp_path)) == 64


def test_the_same_data_are_the_same_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative or absolute, through a link or not; a password is no part of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)

    places = {place_of(f"sqlite:///{path}") for path in ("a.db", "./a.db", "link/a.db", tmp_path / "a.db")}

    assert len(places) == 1
    assert place_of("sqlite:///b.db") not in places
    assert "secret" not in place_of("nats://ann:secret@host:4222")


def test_an_announcement_is_json_with_url_and_pid(tmp_path: Path) -> None:
    """For other programs."""
    announce(OURS, tmp_path)

    assert json.loads((tmp_path / "api.json").read_text()) == vars(OURS)
