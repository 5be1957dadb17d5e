"""What goes over a channel: JSON with the keys of the original system first, then ours. It knows nothing of brokers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening

MOST_BYTES: Final = 1024 * 1024  # of a message that is read
_SHOWN: Final = 200  # characters of a malformed one
_OPTIONAL: Final = ("timestamp", "run", "to")
_UNKNOWN: Final = "unknown"  # as the original called a sender without a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody said in a channel. `run` is empty for a message of somebody else's."""

    channel: str
    sender: str
    text: str
    timestamp: str = ""
    run: str = ""
    turn: int | None = None  # None for an opening
    round: int | None = None
    to: str = ""  # who alone heard it


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A message that is none: why, and how it begins."""

    channel: str
    why: str
    begins: str


def stamped(at: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC."""
    return datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds")


def as_document(message: Message) -> dict[str, Any]:
    """Its keys, in their order."""
    value = {
        "from": message.sender,
        "message": message.text,
        "timestamp": message.timestamp,
        "run": message.run,
        "channel": message.channel,
        "turn": message.turn,
        "round": message.round,
        "to": message.to,
    }
    return {key: part for key, part in value.items() if part != "" or key not in _OPTIONAL}


def written(message: Message) -> bytes:
    """JSON in ASCII, so that it is harmless on any terminal."""
    return json.dumps(as_document(message)).encode()


def read(channel: str, data: bytes) -> Message | Malformed:
    """What came over a channel. The original's own messages have no more than `from` and `message`."""
    if len(data) > MOST_BYTES:
        return _malformed(channel, data, f"it has {len(data):,} bytes")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _malformed(channel, data, "it is not JSON")
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return _malformed(channel, data, "it has no `message`")
    if not isinstance(value.get("from", ""), str):
        return _malformed(channel, data, "its `from` is no text")
    return Message(
        channel=channel,
        sender=value.get("from") or _UNKNOWN,
        text=value["message"],
        timestamp=_text(value.get("timestamp")),
        run=_text(value.get("run")),
        turn=_count(value.get("turn")),
        round=_count(value.get("round")),
        to=_text(value.get("to")),
    )


def written_opening(channel: ChannelId, opening: Opening, at: float) -> bytes:
    """An opening as a message of nobody's run."""
    return written(Message(channel=channel, sender=opening.speaker, text=opening.text, timestamp=stamped(at)))


def _malformed(channel: str, data: bytes, why: str) -> Malformed:
    text = data[: 4 * _SHOWN].decode("utf-8", "backslashreplace")
    return Malformed(channel=channel, why=why, begins=text[:_SHOWN])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
