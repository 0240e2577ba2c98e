"""Settings: typed, from the environment, with every problem in one message.

``docs/reference/settings.md`` is made from the classes by :func:`settings_table`.
"""

from bitbrat.config.core import CoreSettings
from bitbrat.config.loading import load
from bitbrat.config.nats import NatsSettings
from bitbrat.config.problems import SettingsError, Wrong
from bitbrat.config.settings import Dsn, ServiceSettings, settings_class
from bitbrat.config.table import settings_table
from bitbrat.config.urls import Location, parse_bus_url, parse_dsn, parse_store_url, redact_url

__all__ = [
    "CoreSettings",
    "Dsn",
    "Location",
    "NatsSettings",
    "ServiceSettings",
    "SettingsError",
    "Wrong",
    "load",
    "parse_bus_url",
    "parse_dsn",
    "parse_store_url",
    "redact_url",
    "settings_class",
    "settings_table",
]
