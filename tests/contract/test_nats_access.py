"""Who the NATS bus says it is, and to which servers it does not speak."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import nkeys
import pytest
from pydantic import SecretStr

from bitbrat.config.nats import NatsSettings
from bitbrat.errors import BitBratError, BusUnavailable, ConfigError
from tests import components
from tests.components import Absent
from tests.contract.buses import STEP, TOPICS, message
from tests.contract.on_nats import nats_bus
from tests.nats_server import NatsServer

Start = Callable[..., Awaitable[NatsServer]]
SMALL = {"ingress_bytes": 4 * 1024**2, "connect_seconds": 2.5}


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers with a configuration of their own."""
    program = components.require("nats", components.find("nats"))
    made: list[NatsServer] = []

    async def begin(*arguments: str, config: str = "") -> NatsServer:
        file = tmp_path / "nats.conf"
        file.write_text(config)
        made.append(NatsServer(program, "-c", str(file), *arguments))
        await made[-1].start()
        return made[-1]

    yield begin
    for server in made:
        server.remove()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody else trusts, and its key."""
    openssl = components.require("openssl", shutil.which("openssl") or Absent("no openssl program to make a certificate with"))
    folder = tmp_path_factory.mktemp("tls")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, *names, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


async def works(url: str, **settings: object) -> bool:
    """Whether a bus with these settings takes a message."""
    bus = nats_bus(url, settings=NatsSettings.model_validate({**SMALL, **settings}))
    try:
        await bus.ensure(TOPICS)
        return not (await bus.publish(STEP, message(f"m{bus.capabilities.lease}{url}"))).duplicate
    finally:
        await bus.close()


async def refusal(url: str, **settings: object) -> BitBratError:
    """What a bus with these settings raises."""
    with pytest.raises(BitBratError) as caught:
        await works(url, **settings)
    return caught.value


async def test_user_and_password_by_url_or_by_settings(start: Start) -> None:
    """Either will do; a wrong one is told without being shown."""
    server = await start("--user", "ann", "--pass", "p@ss:w")
    host = server.url.removeprefix("nats://")

    refused = await refusal(server.url, user="ann", password="geheim")

    assert await works(f"nats://ann:p%40ss%3Aw@{host}")
    assert not await is_sick(f"nats://{host}", user="ann", password="p@ss:w")
    assert isinstance(refused, BusUnavailable)
    assert "geheim" not in str(refused) + refused.why
    assert "Authorization" in refused.why


async def is_sick(url: str, **settings: object) -> bool:
    """Whether a bus with these settings is not healthy."""
    bus = nats_bus(url, settings=NatsSettings.model_validate({**SMALL, **settings}))
    try:
        return not await bus.healthy()
    finally:
        await bus.close()


async def test_a_token(start: Start) -> None:
    """In the place of a user, as NATS writes it, or by settings."""
    server = await start("--auth", "t0ken")
    host = server.url.removeprefix("nats://")

    assert await works(f"nats://t0ken@{host}")
    assert not await is_sick(server.url, token="t0ken")
    assert (await refusal(server.url)).code == "bus.unavailable"


async def test_an_nkey(start: Start) -> None:
    """The seed stays here, the server knows the public half."""
    seed = nkeys.encode_seed(b"0123456789abcdef0123456789abcdef", nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    server = await start(config=f"authorization {{ users: [ {{ nkey: {public} }} ] }}")

    assert await works(server.url, nkey=SecretStr(seed.decode()))
    assert (await refusal(server.url)).code == "bus.unavailable"


async def test_tls_with_a_certificate_of_our_own(start: Start, certificate: tuple[Path, Path]) -> None:
    """Trusted when it is named, refused when it is not."""
    cert, key = certificate
    server = await start("--tls", "--tlscert", str(cert), "--tlskey", str(key))
    url = server.url.replace("nats://", "tls://")

    assert await works(url, tls_ca=str(cert))
    assert (await refusal(url)).code == "bus.unavailable"


async def test_where_tls_is_asked_for_a_plain_server_learns_no_password(start: Start) -> None:
    """Whoever stands in between could say that there is no TLS."""
    server = await start()

    for refused in (await refusal(server.url.replace("nats://", "tls://ann:geheim@")), await refusal(server.url, tls=True)):
        assert refused.code == "bus.unavailable"
        assert "TLS" in refused.why


async def test_a_certificate_file_that_is_not_there_is_a_bad_setting() -> None:
    """Found before anything is sent."""
    assert (await refusal("tls://127.0.0.1:9", tls_ca="/nowhere/ca.pem")).code == "config.bad"


async def test_a_server_that_takes_too_little_is_refused(start: Start) -> None:
    """What is let in at the door must go through every hop."""
    server = await start(config="max_payload: 65536")

    refused = await refusal(server.url)

    assert isinstance(refused, ConfigError)
    assert (refused.code, "65536" in refused.message) == ("config.breaks_promise", True)


async def test_a_server_that_takes_less_than_usual_lowers_the_limit(start: Start) -> None:
    """And the bus says so."""
    server = await start(config="max_payload: 524288")
    bus = nats_bus(server.url, settings=NatsSettings.model_validate(SMALL))
    await bus.ensure(TOPICS)

    assert 320 * 1024 <= bus.capabilities.max_size < 524_288
    assert not (await bus.publish(STEP, message("largest", b"x" * bus.capabilities.max_size))).duplicate
    await bus.close()
