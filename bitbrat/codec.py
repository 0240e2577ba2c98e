"""Bytes to envelopes and back: the limits, the refusals, the older spellings.

``decode`` raises :class:`EnvelopeError` or :class:`SlipError` for any bytes and nothing else; each refusal has a code of
its own, and whoever called keeps the bytes. Source: ``docs/reference/contract.md`` §1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import jiter
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bitbrat.envelope import Envelope
from bitbrat.errors import BitBratError, EnvelopeError, SlipError

KIB = 1024
MAX_DEPTH = 32


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes, encoded. ``content`` is what ingress mints and a step makes; the platform may add ``margin``."""

    content: int = 256 * KIB
    margin: int = 32 * KIB

    @property
    def message(self) -> int:
        """What may travel on the bus."""
        return self.content + self.margin


LIMITS = Limits()

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NUMBER_SHAPE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG_NUMBER = b"0" * 200
_NON_FINITE = re.compile(rb"(?:NaN|Infinity)")
_BOM = b"\xef\xbb\xbf"

_JSON_CODES = (
    ("trailing characters", "envelope.trailing_data"),
    ("Detected duplicate key", "envelope.duplicate_key"),
    ("recursion limit", "envelope.too_deep"),
    ("number out of range", "envelope.bad_number"),
    ("surrogate", "envelope.bad_unicode"),
    ("hex escape", "envelope.bad_unicode"),
    ("invalid unicode", "envelope.not_utf8"),
)


def encode(envelope: Envelope) -> bytes:
    """The bytes of ``envelope``: UTF-8 JSON, camelCase, without what was never set.

    Raises ``EnvelopeError`` when a handler put something into it that JSON cannot say, or nested it too deep. NaN and Infinity become null.
    """
    try:
        data = Envelope.__pydantic_serializer__.to_json(envelope, by_alias=True, exclude_unset=True, warnings=False)
    except ValueError as error:
        code = "envelope.bad_unicode" if "surrogates" in str(error) else "envelope.bad_field"
        raise EnvelopeError(code, f"the envelope cannot be written: {error}"[:300]) from None
    _check_depth(data)
    return data


def decode(data: bytes, *, limit: int = LIMITS.message) -> Envelope:
    """The envelope in ``data``. Raises ``EnvelopeError`` or ``SlipError``, each with its own code, and nothing else."""
    value = parse_json(data, limit=limit)
    if not isinstance(value, dict):
        raise EnvelopeError("envelope.not_object", f"the JSON is {_kind(value)}, an envelope is an object")
    return from_wire(value)


def from_wire(value: dict[str, Any]) -> Envelope:
    """The envelope of a JSON object that has been parsed already. Raises as :func:`decode` does."""
    version = value.get("v", "1")
    if version != "1":
        raise EnvelopeError("envelope.unsupported_version", f"v is {version!r:.40}, this service speaks '1'")
    try:
        envelope: Envelope = Envelope.__pydantic_validator__.validate_python(_modern(value), by_alias=True, by_name=False)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from None
    _check_statuses(envelope)
    return envelope


def parse_json(data: bytes, *, limit: int = LIMITS.message) -> Any:
    """The JSON value in ``data``, checked for size, depth, doubled keys and numbers. Raises ``EnvelopeError`` only."""
    _check_bytes(data, limit)
    try:
        value = jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise _json_refusal(data, str(error)) from None
    if _may_overflow(data) and _has_infinity(value):
        raise EnvelopeError("envelope.bad_number", "a number is too large to be finite")
    return value


def _check_bytes(data: bytes, limit: int) -> None:
    if not data:
        raise EnvelopeError("envelope.empty", "the message has no bytes")
    if len(data) > limit:
        raise EnvelopeError("envelope.too_large", f"the message has {len(data)} bytes, the limit is {limit}")
    if data.startswith(_BOM):
        raise EnvelopeError("envelope.not_json", "the message begins with a byte order mark")
    _check_depth(data)


def _check_depth(data: bytes) -> None:
    # Most messages have few brackets, and those cannot be deep.
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise EnvelopeError("envelope.too_deep", f"the JSON is nested more than {MAX_DEPTH} deep")


def _depth(data: bytes) -> int:
    """How deep the brackets outside of strings go, without recursion."""
    deepest = depth = 0
    for byte in _STRING.sub(b"", data).translate(None, _NOT_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _json_refusal(data: bytes, reason: str) -> EnvelopeError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return EnvelopeError("envelope.not_utf8", f"byte {error.start} is not UTF-8")
    if _NON_FINITE.search(_STRING.sub(b"", data)):
        return EnvelopeError("envelope.bad_number", "NaN and Infinity are not JSON")
    code = next((code for text, code in _JSON_CODES if text in reason), "envelope.not_json")
    return EnvelopeError(code, reason[:200])


def _may_overflow(data: bytes) -> bool:
    """Whether a number in ``data`` may be too large for a float: a long one, or one with an exponent of three digits."""
    shape = data.translate(_NUMBER_SHAPE)
    return b"0e000" in shape or b"0e+000" in shape or _LONG_NUMBER in shape


def _has_infinity(value: Any) -> bool:
    """Whether any number below ``value`` is infinite. The depth is bounded already."""
    if isinstance(value, float):
        return math.isinf(value)
    if isinstance(value, dict):
        return any(_has_infinity(item) for item in value.values())
    return isinstance(value, list) and any(_has_infinity(item) for item in value)


def _kind(value: object) -> str:
    return {list: "an array", str: "a string", type(None): "null", bool: "a boolean"}.get(type(value), "a number")


def _modern(value: dict[str, Any]) -> dict[str, Any]:
    """The same object with ``nextTopic``, the older name of ``destination``, replaced in its steps."""
    slip = value.get("routingSlip")
    if not isinstance(slip, list) or not any(isinstance(step, dict) and "nextTopic" in step for step in slip):
        return value
    return {**value, "routingSlip": [_modern_step(step) if isinstance(step, dict) else step for step in slip]}


def _modern_step(step: dict[str, Any]) -> dict[str, Any]:
    if "nextTopic" not in step:
        return step
    older = {key: item for key, item in step.items() if key != "nextTopic"}
    return {"destination": step["nextTopic"], **older}


def _check_statuses(envelope: Envelope) -> None:
    """Nothing behind the current step is decided yet, and it is not there at all once the envelope is handled or failed."""
    pending = False
    for index, step in enumerate(envelope.routing_slip):
        if step.status == "PENDING":
            pending = True
            if envelope.status is not None:
                raise SlipError("slip.inconsistent", f"the envelope is {envelope.status}, but step {index} is PENDING")
        elif pending:
            raise SlipError("slip.inconsistent", f"step {index} is decided already, but an earlier one is PENDING")


_ID_FIELDS = {"id", "correlationId", "traceId", "channelId", "connectionId", "tenantId", "replayOf"}
_TIMES = {"timestamp", "deadline", "startedAt", "endedAt", "at"}
_DESTINATIONS = {"destination", "egressDestination", "finalizationDestination"}
_NOT_A_TOPIC = {"string_pattern_mismatch", "string_too_long"}


def _refusal(detail: ErrorDetails) -> BitBratError:
    """The refusal for what pydantic found first."""
    where = [str(part) for part in detail["loc"]]
    field, name = ".".join(where), next((part for part in reversed(where) if not part.isdigit()), "")
    kind, text = detail["type"], f"{'.'.join(where)}: {detail['msg']}"[:300]
    if where[0] == "routingSlip":
        return _slip_refusal(where, name, kind, text, nothing=detail["input"] is None)
    if kind == "missing":
        return EnvelopeError("envelope.bad_id" if field == "id" else "envelope.missing_field", f"{field} is missing")
    if name in _DESTINATIONS and kind in _NOT_A_TOPIC:
        return SlipError("slip.forbidden_destination", f"{field} is not a topic name")
    if name in _TIMES:
        return EnvelopeError("envelope.bad_timestamp", f"{field} is not an RFC 3339 time with a zone")
    if name in _ID_FIELDS and kind == "string_type":
        return EnvelopeError("envelope.id_not_string", f"{field} is not a string")
    if field == "id":
        return EnvelopeError("envelope.bad_id", "id has 1 to 128 ASCII characters, no space and no ':'")
    return EnvelopeError("envelope.too_large" if kind == "too_long" else "envelope.bad_field", text)


def _slip_refusal(where: list[str], name: str, kind: str, text: str, *, nothing: bool) -> BitBratError:
    if len(where) == 1:
        return SlipError("slip.too_long" if kind == "too_long" else "slip.bad", text)
    if name == "destination" and (kind == "missing" or nothing):
        return SlipError("slip.no_destination", f"{'.'.join(where)} is missing")
    if name == "destination" and kind in _NOT_A_TOPIC:
        return SlipError("slip.forbidden_destination", f"{'.'.join(where)} is not a topic name")
    return SlipError("slip.bad_step", text)
