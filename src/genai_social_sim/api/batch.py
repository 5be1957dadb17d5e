"""Plays the runs of a design: those that are missing, several at once if wanted, whatever becomes of any of them.

Runs that are played at once have a process each (`player`), begun afresh and never forked: one that a native library
takes down takes down no other, and all cores work. They share what the study gives each model to do at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Final, Protocol

from genai_social_sim.api.counting import Counting
from genai_social_sim.api.outcome import Fault, Outcome, standing
from genai_social_sim.api.planned import Planned
from genai_social_sim.errors import RequestError

_HERE_ONLY: Final = ("functions", "observers", "progress", "budget", "prices")  # settings that no pipe carries


class Watch(Protocol):
    """Who is told how it goes."""

    def began(self, planned: Planned) -> None:
        """A run is begun or gone on with."""

    def moved(self, planned: Planned, turns: int) -> None:
        """So many turns of it are committed, those of earlier sessions included."""

    def ended(self, outcome: Outcome) -> None:
        """It is finished, or it is not and will not be tried again."""

    def said(self, planned: Planned, words: str) -> None:
        """What a run waits for before it begins."""


class Unwatched:
    """Nobody is told."""

    def began(self, planned: Planned) -> None:
        """Nothing."""

    def moved(self, planned: Planned, turns: int) -> None:
        """Nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Nothing."""

    def said(self, planned: Planned, words: str) -> None:
        """Nothing."""


class Player(Protocol):
    """Plays one run at a time."""

    async def play(self, planned: Planned) -> Fault | None:
        """Play it as far as it goes; why it was not finished. If cancelled, the run stops in good order first."""


async def play_all(
    planned: Sequence[Planned], settings: Mapping[str, Any], *, jobs: int = 1, watch: Watch | None = None
) -> tuple[Outcome, ...]:
    """Play what is not finished of `planned`.

    Args:
        planned: The runs, in the order in which they are begun.
        settings: As for `Study.run`.
        jobs: How many at once.
        watch: Told how it goes.

    Returns:
        What became of each, in the same order.

    Raises:
        RequestError: If there is no sense in `jobs`, or `settings` that stay in this process were given with several.
        asyncio.CancelledError: If it was interrupted; all records are in order, and the same call goes on.
    """
    _check(jobs, settings)
    batch = _Batch(planned, watch or Unwatched())
    several = _several(jobs, batch, settings)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(several):
            tasks.create_task(batch.work(_player(settings, batch.watch, several=several)))
    return batch.outcomes


def _check(jobs: int, settings: Mapping[str, Any]) -> None:
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
        raise RequestError(f"{jobs!r} jobs make no sense", remedy="Give a whole number from 1.")
    kept = [name for name in _HERE_ONLY if settings.get(name)]
    if jobs > 1 and kept:
        raise RequestError(
            f"`{kept[0]}` cannot be handed to other processes, which several jobs are",
            remedy="Play with jobs=1; or offer functions as entry points of an installed package.",
        )


def _several(jobs: int, batch: _Batch, settings: Mapping[str, Any]) -> int:
    """How many are played at once: no more than the scarcest model server may be given calls, since each needs one."""
    wanted = min(jobs, len(batch.todo))
    if wanted < 2:  # noqa: PLR2004 (nothing to share)
        return wanted
    slots = [found for each in batch.todo if (found := each.slots(settings)) is not None]
    if slots and min(slots) < wanted:
        words = (
            f"{min(slots)} at a time, not {wanted}, since its model server may be given no more calls at once (`slots`)"
        )
        batch.watch.said(batch.todo[0], words)
    return min([wanted, *slots])


class _Batch:
    """The runs to be played and what became of them."""

    def __init__(self, planned: Sequence[Planned], watch: Watch) -> None:
        self.watch = watch
        self._planned = planned
        self._found = {each.path: standing(each) for each in planned}
        self.todo = deque(each for each in planned if self._found[each.path].status not in ("finished", "running"))

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        return tuple([self._found[each.path] for each in self._planned])

    async def work(self, opened: AbstractAsyncContextManager[Player]) -> None:
        """Play one after the other while there are any."""
        async with opened as player:
            while self.todo:
                planned = self.todo.popleft()
                self.watch.began(planned)
                fault = await player.play(planned)
                self._found[planned.path] = outcome = standing(planned, fault)
                self.watch.ended(outcome)


def _player(settings: Mapping[str, Any], watch: Watch, *, several: int) -> AbstractAsyncContextManager[Player]:
    if several == 1:
        return _Here(settings, watch)
    from genai_social_sim.api.elsewhere import Elsewhere

    return Elsewhere(settings, watch, sharers=several)


class _Here(AsyncExitStack):
    """Plays runs in this process."""

    def __init__(self, settings: Mapping[str, Any], watch: Watch) -> None:
        super().__init__()
        self._settings = settings
        self._watch = watch

    async def __aenter__(self) -> _Here:
        return self

    async def play(self, planned: Planned) -> Fault | None:
        """See `Player.play`."""
        counting = Counting(lambda turns: self._watch.moved(planned, turns), turns=standing(planned).turns)
        own = {
            "observers": [*self._settings.get("observers", ()), counting],
            "say": lambda words: self._watch.said(planned, words),
        }
        try:
            (await planned.arun(**{**self._settings, **own})).close()
        except Exception as error:  # noqa: BLE001 (whatever ends one run is told, and ends no other)
            return Fault.of(error)
        return None
