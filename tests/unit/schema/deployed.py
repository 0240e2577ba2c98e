"""The manifests of every service in ``services/``, which the exported documents are made from."""

import importlib
import pkgutil

import services
from bitbrat.service import Manifest


def manifests() -> list[Manifest]:
    """One a folder, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(services.__path__))
    return [importlib.import_module(f"services.{name}").service.manifest() for name in names]
