"""The composition root; the only room that names a concrete adapter."""

from bitbrat.runtime.ports import open_bus, open_store
from bitbrat.runtime.process import Options, Runtime, build, running
from bitbrat.runtime.registry import registry_of

__all__ = ["Options", "Runtime", "build", "open_bus", "open_store", "registry_of", "running"]
