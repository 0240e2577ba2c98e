"""Whether what was read off the socket and what the platform recorded agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bitbrat.cli.demo.script import Script
from bitbrat.codec import decode
from bitbrat.fake_twitch import Sent
from bitbrat.store import FinalRecord

INVISIBLE = " \U000e0000"
"""What a sender may add so that Twitch does not take a text for a repetition."""


@dataclass(frozen=True)
class Verdict:
    """Counts for people, and every disagreement."""

    lines: int
    refused: int
    messages: int
    outcomes: Mapping[str, int]
    on_the_socket: int
    milliseconds: tuple[float, ...]
    story: FinalRecord | None
    disagreements: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing and nothing is too much."""
        return not self.disagreements

    @classmethod
    def of(cls, script: Script, finals: Mapping[str, FinalRecord], sent: Sequence[Sent]) -> Verdict:
        """Compare each message with its final record, and each delivered reply with the line that was read off the socket."""
        wrong = [f"no final record: {line.who}: {line.text}" for identity, line in script.expected.items() if identity not in finals]
        said = Counter(said.text.rstrip(INVISIBLE) for said in sent)
        recorded = Counter(_replies(finals.values()))
        wrong += [f"recorded as sent, not seen on the socket: {text}" for text in (recorded - said).elements()]
        wrong += [f"seen on the socket, not recorded: {text}" for text in (said - recorded).elements()]
        wrong += [f"arrived {record.surplus + 1} times: {record.id}" for record in finals.values() if record.surplus]
        return cls(
            lines=len(script.lines),
            refused=sum(bool(line.refused) for line in script.lines),
            messages=len(script.expected),
            outcomes=Counter(record.outcome for record in finals.values()),
            on_the_socket=len(sent),
            milliseconds=tuple(sorted(_milliseconds(record) for record in finals.values())),
            story=_worth_telling(finals.values()),
            disagreements=tuple(wrong),
        )


def _replies(records: Iterable[FinalRecord]) -> list[str]:
    """The texts of all replies that were delivered."""
    replies = [reply for record in records for reply in decode(record.data).replies]
    return [(reply.text or "").rstrip() for reply in replies if reply.delivered is not None and reply.delivered.error is None]


def _milliseconds(record: FinalRecord) -> float:
    return (record.at - decode(record.data).timestamp).total_seconds() * 1000


def _worth_telling(records: Iterable[FinalRecord]) -> FinalRecord | None:
    """The message with the most attempts that was answered in the end, else any."""
    best: tuple[int, FinalRecord] | None = None
    for record in records:
        attempts = max((step.attempt for step in decode(record.data).routing_slip), default=0)
        score = attempts * 2 + (record.outcome == "handled")
        if best is None or score > best[0]:
            best = (score, record)
    return best[1] if best else None
