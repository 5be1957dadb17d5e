"""What a Redis or Valkey should be like for runs that may not stall, and whether it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from redis.exceptions import NoPermissionError, ResponseError

from genai_social_sim.ports import Health

_OLDEST: Final = (6, 2)
_PROBE: Final = "gss:{doctor}:probe"


async def examined(redis: Any, where: str) -> list[Health]:
    """Everything about one server; raises what the client raises if it cannot be reached."""
    about: dict[str, Any] = await redis.info("server")
    found = [_version(about, where)]
    for what, check in (("persistence", _persistence), ("memory policy", _memory), ("rights", _rights)):
        found.append(await _looked(what, check, redis))
    return found


async def _looked(what: str, check: Callable[[Any], Awaitable[Health]], redis: Any) -> Health:
    """One check; a server that does not let us look, as hosted ones do, is doubtful and no more."""
    try:
        return await check(redis)
    except (NoPermissionError, ResponseError) as fault:
        words = f"it does not tell ({fault})"
        return Health(what=what, state="doubtful", found=words, remedy="Ask whoever runs it.")


def _version(about: dict[str, Any], where: str) -> Health:
    """Redis 6.2 brought the commands that are used; Valkey tells which Redis it stands in for, too."""
    name = "Valkey" if "valkey_version" in about else "Redis"
    shown = str(about.get("valkey_version") or about.get("redis_version"))
    version = tuple(int(part) for part in str(about.get("redis_version", "0")).split(".")[:2])
    if version < _OLDEST:
        return Health(
            what="broker",
            state="broken",
            found=f"{name} {shown} at {where}",
            remedy="Use Redis 6.2 or newer, or Valkey: docker run -p 6379:6379 redis redis-server --appendonly yes",
        )
    return Health(what="broker", state="ok", found=f"{name} {shown} at {where}")


async def _persistence(redis: Any) -> Health:
    about = await redis.info("persistence")
    if about.get("aof_enabled"):
        return Health(what="persistence", state="ok", found="append-only file")
    remedy = "redis-cli config set appendonly yes (for good: appendonly yes in redis.conf)"
    return Health(
        what="persistence",
        state="doubtful",
        found="off: a restart forgets what is handed out; runs go on, but answers under way are asked again",
        remedy=remedy,
    )


async def _memory(redis: Any) -> Health:
    about = await redis.info("memory")
    policy, most = str(about.get("maxmemory_policy")), int(about.get("maxmemory", 0))
    limit = f"at most {most >> 20} MiB" if most else "no limit"
    if policy == "noeviction":
        return Health(what="memory policy", state="ok", found=f"{policy}, {limit}")
    return Health(
        what="memory policy",
        state="broken" if most else "doubtful",
        found=f"{policy}, {limit}: once it is full it throws away what is handed out",
        remedy="redis-cli config set maxmemory-policy noeviction",
    )


async def _rights(redis: Any) -> Health:
    """Do what a run does, on names of our own."""
    script = "redis.call('XADD', KEYS[1], '*', 'm', '') return redis.call('DEL', KEYS[1])"
    try:
        await redis.execute_command("EVAL", script, 1, _PROBE)
        await redis.execute_command("XREAD", "COUNT", 1, "STREAMS", _PROBE, "0")
    except (NoPermissionError, ResponseError) as fault:
        return Health(
            what="rights",
            state="broken",
            found=f"it refuses what a run needs ({fault})",
            remedy="Give this user all commands on gss:*: ACL SETUSER NAME on >PASSWORD ~gss:* +@all",
        )
    return Health(what="rights", state="ok", found="streams and scripts may be used")
