"""What `gss doctor --broker URL` finds at a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from genai_social_sim.cli.findings import Finding
from genai_social_sim.errors import BrokerError
from genai_social_sim.ports import Health
from genai_social_sim.workers.transports import open_transport


def findings(url: str) -> list[Finding]:
    """Everything about the broker at `url`; raises RequestError if this is no address of one."""
    try:
        found = asyncio.run(_health(url))
    except BrokerError as fault:
        words = f"{fault.where}: {fault.problem}"
        return [Finding(what="broker", state="broken", found=words, remedy=_remedy(fault))]
    return [Finding(what=each.what, state=each.state, found=each.found, remedy=each.remedy) for each in found]


async def _health(url: str) -> Sequence[Health]:
    transport = open_transport(url)
    try:
        return await transport.health()
    finally:
        await transport.close()


def _remedy(fault: BrokerError) -> str:
    """What to do; the usual remedy is to ask the doctor, who is speaking."""
    if "gss doctor" not in fault.remedy:
        return fault.remedy
    return (
        "Start one, for example: docker run -p 6379:6379 redis redis-server --appendonly yes; or: gss run --workers 4"
    )
