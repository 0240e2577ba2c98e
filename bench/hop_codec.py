"""What codec and law cost a hop: decode, advance and encode of an envelope of 1 kB with three steps.

Prints µs (the least of many repeats, as the machine's other work only ever adds) and ops/s of one core.
"""

import json
import time
import timeit
from datetime import UTC, datetime

from bitbrat import codec, slip
from bitbrat.outcome import Next

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
AT = "2026-01-31T12:00:00.123456Z"
SIZE = 1024


def an_envelope() -> bytes:
    """A chat message at its second step: 1 kB of JSON, three steps, three visits."""
    value = {
        "v": "1",
        "id": "0b5b2f3e-6a5e-5c55-9d3e-0d6c0a1a7b11",
        "correlationId": "0b5b2f3e-6a5e-5c55-9d3e-0d6c0a1a7b11",
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "timestamp": AT,
        "type": "external.chat.message.v1",
        "source": {"platform": "twitch", "channel": "chan", "channelId": "1", "egressDestination": "internal.egress.twitch.v1"},
        "user": {"id": "1", "name": "ada", "displayName": "Ada", "profileImageUrl": "", "role": "viewer"},
        "routingSlip": [
            {"id": "a", "status": "OK", "destination": "internal.a.v1", "startedAt": AT, "endedAt": AT},
            {"id": "b", "status": "PENDING", "destination": "internal.b.v1"},
            {"id": "c", "status": "PENDING", "destination": "internal.c.v1"},
        ],
        "finalizationDestination": "internal.complete.v1",
        "trail": [{"service": name, "startedAt": AT, "endedAt": AT} for name in ("auth", "router")],
        "payload": {"text": ""},
    }
    room = SIZE - len(json.dumps(value, separators=(",", ":")))
    return json.dumps({**value, "payload": {"text": "x" * max(room, 0)}}, separators=(",", ":")).encode()


def least(call: object, number: int = 2000, repeat: int = 15) -> float:
    """µs of processor time a call."""
    return min(timeit.repeat(call, timer=time.process_time, number=number, repeat=repeat)) / number * 1e6  # type: ignore[arg-type]


def main() -> None:
    """Measure each part, and a whole hop."""
    data = an_envelope()
    envelope = codec.decode(data)
    after = slip.advance(envelope, Next(), now=NOW, retry_in=0).envelope
    rows = {
        "decode": lambda: codec.decode(data),
        "advance": lambda: slip.advance(envelope, Next(), now=NOW, retry_in=0),
        "forward": lambda: slip.forward(envelope, "router", now=NOW),
        "encode": lambda: codec.encode(after),
        "a hop (decode + advance + encode)": lambda: codec.encode(slip.advance(codec.decode(data), Next(), now=NOW, retry_in=0).envelope),
    }
    print(f"envelope: {len(data)} bytes, 3 steps")
    for name, call in rows.items():
        micros = least(call)
        print(f"{name:36} {micros:7.1f} µs {1e6 / micros:12,.0f} /s")


if __name__ == "__main__":
    main()
