"""The topics of a deployment, from the manifests of its services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bitbrat.errors import ConfigError
from bitbrat.service import Service
from bitbrat.topics import TopicRegistry


def registry_of(services: Sequence[Service], settings: Mapping[str, Any]) -> TopicRegistry:
    """The deployment's topics, from the manifests. Raises ``config.two_groups`` when two services want one step topic."""
    registry = TopicRegistry()
    names: set[str] = set()
    for service in services:
        if service.name in names:
            raise ConfigError("config.bad", f"two services are called {service.name!r}")
        names.add(service.name)
        manifest = service.manifest(settings.get(service.name))
        steps = {topic: name for name, topic in manifest.steps}
        for topic in manifest.consumes:
            registry.add(topic, step=steps.get(topic.name))
    return registry
