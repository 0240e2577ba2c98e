"""What is kept of an envelope that has ended: its final record, what people see of it, and which failures belong together. Pure."""

from bitbrat.records.final import dead_letter, final_record, unreadable
from bitbrat.records.likeness import fingerprint, normalise
from bitbrat.records.summary import Route, failing_step, route_of, routes_of, summary

__all__ = [
    "Route",
    "dead_letter",
    "failing_step",
    "final_record",
    "fingerprint",
    "normalise",
    "route_of",
    "routes_of",
    "summary",
    "unreadable",
]
