"""What a rule is, once it has been read: frozen values, ready to be stored as JSON.

The version of a rule is a short hash of what it does, so that two spellings of one rule have one version, and a changed
description has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bitbrat.envelope import ReplyKind
from bitbrat.rules.nodes import Node
from bitbrat.rules.problems import NOWHERE, Mark

DEFAULT_PRIORITY = 100
CooldownReply = Literal["silent", "react", "once"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the slip that a rule writes. None leaves ``max_attempts`` to the step's own setting."""

    step: str
    optional: bool = False
    max_attempts: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it is written in a rules file, without what is default."""
        entries = {"step": self.step, "optional": self.optional, "maxAttempts": self.max_attempts, "attributes": dict(self.attributes)}
        return {key: value for key, value in entries.items() if value}


@dataclass(frozen=True, slots=True)
class ReplyTemplate:
    """One thing that a rule may say back; ``text`` is a template (see :func:`bitbrat.rules.render`)."""

    text: str
    kind: ReplyKind = "chat"

    def to_json(self) -> dict[str, Any]:
        """As it is written in a rules file."""
        return {"kind": self.kind, "text": self.text}


@dataclass(frozen=True, slots=True)
class Note:
    """An annotation that a rule adds."""

    kind: str
    label: str | None = None
    value: Any = None
    score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is written in a rules file."""
        entries = {"kind": self.kind, "label": self.label, "value": self.value, "score": self.score}
        return {key: value for key, value in entries.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Cooldown:
    """How long a rule rests after it fired, in seconds (0: not at all), per user and for everybody, and what it says then."""

    user: float = 0.0
    everybody: float = 0.0
    reply: CooldownReply = "silent"

    def to_json(self) -> dict[str, Any]:
        """As it is written in a rules file."""
        return {"user": f"{round(self.user * 1000)}ms", "global": f"{round(self.everybody * 1000)}ms", "reply": self.reply}


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an example expects; None means that it does not say."""

    match: bool | None = None
    slip: tuple[str, ...] | None = None
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A rule's own test: what is said or sent, by whom, and what should come of it."""

    expect: Expectation
    say: str = ""
    type: str = "external.chat.message.v1"
    role: str = "viewer"
    user: str = "ann"
    live: bool = True
    tags: tuple[str, ...] = ()
    payload: Mapping[str, Any] = field(default_factory=dict)
    mark: Mark = NOWHERE


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """When ``ast`` holds, do this. ``file``, ``line`` say where it was written; ``condition`` is the compiled ``ast``."""

    id: str
    ast: Any
    condition: Node = field(repr=False)
    priority: int = DEFAULT_PRIORITY
    enabled: bool = True
    slip: tuple[Step, ...] = ()
    replies: tuple[ReplyTemplate, ...] = ()
    annotations: tuple[Note, ...] = ()
    cooldown: Cooldown | None = None
    deadline: float | None = None
    description: str = ""
    examples: tuple[Example, ...] = ()
    file: str = ""
    line: int = 0
    column: int = 0
    version: str = ""

    @property
    def order(self) -> tuple[int, str]:
        """Rules are tried by priority, the lowest number first, then by id."""
        return (self.priority, self.id)

    def to_json(self) -> dict[str, Any]:
        """The rule as JSON, in the form that :func:`bitbrat.rules.load` reads."""
        return {
            "id": self.id,
            "priority": self.priority,
            "enabled": self.enabled,
            "match": {"when": self.ast},
            **{key: value for key, value in self._effects().items() if value},
            **({"description": self.description} if self.description else {}),
        }

    def fingerprint(self) -> str:
        """The first 8 hex digits of the hash over what the rule does."""
        return short_hash([self.id, self.priority, self.enabled, self.ast, self._effects()])

    def _effects(self) -> dict[str, Any]:
        return {
            "slip": [step.to_json() for step in self.slip],
            "reply": [reply.to_json() for reply in self.replies],
            "annotate": [note.to_json() for note in self.annotations],
            "cooldown": self.cooldown.to_json() if self.cooldown else None,
            "deadline": f"{round(self.deadline * 1000)}ms" if self.deadline else None,
        }


def short_hash(value: Any) -> str:
    """8 hex digits that change when the JSON of ``value`` does."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:8]
