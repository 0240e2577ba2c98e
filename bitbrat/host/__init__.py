"""A process as an operator runs it: settings from the environment, logs, metrics, HTTP, signals."""

from bitbrat.host.host import Host
from bitbrat.host.modules import CORE, load_folder, load_service, load_services

__all__ = ["CORE", "Host", "load_folder", "load_service", "load_services"]
