"""Each service's README says what the service really consumes and which settings it has."""

from importlib import import_module
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
NAMES = ("auth", "commands", "dlq", "finalizer", "greeter", "router")


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_topic_setting_and_kind_of_effects(name):
    """A service that changes without its README fails here."""
    manifest = import_module(f"services.{name}").service.manifest()
    text = (SERVICES / name / "README.md").read_text()

    said = [topic.name for topic in manifest.consumes] + list(manifest.settings) + [effects for _, effects in manifest.effects]
    assert [word for word in said if f"`{word}`" not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_description_and_a_default(name):
    """The core services run with no settings but bus and store."""
    settings = import_module(f"services.{name}").service.settings
    fields = settings.model_fields if settings else {}

    assert [field for field, info in fields.items() if not info.description or info.is_required()] == []
