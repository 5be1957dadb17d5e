"""What a NATS server should be like for runs, and whether it is."""

from __future__ import annotations

from typing import Any, Final

from nats.js.errors import APIError, ServiceUnavailableError

from genai_social_sim.ports import Health

_OLDEST: Final = (2, 10)
_ROOM: Final = 4 << 20  # bytes of a message; a prompt of a long memory has megabytes


async def examined(client: Any, where: str) -> list[Health]:
    """Everything about one server."""
    version = client.connected_server_version
    shown = f"NATS {version.major}.{version.minor}.{version.patch} at {where}"
    found = [Health(what="broker", state="ok", found=shown)]
    if (version.major, version.minor) < _OLDEST:
        found = [Health(what="broker", state="broken", found=shown, remedy="Use NATS 2.10 or newer.")]
    return [*found, await _jetstream(client), _payload(client)]


async def _jetstream(client: Any) -> Health:
    try:
        about = await client.jetstream(timeout=2).account_info()
    except (ServiceUnavailableError, APIError, TimeoutError):
        return Health(
            what="JetStream",
            state="broken",
            found="off, or this user may not use it",
            remedy="Start the server with it: nats-server --jetstream --store_dir FOLDER",
        )
    return Health(what="JetStream", state="ok", found=f"on, {about.streams} streams, kept on the disk")


def _payload(client: Any) -> Health:
    most = int(client.max_payload)
    if most >= _ROOM:
        return Health(what="message size", state="ok", found=f"{most >> 20} MiB at most")
    return Health(
        what="message size",
        state="doubtful",
        found=f"{most:,} bytes at most: a longer prompt cannot be handed out",
        remedy="max_payload: 8MB in the server's configuration",
    )
