"""The services of the folder that the command line works in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bitbrat.host.modules import CORE, load_folder, load_services
from bitbrat.service import Service

STEPS = Path("steps")
MAX_DEFAULT = 30
OURS = ("commands", "greeter")


@dataclass(frozen=True)
class Here:
    """The core services and those of ``./steps``; ``failures`` are the step files that could not be loaded, and why."""

    services: list[Service]
    own: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path = STEPS) -> Here:
        """Import them all. Raises ``config.bad`` when a core service cannot be."""
        core = load_services(CORE)
        own, failures = load_folder(folder) if folder.is_dir() else ([], {})
        return cls([*core, *own], tuple(step.name for service in own for step in service.steps), failures)

    def with_default_slip(self, environ: Mapping[str, str]) -> dict[str, str]:
        """``environ`` in which a message that no rule matches visits every step here: each says itself what is for it."""
        names = [*OURS, *(name for name in self.own if name not in OURS)][:MAX_DEFAULT]
        return {"BITBRAT_ROUTER__DEFAULT_SLIP": ",".join(names), **environ}
