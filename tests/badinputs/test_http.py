"""Rows 39 to 48 and 56 to 58: HTTP as bytes. Nothing bad is accepted, each refusal has its code, a good event still passes."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from bitbrat.telemetry import names
from tests.badinputs.corpus import BadInput, load_corpus
from tests.badinputs.http_target import TARGETS, TOKEN, Target
from tests.badinputs.raw_http import Answer, chunked, connected, exchange

Make = Callable[[Target], bytes]


@pytest.fixture(params=TARGETS.values(), ids=TARGETS.keys())
async def target(request: pytest.FixtureRequest) -> AsyncIterator[Target]:
    """Each route that takes JSON, on a real socket."""
    async with request.param() as running:
        yield running


async def refused(target: Target, data: bytes) -> Answer:
    """The answer to ``data``, after the proof that nothing came of it: nothing accepted, and the next good event is."""
    before = target.accepted()
    answer = await exchange(target.port, data)

    assert target.accepted() == before
    assert (await exchange(target.port, target.post(target.good))).status == target.accepts
    assert target.accepted() == before + 1
    return answer


def framed(**headers: str) -> Make:
    """The good body under framing headers of our choice."""
    return lambda target: target.head(**headers) + b"\r\n" + target.good


def raw(data: bytes) -> Make:
    """These bytes, whatever the target."""
    return lambda _: data


def extended(lines: bytes, *, host: bool = True) -> Make:
    """A good request with further header lines."""
    return lambda target: target.head(Content_Length=str(len(target.good)), host=host) + lines + b"\r\n" + target.good


BAD_REQUESTS: dict[str, Make] = {
    "39-length-and-chunked": framed(Content_Length="5", Transfer_Encoding="chunked"),
    "39-chunked-and-length": lambda target: target.head(Transfer_Encoding="chunked", Content_Length="5") + b"\r\n0\r\n\r\n",
    "39-two-lengths": extended(b"Content-Length: 2\r\n"),
    "39-same-length-twice": lambda target: extended(b"Content-Length: %d\r\n" % len(target.good))(target),
    "39-plus": framed(Content_Length="+5"),
    "39-minus": framed(Content_Length="-1"),
    "39-list": framed(Content_Length="5, 5"),
    "39-20-digits": framed(Content_Length="9" * 20),
    "39-hex": framed(Content_Length="0x10"),
    "39-empty": framed(Content_Length=""),
    "40-xchunked": framed(Transfer_Encoding="xchunked"),
    "40-gzip-chunked": lambda target: target.head(Transfer_Encoding="gzip, chunked") + b"\r\n" + chunked([target.good]),
    "40-chunked-identity": lambda target: target.head(Transfer_Encoding="chunked, identity") + b"\r\n" + chunked([target.good]),
    "40-lf-in-extension": lambda target: target.head(Transfer_Encoding="chunked") + b"\r\n2;a\n=b\r\n{}\r\n0\r\n\r\n",
    "40-bad-size": lambda target: target.head(Transfer_Encoding="chunked") + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "40-huge-size": lambda target: target.head(Transfer_Encoding="chunked") + b"\r\n" + b"f" * 20 + b"\r\n{}\r\n",
    "41-two-hosts": extended(b"Host: other\r\n"),
    "41-no-host": extended(b"", host=False),
    "41-bad-host": extended(b"Host: a b/c\r\n", host=False),
    "41-folded": extended(b"X-A: a\r\n b\r\n"),
    "41-nul": extended(b"X-A: a\x00b\r\n"),
    "41-bare-lf": extended(b"X-A: a\nX-B: b\r\n"),
    "41-bare-cr": extended(b"X-A: a\rX-B: b\r\n"),
    "41-space-before-colon": extended(b"X-A : a\r\n"),
    "41-200-headers": extended(b"".join(b"X-%d: a\r\n" % number for number in range(200))),
    "42-tls-hello": raw(bytes.fromhex("16030100c8010000c40303") + b"\x01" * 189),
    "42-http-0.9": lambda target: f"GET {target.path}\r\n\r\n".encode(),
    "42-http-2.0": lambda target: target.post(target.good, version="2.0"),
    "42-http-1.2": lambda target: target.post(target.good, version="1.2"),
    "42-http-9.9": lambda target: target.post(target.good, version="9.9"),
    "42-http2-preface": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "42-random": raw(b"\x00\xff\x10\x80" * 50 + b"\r\n\r\n"),
    "56-absolute-form": lambda target: target.post(target.good, path=f"http://evil.example{target.path}"),
    "56-fragment": lambda target: target.post(target.good, path=f"{target.path}#x"),
    "56-nul": lambda target: target.post(target.good, path=f"{target.path}%00"),
    "56-backslash": lambda target: target.post(target.good, path=f"/a%5c..{target.path}"),
    "56-asterisk": lambda target: target.post(target.good, path="*"),
}

TOO_LARGE_HEADERS: dict[str, Make] = {
    "41-line-9k": lambda target: target.post(target.good, path="/" + "a" * 9000),
    "41-header-10k": extended(b"X-A: " + b"a" * 10_000 + b"\r\n"),
    "41-20k-in-all": extended(b"".join(b"X-%d: %s\r\n" % (number, b"a" * 4000) for number in range(5))),
}

NO_SUCH_PATH = {
    "56-dots": "/x/..{path}",
    "56-encoded-dots": "/x/%2e%2e{path}",
    "56-half-encoded": "/x/.%2E{path}",
    "56-one-dot": "/.{path}",
    "56-double-slash": "/{path}",
    "56-inner-slashes": "{path}//",
    "56-trailing-slash": "{path}/",
    "56-parameter": "{path};x",
    "56-encoded-slash": "/v1%2f..%2fv1",
    "56-8k": "/" + "a" * 8000,
    "56-etc-passwd": "/../../etc/passwd",
}

METHODS = {"57-trace": "TRACE", "57-patch": "PATCH", "57-lower": "get", "57-put": "PUT", "57-connect": "CONNECT", "57-made-up": "BREW"}


@pytest.mark.parametrize("make", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_what_is_no_clear_request_is_refused_and_the_connection_closed(target: Target, make: Make) -> None:
    """Ambiguous framing, other protocols, unclear targets: 400, in HTTP/1, and no second request on that connection."""
    async with connected(target.port) as wire:
        wire.send(make(target))
        answer = await wire.answer()

        assert (answer.status, answer.code) == (400, "http.bad_request")
        assert answer.version in ("HTTP/1.0", "HTTP/1.1")
        assert await wire.closed()


@pytest.mark.parametrize("make", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
async def test_nothing_comes_of_it(target: Target, make: Make) -> None:
    """Nothing is accepted, the refusal says neither trace nor server, it is counted, and the next good event passes."""
    answer = await refused(target, make(target))

    assert b"Traceback" not in answer.body
    assert TOKEN.encode() not in answer.body
    assert "server" not in answer.headers
    assert target.metrics.value(names.BAD_INPUT, entry="http", code="http.bad_request") == 1


@pytest.mark.parametrize("make", TOO_LARGE_HEADERS.values(), ids=TOO_LARGE_HEADERS.keys())
async def test_headers_that_are_too_large_are_refused(target: Target, make: Make) -> None:
    """A line of 8 KiB and 16 KiB in all are the limits."""
    answer = await refused(target, make(target))

    assert (answer.status, answer.code) == (431, "http.headers_too_large")


async def test_41_headers_without_end_are_refused_before_they_end(target: Target) -> None:
    """Memory is bounded for a client that just goes on."""
    async with connected(target.port) as wire:
        wire.send(target.head() + b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(40)))

        assert (await wire.answer()).status in (400, 431)


async def test_40_a_hundred_thousand_chunks_of_one_byte_are_one_body(target: Target) -> None:
    """Silly, and legal."""
    body = target.good + b" " * (100_000 - len(target.good))

    answer = await exchange(target.port, target.head(Transfer_Encoding="chunked") + b"\r\n" + chunked([b"%c" % byte for byte in body]))

    assert answer.status in (target.accepts, 408)
    assert (await exchange(target.port, target.post(target.good))).status == target.accepts


async def test_40_ten_thousand_trailers_do_no_harm(target: Target) -> None:
    """They are refused, or thrown away."""
    trailers = b"".join(b"X-%d: a\r\n" % number for number in range(10_000))
    request = target.head(Transfer_Encoding="chunked") + b"\r\n" + chunked([target.good])[:-2] + trailers + b"\r\n"

    answer = await exchange(target.port, request)

    assert answer.status in (0, 400, 431, target.accepts)
    assert (await exchange(target.port, target.post(target.good))).status == target.accepts


@pytest.mark.parametrize("sent", [b"", b"P", b"POST /v1/", None], ids=["43-nothing", "43-one-byte", "43-line", "43-headers"])
async def test_slow_headers_time_out(target: Target, sent: bytes | None) -> None:
    """Whoever connects has to ask for something within the time: 408 and the end of the connection."""
    async with connected(target.port) as wire:
        wire.send(target.head() if sent is None else sent)

        answer = await wire.answer()

        assert (answer.status, answer.code) == (408, "http.timeout")
        assert await wire.closed()
    await refused(target, target.head("GET", path="/nowhere") + b"\r\n")


async def test_43_headers_that_drip_time_out_too(target: Target) -> None:
    """A byte now and then does not buy time."""
    async with connected(target.port) as wire:
        dripping = asyncio.create_task(wire.drip(target.head()))

        answer = await wire.answer()
        dripping.cancel()

        assert (answer.status, answer.code) == (408, "http.timeout")


@pytest.mark.parametrize("sent", [b"", b'{"a', b'{"a":1}'], ids=["43-no-body", "43-3-bytes-of-10", "43-7-bytes-of-10"])
async def test_a_slow_body_times_out(target: Target, sent: bytes) -> None:
    """The body's clock runs from the end of the headers."""
    before = target.accepted()
    async with connected(target.port) as wire:
        wire.send(target.head(Content_Length="10") + b"\r\n" + sent)

        answer = await wire.answer()

        assert (answer.status, answer.code) == (408, "http.timeout")
        assert await wire.closed()
    assert target.accepted() == before


async def test_43_the_second_request_of_a_connection_has_the_same_clock(target: Target) -> None:
    """A good first request does not open a slow lane."""
    async with connected(target.port) as wire:
        wire.send(target.post(target.good))
        assert (await wire.answer()).status == target.accepts
        wire.send(b"POST /v1")

        assert (await wire.answer()).status == 408
        assert await wire.closed()


async def test_43_a_hundred_slow_clients_keep_nobody_out(target: Target) -> None:
    """While they drip, a good event passes."""
    async with AsyncExitStack() as wires:
        for _ in range(100):
            wire = await wires.enter_async_context(connected(target.port))
            wire.send(b"POST ")

        assert (await exchange(target.port, target.post(target.good))).status == target.accepts


async def test_44_a_client_that_resets_after_its_body_is_accepted_once(target: Target) -> None:
    """It never learns of it; the event counts all the same, once."""
    before = target.accepted()
    async with connected(target.port) as wire:
        wire.send(target.post(target.good))
        await wire.writer.drain()
        wire.writer.transport.abort()
    await exchange(target.port, target.post(target.good))

    assert target.accepted() - before in (1, 2)


def padded(target: Target, size: int) -> bytes:
    """The good body with spaces behind it, ``size`` bytes."""
    return target.good + b" " * (size - len(target.good))


@pytest.mark.parametrize("over", [-1, 0], ids=["45-one-below", "45-at-the-limit"])
async def test_a_body_up_to_the_limit_is_taken(target: Target, over: int) -> None:
    """The limit itself is allowed."""
    answer = await exchange(target.port, target.post(padded(target, target.limit + over)))

    assert answer.status == target.accepts


BODIES_TOO_LARGE: dict[str, Make] = {
    "45-one-above": lambda target: target.post(padded(target, target.limit + 1)),
    "45-length-without-body": lambda target: target.head(Content_Length=str(target.limit + 1)) + b"\r\n",
    "45-20-MB-announced": lambda target: target.head(Content_Length="20000000") + b"\r\n{",
    "45-chunked": lambda target: target.head(Transfer_Encoding="chunked") + b"\r\n" + chunked([padded(target, target.limit + 1)]),
}


@pytest.mark.parametrize("make", BODIES_TOO_LARGE.values(), ids=BODIES_TOO_LARGE.keys())
async def test_a_body_over_the_limit_is_refused_at_once(target: Target, make: Make) -> None:
    """Announced or found out: 413, without waiting for the rest."""
    answer = await refused(target, make(target))

    assert (answer.status, answer.code) == (413, "envelope.too_large")


async def test_45_expecting_to_be_asked_a_large_body_is_not_asked_for(target: Target) -> None:
    """``Expect: 100-continue`` is answered with the refusal, not with an invitation."""
    answer = await refused(target, target.head(Content_Length=str(target.limit + 1), Expect="100-continue") + b"\r\n")

    assert (answer.status, answer.code) == (413, "envelope.too_large")


ENCODINGS = {
    "46-gzip": ("gzip", gzip.compress(b"{}")),
    "46-br": ("br", b"\x0b\x01\x80{}\x03"),
    "46-deflate": ("deflate", zlib.compress(b"{}")),
    "46-bomb": ("deflate", zlib.compress(b" " * 4_000_000)),
    "46-double": ("gzip, gzip", gzip.compress(gzip.compress(b"{}"))),
    "46-made-up": ("rot13", b"{}"),
    "46-plain-body": ("gzip", b"{}"),
}


@pytest.mark.parametrize(("encoding", "body"), ENCODINGS.values(), ids=ENCODINGS.keys())
async def test_an_encoded_body_is_not_unpacked(target: Target, encoding: str, body: bytes) -> None:
    """415 before a byte of it is looked at."""
    answer = await refused(target, target.post(body, Content_Encoding=encoding))

    assert (answer.status, answer.code) == (415, "http.unsupported_media")


MEDIA = {
    "47-missing": None,
    "47-empty": "",
    "47-text": "text/plain",
    "47-utf-16": "application/json; charset=utf-16",
    "47-latin-1": "application/json; charset=iso-8859-1",
    "47-multipart": "multipart/form-data; boundary=x",
    "47-form": "application/x-www-form-urlencoded",
    "47-other-json": "application/jsonx",
    "47-two": "application/json, text/plain",
}


@pytest.mark.parametrize("media", MEDIA.values(), ids=MEDIA.keys())
async def test_only_json_in_utf8_is_read(target: Target, media: str | None) -> None:
    """A form that a web page of somebody else's can send is refused as well."""
    answer = await refused(target, target.post(target.good, Content_Type=media))  # type: ignore[arg-type]

    assert (answer.status, answer.code) == (415, "http.unsupported_media")


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;"])
async def test_47_the_spellings_of_json_are_one(target: Target, media: str) -> None:
    """Case, quotes and spaces do not matter."""
    assert (await exchange(target.port, target.post(target.good, Content_Type=media))).status == target.accepts


BODIES = [row for row in load_corpus() if row.code and row.row in (*range(1, 14), 15, 16)]
"""Row 14 and those after 16 are about envelopes; a posted event is none yet."""


@pytest.mark.parametrize("row", BODIES, ids=[f"48-A{row.id}" for row in BODIES])
async def test_bad_json_has_the_same_codes_as_on_the_bus(target: Target, row: BadInput) -> None:
    """One parser, one catalogue."""
    for data in row.inputs[:: max(1, len(row.inputs) // 10)]:
        answer = await refused(target, target.post(data))

        assert answer.code == row.code
        assert answer.status == (413 if row.code == "envelope.too_large" else 400)


@pytest.mark.parametrize("path", NO_SUCH_PATH.values(), ids=NO_SUCH_PATH.keys())
async def test_a_path_that_climbs_or_hides_leads_nowhere(target: Target, path: str) -> None:
    """404, as for any path that there is not."""
    answer = await refused(target, target.post(target.good, path=path.format(path=target.path)))

    assert (answer.status, answer.code) == (404, "http.not_found")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
async def test_other_methods_are_refused(target: Target, method: str) -> None:
    """405 with what is allowed; nothing is echoed."""
    answer = await refused(target, target.head(method) + b"\r\n")

    assert (answer.status, answer.code) == (405, "http.method_not_allowed")
    assert "POST" in answer.headers["allow"]


async def test_58_a_forged_forwarding_header_changes_nothing(target: Target) -> None:
    """Whoever we talk to is who is connected."""
    forged = {
        "X_Forwarded_For": "203.0.113.9",
        "Forwarded": "for=203.0.113.9;host=evil",
        "X_Real_IP": "203.0.113.9",
        "X_Forwarded_Host": "evil",
    }

    answer = await exchange(target.port, target.post(target.good, **forged))

    assert answer.status == target.accepts
    assert b"203.0.113.9" not in answer.body
    assert "203.0.113.9" not in target.log.getvalue()


async def test_58_a_request_id_from_outside_is_not_ours(target: Target) -> None:
    """Each request has an id that we minted."""
    answer = await exchange(target.port, target.post(target.good, X_Request_Id="chosen"))

    assert answer.headers["x-request-id"] not in ("", "chosen")
