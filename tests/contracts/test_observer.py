"""Observers of ours sit the examination that is shipped for others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from genai_social_sim.domain.events import Event
from genai_social_sim.testing.observers import CHECKS, NewObserver, check_takes_every_event


class Counting:
    """The smallest observer there is."""

    def __init__(self) -> None:
        self.count = 0

    def saw(self, events: Sequence[Event]) -> None:
        self.count += len(events)


class Choosy(Counting):
    def saw(self, events: Sequence[Event]) -> None:
        self.count += vars(type(events[0]))["tokens"] is not None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_an_observer_takes_what_a_run_may_hold(check: Callable[[NewObserver], Awaitable[None]]) -> None:
    await check(Counting)


async def test_the_examination_fails_an_observer_that_expects_only_turns() -> None:
    with pytest.raises(KeyError):
        await check_takes_every_event(Choosy)
