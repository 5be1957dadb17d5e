"""One process's work on one run: its first and last events, whatever ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

from genai_social_sim.domain.events import RunStarted, SessionEnded, SessionStarted
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.live import HaltedError, LiveRun, Past, World, append_and_tell
from genai_social_sim.errors import RecordError
from genai_social_sim.kernel.run import apply, openings
from genai_social_sim.ports import Entry


async def perform(past: Past, world: World, *, about: Text, begin: RunStarted | None) -> None:
    """Play a run to its end.

    Args:
        past: Where it stands.
        world: What it works with.
        about: This session's settings, versions and models, as JSON.
        begin: The run's first event; None if it is in the log already.

    Raises:
        HaltedError: If a failed turn stopped it.
        asyncio.CancelledError: If it was interrupted; the record is in order and the run can be resumed.
    """
    opened = openings(past.state)
    entries = [Entry(begin)] if begin else []
    entries.append(Entry(SessionStarted(resumed=begin is None, about=about)))
    entries.extend(map(Entry, opened))
    append_and_tell(world, entries)
    state = past.state
    for event in opened:
        state = apply(state, event)
    try:
        await LiveRun(replace(past, state=state), world).play()
    except asyncio.CancelledError:
        _end(world, "interrupted", "interrupted from outside")
        raise
    except HaltedError as halt:
        _end(world, "failed", str(halt))
        raise
    except RecordError:
        raise  # there is nowhere to write it
    except Exception as bug:
        _end(world, "failed", f"{type(bug).__name__}: {bug}")
        raise
    _end(world, "finished", "")


def _end(world: World, status: Literal["finished", "interrupted", "failed"], detail: str) -> None:
    append_and_tell(world, [Entry(SessionEnded(status=status, detail=Text.of(detail)))])
