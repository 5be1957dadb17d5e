"""When two workers have the same model: what a backend says of itself, without what belongs to one machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

# Addresses, versions and sizes of one machine: recorded when a worker joins, and free to differ between workers.
_OF_ONE_MACHINE: Final = frozenset(
    {
        "build",
        "build_info",
        "hosts",
        "prefix_cache",
        "server",
        "servers",
        "slots",
        "total_slots",
        "version",
        "xllamacpp",
    }
)


def fingerprint(identity: Mapping[str, Any]) -> str:
    """SHA-256 over what makes out the model, as hexadecimal digits."""
    kept = {name: value for name, value in identity.items() if name not in _OF_ONE_MACHINE}
    text = json.dumps(kept, ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode()).hexdigest()


def plain(identity: Mapping[str, Any]) -> dict[str, Any]:
    """An identity in values that a message can hold."""
    found: dict[str, Any] = json.loads(json.dumps(dict(identity), default=str))
    return found
