"""One process's work on one run: its first and last events, whatever ends it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Literal

from genai_social_sim.domain.events import RunStarted, SessionEnded, SessionStarted
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.audience import Audience
from genai_social_sim.engine.budget import BudgetError
from genai_social_sim.engine.live import HaltedError, LiveRun, Past, World
from genai_social_sim.errors import RecordError
from genai_social_sim.kernel.run import apply, openings
from genai_social_sim.ports import Entry

_VALUES: Final = 50_000  # made before cycles are looked for


async def perform(past: Past, world: World, *, about: Text, begin: RunStarted | None) -> None:
    """Play a run to its end.

    Args:
        past: Where it stands.
        world: What it works with.
        about: This session's settings, versions and models, as JSON.
        begin: The run's first event; None if it is in the log already.

    Raises:
        HaltedError: If a failed turn stopped it.
        BudgetError: If the budget is used up; the run can be resumed.
        asyncio.CancelledError: If it was interrupted; the record is in order and the run can be resumed.
    """
    audience = Audience(world.log, world.observers)
    opened = openings(past.state)
    entries = [Entry(begin)] if begin else []
    entries.append(Entry(SessionStarted(resumed=begin is None, about=about)))
    entries.extend(map(Entry, opened))
    audience.append(entries)
    state = past.state
    for event in opened:
        state = apply(state, event)
    try:
        with _rarer_collection():
            await LiveRun(replace(past, state=state), world, audience).play()
    except asyncio.CancelledError:
        _end(audience, "interrupted", "interrupted from outside")
        raise
    except BudgetError as spent:
        _end(audience, "interrupted", spent.problem)
        raise
    except HaltedError as halt:
        _end(audience, "failed", str(halt))
        raise
    except RecordError:
        raise  # there is nowhere to write it
    except Exception as bug:
        _end(audience, "failed", f"{type(bug).__name__}: {bug}")
        raise
    _end(audience, "finished", "")


@contextmanager
def _rarer_collection() -> Iterator[None]:
    """A run makes many small frozen values and no cycles: looking for cycles as often as usual costs a tenth of it."""
    before = gc.get_threshold()
    gc.set_threshold(max(_VALUES, before[0]), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _end(audience: Audience, status: Literal["finished", "interrupted", "failed"], detail: str) -> None:
    audience.append([Entry(SessionEnded(status=status, detail=Text.of(detail)))])
