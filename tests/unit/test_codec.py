"""Bytes to envelopes and back: the contract's example, unknown fields, every refusal of §1, and any bytes at all."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitbrat import codec
from bitbrat.catalogue import CATALOGUE
from bitbrat.envelope import Envelope
from bitbrat.errors import BitBratError, EnvelopeError
from bitbrat.outcome import Next
from bitbrat.slip import advance, forward
from tests.unit.contract_example import EXAMPLE, changed, example, full, lacking, nested, to_bytes
from tests.unit.envelopes import envelopes, json_values
from tests.unit.law import NOW, event


def test_the_example_of_the_contract_survives() -> None:
    """It decodes, re-encodes and compares equal; only ``.000Z`` becomes ``Z``."""
    again = json.loads(codec.encode(codec.decode(EXAMPLE.encode())))

    assert again == {**example(), "timestamp": "2022-01-01T00:00:00Z"}


def test_keys_stay_in_order() -> None:
    """What we write reads like what we read."""
    again = codec.encode(codec.decode(EXAMPLE.encode()))

    assert again == to_bytes({**example(), "timestamp": "2022-01-01T00:00:00Z"})


def test_every_field_of_the_contract_survives() -> None:
    """All fields at once, nulls that were sent, and unknown fields at every depth."""
    value = full()

    assert json.loads(codec.encode(codec.decode(to_bytes(value)))) == value


def test_unknown_fields_survive_every_turn() -> None:
    """A service that does not know a field sends it on, wherever it stands."""
    value = {**full(), "routingSlip": [{"id": "a", "status": "PENDING", "destination": "internal.a.v1", "future": {"x": [1]}}]}
    del value["status"], value["deadline"]

    turned = advance(codec.decode(to_bytes(value)), Next(), now=NOW, retry_in=0).envelope
    visited = forward(turned, "finalizer", now=NOW)
    visited = visited or forward(turned, "egress", now=NOW)

    assert visited is not None
    wire = json.loads(codec.encode(visited.envelope))
    for key in ("future", "source", "user", "replies", "annotations", "payload", "tenantId"):
        assert wire[key] == value[key]
    assert wire["routingSlip"][0]["future"] == {"x": [1]}
    assert wire["trail"][0] == value["trail"][0]


def test_a_python_name_on_the_wire_is_an_unknown_field() -> None:
    """``routing_slip`` from outside has no effect; it is kept like any other unknown field."""
    envelope = codec.decode(to_bytes({**example(), "routing_slip": [], "correlation_id": "other"}))

    assert (len(envelope.routing_slip), envelope.correlation_id) == (3, "1234567890")
    assert json.loads(codec.encode(envelope))["routing_slip"] == []
    assert _code(to_bytes({**lacking("correlationId"), "correlation_id": "other"})) == "envelope.missing_field"


def test_next_topic_is_read_and_never_written() -> None:
    """The older name of ``destination``."""
    value = changed("routingSlip.1", {"id": "service2", "status": "PENDING", "nextTopic": "internal.older.v1"})

    envelope = codec.decode(to_bytes(value))

    assert envelope.routing_slip[1].destination == "internal.older.v1"
    assert b"nextTopic" not in codec.encode(envelope)


def test_destination_wins_over_next_topic() -> None:
    """Where both stand, the newer name counts."""
    envelope = codec.decode(to_bytes(changed("routingSlip.0.nextTopic", "internal.older.v1")))

    assert envelope.routing_slip[0].destination == "internal.service1.v1"
    assert b"nextTopic" not in codec.encode(envelope)


def test_a_missing_version_reads_as_the_first() -> None:
    """The contract's default; it stays absent on the wire."""
    envelope = codec.decode(to_bytes(lacking("v")))

    assert envelope.v == "1"
    assert "v" not in json.loads(codec.encode(envelope))


def test_an_envelope_without_completion_is_read() -> None:
    """It goes to the dead letters when its slip ends, not before."""
    assert codec.decode(to_bytes(lacking("finalizationDestination"))).finalization_destination is None


def _code(data: bytes, **options: Any) -> str:
    with pytest.raises(BitBratError) as refused:
        codec.decode(data, **options)
    assert refused.value.code in CATALOGUE
    assert refused.value.message
    return refused.value.code


REFUSED: list[tuple[str, Any, str]] = [
    ("no bytes", b"", "envelope.empty"),
    ("white space", b"  \n", "envelope.not_json"),
    ("not JSON", b"hello", "envelope.not_json"),
    ("a byte order mark", b"\xef\xbb\xbf" + EXAMPLE.encode(), "envelope.not_json"),
    ("single quotes", b"{'v':'1'}", "envelope.not_json"),
    ("a comma too many", b'{"v":"1",}', "envelope.not_json"),
    ("not UTF-8", b'{"v":"\xff"}', "envelope.not_utf8"),
    ("UTF-16", EXAMPLE.encode("utf-16"), "envelope.not_utf8"),
    ("an overlong form", b'{"v":"\xc0\xaf"}', "envelope.not_utf8"),
    ("two documents", b"{}{}", "envelope.trailing_data"),
    ("an array", b"[]", "envelope.not_object"),
    ("a string", b'"x"', "envelope.not_object"),
    ("null", b"null", "envelope.not_object"),
    ("a boolean", b"true", "envelope.not_object"),
    ("a number", b"42", "envelope.not_object"),
    ("NaN", b'{"x":NaN}', "envelope.bad_number"),
    ("Infinity", b'{"x":Infinity}', "envelope.bad_number"),
    ("minus Infinity", b'{"x":-Infinity}', "envelope.bad_number"),
    ("a number beyond floats", b'{"x":1e999}', "envelope.bad_number"),
    ("a number beyond floats, deep", b'{"x":[{"y":-1E+0999}]}', "envelope.bad_number"),
    ("a long number with a short exponent", b'{"x":' + b"1" * 300 + b"e99}", "envelope.bad_number"),
    ("a long number with a fraction", b'{"x":-' + b"9" * 400 + b".5}", "envelope.bad_number"),
    ("5,000 digits", b'{"x":' + b"1" * 5000 + b"}", "envelope.bad_number"),
    ("a key twice", b'{"a":1,"b":{"role":1,"role":2}}', "envelope.duplicate_key"),
    ("a key twice, spelt with an escape", b'{"role":1,"r\\u006fle":2}', "envelope.duplicate_key"),
    ("half a surrogate pair", b'{"x":"\\ud800"}', "envelope.bad_unicode"),
    ("a broken escape", b'{"x":"\\u12g4"}', "envelope.not_json"),
    ("another version", changed("v", "2"), "envelope.unsupported_version"),
    ("version 1.0", changed("v", "1.0"), "envelope.unsupported_version"),
    ("the number 1 as version", changed("v", 1), "envelope.unsupported_version"),
    ("an empty version", changed("v", ""), "envelope.unsupported_version"),
    ("null as version", changed("v", None), "envelope.unsupported_version"),
    ("an id that is a number", changed("id", 18446744073709551616), "envelope.id_not_string"),
    ("a correlation id that is a number", changed("correlationId", 1), "envelope.id_not_string"),
    ("a trace id that is a number", changed("traceId", 1), "envelope.id_not_string"),
    ("a user id that is a number", changed("user.id", 1), "envelope.id_not_string"),
    ("a channel id that is a number", changed("source.channelId", 1), "envelope.id_not_string"),
    ("a tenant that is a number", changed("tenantId", 1), "envelope.id_not_string"),
    ("an id that is null", changed("id", None), "envelope.id_not_string"),
    ("no id", lacking("id"), "envelope.bad_id"),
    ("an empty id", changed("id", ""), "envelope.bad_id"),
    ("an id of 129 characters", changed("id", "x" * 129), "envelope.bad_id"),
    ("a colon in the id", changed("id", "a:b"), "envelope.bad_id"),
    ("a space in the id", changed("id", "a b"), "envelope.bad_id"),
    ("a line end in the id", changed("id", "a\n"), "envelope.bad_id"),
    ("NUL in the id", changed("id", "a\0"), "envelope.bad_id"),
    ("an id that is not ASCII", changed("id", "é"), "envelope.bad_id"),
    ("a timestamp in words", changed("timestamp", "yesterday"), "envelope.bad_timestamp"),
    ("the year 10000", changed("timestamp", "10000-01-01T00:00:00Z"), "envelope.bad_timestamp"),
    ("before the year 1", changed("timestamp", "0001-01-01T00:00:00+01:00"), "envelope.bad_timestamp"),
    ("a time without a zone", changed("timestamp", "2022-01-01T00:00:00"), "envelope.bad_timestamp"),
    ("a leap second", changed("timestamp", "2016-12-31T23:59:60Z"), "envelope.bad_timestamp"),
    ("a time as a number", changed("timestamp", 1640995200), "envelope.bad_timestamp"),
    ("a bad deadline", changed("deadline", "soon"), "envelope.bad_timestamp"),
    ("a bad time in the trail", changed("trail", [{"service": "a", "startedAt": "x", "endedAt": "x"}]), "envelope.bad_timestamp"),
    ("no payload", lacking("payload"), "envelope.missing_field"),
    ("no type", lacking("type"), "envelope.missing_field"),
    ("no user", lacking("user"), "envelope.missing_field"),
    ("no platform", lacking("source.platform"), "envelope.missing_field"),
    ("a payload that is a list", changed("payload", []), "envelope.bad_field"),
    ("a type without a version", changed("type", "external.chat"), "envelope.bad_field"),
    ("a type of somebody else", changed("type", "com.example.v1"), "envelope.bad_field"),
    ("an unknown status", changed("status", "DONE"), "envelope.bad_field"),
    ("simulated as a word", changed("simulated", "true"), "envelope.bad_field"),
    ("a role that is a number", changed("user.role", 1), "envelope.bad_field"),
    ("17 replies", changed("replies", [{"kind": "chat"}] * 17), "envelope.too_large"),
    ("257 annotations", changed("annotations", [{"kind": "a"}] * 257), "envelope.too_large"),
    ("a trail of 65", changed("trail", [full()["trail"][0]] * 65), "envelope.too_large"),
    ("no slip", lacking("routingSlip"), "slip.bad"),
    ("a slip that is null", changed("routingSlip", None), "slip.bad"),
    ("a slip that is an object", changed("routingSlip", {}), "slip.bad"),
    ("a slip that is a string", changed("routingSlip", "a"), "slip.bad"),
    ("33 steps", changed("routingSlip", example()["routingSlip"] * 11), "slip.too_long"),
    ("a step that is a string", changed("routingSlip.0", "a"), "slip.bad_step"),
    ("an unknown step status", changed("routingSlip.0.status", "DONE"), "slip.bad_step"),
    ("a step without status", lacking("routingSlip.0.status"), "slip.bad_step"),
    ("a step without id", lacking("routingSlip.0.id"), "slip.bad_step"),
    ("attempt -1", changed("routingSlip.0.attempt", -1), "slip.bad_step"),
    ("attempt 10^9", changed("routingSlip.0.attempt", 10**9), "slip.bad_step"),
    ("attempt as a string", changed("routingSlip.0.attempt", "3"), "slip.bad_step"),
    ("maxAttempts 0", changed("routingSlip.0.maxAttempts", 0), "slip.bad_step"),
    ("an attribute that is a number", changed("routingSlip.0.attributes", {"a": 1}), "slip.bad_step"),
    ("a step's time in words", changed("routingSlip.0.startedAt", "now"), "slip.bad_step"),
    ("a step without destination", lacking("routingSlip.0.destination"), "slip.no_destination"),
    ("a step's destination that is null", changed("routingSlip.0.destination", None), "slip.no_destination"),
    ("a step decided behind one that is PENDING", changed("routingSlip.1.status", "OK"), "slip.inconsistent"),
    ("handled, but PENDING", changed("status", "HANDLED"), "slip.inconsistent"),
    ("failed, but PENDING", changed("status", "FAILED"), "slip.inconsistent"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(value: Any, code: str) -> None:
    """Each has a code of its own, which the catalogue explains."""
    assert _code(value if isinstance(value, bytes) else to_bytes(value)) == code


def test_a_byte_order_mark_is_named() -> None:
    """It cannot be seen in an editor, so the message says it."""
    with pytest.raises(EnvelopeError, match="byte order mark"):
        codec.decode(b"\xef\xbb\xbf{}")


DESTINATIONS = [
    "$JS.API.STREAM.DELETE.X", "$JS.API.STREAM.PURGE.STEPS", "$JS.>", "$SYS.>", "$SYS.ACCOUNT.X", "$KV.a.b", "$O.x", "_INBOX.1",
    "_INBOX.>", ">", "*", "internal.>", "internal.*", "internal.*.v1", "internal.a.>.v1", "internal.**.v1", "", " ", ".", "..",
    "internal", "internal.v1", "internal..v1", "internal.a.", ".internal.a.v1", "internal.a..v1", "internal.a.v", "internal.a.vx",
    "internal.a.v1.", "internal.a.v1234", "internal.a", "internal.A.v1", "INTERNAL.a.v1", "internal.-a.v1", "internal.a_b.v1",
    "internal.a b.v1", " internal.a.v1", "internal.a.v1 ", "internal.a.v1\n", "internal.a.v1\r\nPUB x 0\r\n", "internal.a.v1\x00",
    "internal\t.a.v1", "external.chat.message.v1", "internal.a/b.v1", "internal\u3002a\u3002v1", "internal\uff0ea\uff0ev1",
    "internal.\u0430.v1", "internal.a.v\u0661", "internal." + "a" * 64 + ".v1", "internal." + "a" * 291, "internal.a.b.c.d.e.v1",
    "x.internal.a.v1", "http://internal.a.v1", "internal.a.v1,internal.b.v1", "internal.a.v1?x=1", "projects/p/topics/t",
    "internal.%61.v1",
]  # fmt: skip


@pytest.mark.parametrize(
    "place", ["routingSlip.0.destination", "source.egressDestination", "finalizationDestination", "routingSlip.0.nextTopic"]
)
def test_no_destination_leaves_the_grammar(place: str) -> None:
    """Broker subjects, wildcards, spaces, line ends, 300 characters, look-alike dots: refused wherever a topic may stand."""
    values = [changed(place, name) for name in DESTINATIONS]
    if place.endswith("nextTopic"):
        for value in values:
            del value["routingSlip"][0]["destination"]

    codes = {name: _code(to_bytes(value)) for name, value in zip(DESTINATIONS, values, strict=True)}

    assert len(DESTINATIONS) >= 50
    assert set(codes.values()) == {"slip.forbidden_destination"}, codes


def test_thirty_two_deep_is_read_and_thirty_three_is_not() -> None:
    """The envelope itself counts as the first."""
    assert codec.decode(to_bytes(nested(32))).payload
    assert _code(to_bytes(nested(33))) == "envelope.too_deep"


def test_many_brackets_are_not_deep() -> None:
    """Width is not depth."""
    assert codec.decode(to_bytes(changed("payload.list", [[]] * 500))).payload["list"] == [[]] * 500


@pytest.mark.parametrize("text", ["[" * 100, '\\"' + "{" * 100, '"' + "[" * 100, "\\" + "[" * 100 + '\\\\"', "\\\\[" * 50 + '"'])
def test_brackets_in_strings_do_not_count(text: str) -> None:
    """Also behind escaped quotes and backslashes."""
    assert codec.decode(to_bytes(changed("payload.text", text))).payload["text"] == text


@pytest.mark.parametrize(
    "bomb",
    [b"[" * 100_000, b'{"a":' * 40_000, b"[" * 33, b'{"":[' * 17, b'["' * 50_000],
    ids=["arrays", "objects", "33", "both", "strings"],
)
def test_a_depth_bomb_is_refused(bomb: bytes) -> None:
    """Without recursion, whatever it is made of."""
    assert _code(bomb) in ("envelope.too_deep", "envelope.not_json")


def test_a_bomb_of_arrays_is_too_deep() -> None:
    """100,000 nested arrays have the code that says so."""
    assert _code(b"[" * 100_000 + b"]" * 100_000) == "envelope.too_deep"


def test_the_size_limit_is_exact() -> None:
    """One byte more than the limit is refused before anything is parsed."""
    data = EXAMPLE.encode()

    assert codec.decode(data, limit=len(data)).id == "1234567890"
    assert _code(data, limit=len(data) - 1) == "envelope.too_large"
    assert _code(b"\xff" * 11, limit=10) == "envelope.too_large"


def test_what_travels_may_be_larger_than_what_is_made() -> None:
    """256 KiB of content and 32 KiB for the platform, together the default limit."""
    limit = (256 + 32) * 1024
    room = limit - len(to_bytes(changed("payload.text", "")))

    assert codec.Limits(content=256 * 1024, margin=32 * 1024) == codec.LIMITS
    assert codec.decode(to_bytes(changed("payload.text", "x" * room))).payload
    assert _code(to_bytes(changed("payload.text", "x" * (room + 1)))) == "envelope.too_large"


@pytest.mark.parametrize(
    ("path", "most"),
    [("replies", 16), ("annotations", 256), ("trail", 64), ("routingSlip", 32)],
    ids=["replies", "annotations", "trail", "steps"],
)
def test_as_many_as_allowed(path: str, most: int) -> None:
    """At the limit is inside."""
    one = {**full()[path][0], "status": "OK"} if path == "routingSlip" else full()[path][0]

    assert codec.decode(to_bytes(changed(path, [one] * most)))


def test_ids_of_128_characters_are_allowed() -> None:
    """Any printable ASCII but space and colon."""
    name = "!9;~" + "x" * 124

    assert codec.decode(to_bytes(changed("id", name))).id == name


def test_large_whole_numbers_survive() -> None:
    """They stay whole numbers, beyond 64 bits too."""
    assert codec.decode(to_bytes(changed("payload.n", 2**70))).payload["n"] == 2**70


@pytest.mark.parametrize(
    ("payload", "code"),
    [({"x": object()}, "envelope.bad_field"), ({"x": "\ud800"}, "envelope.bad_unicode"), ({"x": b"\xff"}, "envelope.bad_field")],
    ids=["an object", "half a surrogate pair", "bytes"],
)
def test_what_json_cannot_say_is_not_written(payload: dict[str, Any], code: str) -> None:
    """A handler's payload that is not JSON is an error with a code, not a crash of the encoder."""
    with pytest.raises(EnvelopeError) as refused:
        codec.encode(event().but(payload=payload))

    assert refused.value.code == code


def test_json_of_other_doors_is_checked_alike() -> None:
    """``parse_json`` gives any JSON value under the same limits."""
    assert codec.parse_json(b"[1, null]") == [1, None]
    with pytest.raises(EnvelopeError, match="trailing_data"):
        codec.parse_json(b"[] []")


def _survives(data: bytes) -> None:
    """Decoding gives an envelope or one of our errors; nothing else."""
    try:
        envelope = codec.decode(data)
    except BitBratError as error:
        refused: BitBratError | None = error
    else:
        refused = None
        assert codec.decode(codec.encode(envelope)) == envelope
    assert refused is None or refused.code in CATALOGUE


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but our own errors comes out of ``decode``."""
    _survives(data)


@given(json_values(numbers=st.integers() | st.floats()))
@settings(max_examples=150)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """Also NaN, infinities and half surrogates, as Python's own writer spells them."""
    _survives(json.dumps(value).encode())
    _survives(json.dumps({**example(), "payload": value}).encode())


@given(st.data())
@settings(max_examples=200)
def test_mutated_envelopes_are_read_or_refused(data: st.DataObject) -> None:
    """One place of a full envelope replaced by anything, at any depth."""
    value: Any = full()
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(json_values())

    _survives(to_bytes(value))


@given(st.data())
@settings(max_examples=200)
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    """Bytes of a full envelope cut out, put in or replaced."""
    whole = to_bytes(full())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 8)))

    _survives(whole[:start] + data.draw(st.binary(max_size=4)) + whole[end:])


@given(envelopes())
@settings(max_examples=150)
def test_what_is_written_is_read_again(envelope: Envelope) -> None:
    """``decode(encode(e)) == e``, and the bytes are the same again."""
    data = codec.encode(envelope)

    assert codec.decode(data) == envelope
    assert codec.encode(codec.decode(data)) == data


def test_an_envelope_cut_anywhere_is_refused() -> None:
    """At every byte, with the code for what is not JSON."""
    whole = to_bytes(example())

    codes = {_code(whole[:cut]) for cut in range(1, len(whole))}

    assert codes == {"envelope.not_json"}
