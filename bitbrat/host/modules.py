"""Services by the names that people give: ``services.auth``, ``my_steps:service``, a folder of steps."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from bitbrat.config import ServiceSettings
from bitbrat.errors import ConfigError
from bitbrat.service import Service

CORE = (
    "services.ingress_egress",
    "services.auth",
    "services.router",
    "services.finalizer",
    "services.dlq",
    "services.commands",
    "services.greeter",
)
"""What ``bitbrat dev`` runs besides the steps of the folder it is started in."""


def load_services(names: Iterable[str]) -> list[Service]:
    """The services called ``names``, each once. Raises ``config.bad`` with what is wrong with a name."""
    found: dict[int, Service] = {}
    for name in names:
        for service in load_service(name):
            found[id(service)] = service
    return list(found.values())


def load_service(name: str) -> list[Service]:
    """The services of ``module`` or ``module:attribute``; a module may hold several."""
    module_name, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigError("config.bad", f"there is no module {module_name!r}", fix="look at the spelling and at PYTHONPATH") from None
        raise ConfigError("config.bad", f"{module_name} needs {error.name!r}, which is not installed") from error
    return _services_of(name, vars(module) if not attribute else {attribute: getattr(module, attribute, None)})


def settings_elsewhere() -> list[type[ServiceSettings]]:
    """The settings classes of the core services: the processes of a deployment may share one environment."""
    found = []
    for name in CORE:
        with contextlib.suppress(ConfigError):
            found += [service.settings for service in load_service(name) if service.settings is not None]
    return found


def load_folder(folder: Path) -> tuple[list[Service], dict[str, str]]:
    """The services of every Python file in ``folder``; and for each file that could not be loaded, why."""
    services: list[Service] = []
    failures: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        try:
            services += _load_file(path)
        except Exception as error:
            failures[str(path)] = f"{type(error).__name__}: {error}"
    return services, failures


def _load_file(path: Path) -> list[Service]:
    name = f"steps.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError("config.bad", f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return _services_of(str(path), vars(module))


def _services_of(name: str, values: dict[str, object]) -> list[Service]:
    services = list({id(value): value for value in values.values() if isinstance(value, Service)}.values())
    if not services:
        raise ConfigError("config.bad", f"{name} holds no Service", fix='write: service = Service("name")')
    return services
