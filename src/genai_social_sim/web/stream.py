"""Events as they are committed, for programs: server-sent events, each with its position of the log as id.

A reader that was cut off sends `Last-Event-ID` and misses nothing. Browsers allow few of these at once, so the page
itself asks for `history` again and again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from starlette.concurrency import run_in_threadpool

from genai_social_sim.web.endpoints import Site
from genai_social_sim.web.history import History, history
from genai_social_sim.web.queries import OfHistory

_POLL_S: Final = 0.2  # SQLite tells nobody of a commit
_ALIVE_S: Final = 15.0  # after which a silent stream says that it is there


async def stream(site: Site, query: OfHistory) -> AsyncIterator[str]:
    """What happens after `query.after`, until the run is no longer running."""
    after, silent = query.after, 0.0
    while True:
        page = await run_in_threadpool(_page, site, query, after)
        for item in page["items"]:
            yield f"id: {item['seq']}\nevent: {item['kind']}\ndata: {json.dumps(item, ensure_ascii=False)}\n\n"
        after = page["next"]
        if after < page["seq"]:
            continue
        if not page["status"].startswith("running"):
            ended = {key: page[key] for key in ("status", "turns", "digest")}
            yield f"event: end\ndata: {json.dumps(ended)}\n\n"
            return
        silent = 0.0 if page["items"] else silent + _POLL_S
        if silent >= _ALIVE_S:
            silent = 0.0
            yield ": nothing new\n\n"
        await asyncio.sleep(_POLL_S)


def _page(site: Site, query: OfHistory, after: int) -> History:
    with site.folder.record(query.run) as record:
        return history(record, after=after, limit=query.limit, channel=query.channel, now=site.sources.clock.now())
