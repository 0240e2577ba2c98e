"""Each service's README says what its manifest says."""

from __future__ import annotations

import pytest

from bitbrat.config.naming import settings_of
from bitbrat.host import load_services
from bitbrat.host.modules import CORE
from bitbrat.service import Service
from tests.docs.papers import ROOT, text_of

SERVICES = load_services(CORE)


def paper_of(service: Service) -> str:
    """The service's README."""
    return text_of(ROOT / "services" / service.name.replace("-", "_") / "README.md")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_it_names_what_the_service_consumes_and_how(service: Service) -> None:
    """Topics, routes and effects of the manifest stand in the table."""
    table = [line for line in paper_of(service).splitlines() if line.startswith("|")]
    manifest = service.manifest(service.settings() if service.settings else None)

    for topic in manifest.consumes:
        assert any("consumes" in line and f"`{topic.name}`" in line for line in table), topic.name
    for method, path in manifest.routes:
        assert any("routes" in line and f"`{method} {path}`" in line for line in table), path
    for _, effects in manifest.effects:
        assert any("effects" in line and effects in line for line in table), effects


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_it_names_every_setting_of_the_service(service: Service) -> None:
    """None is left out; a service without settings says so."""
    text = paper_of(service)
    names = [setting.name for setting in settings_of(service.settings)] if service.settings else []
    variables = [name for name in names if not any(other.startswith(f"{name}__") for other in names)]

    assert [name for name in variables if f"`{name}`" not in text] == []
    assert bool(variables) != ("| settings | none |" in text)
