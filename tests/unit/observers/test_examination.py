"""Our observers sit the examination that every observer sits."""

import io
from collections.abc import Callable

import pytest

from genai_social_sim.observers.progress import Progress, StatusLine
from genai_social_sim.observers.transcript import Transcript
from genai_social_sim.ports import Observer
from genai_social_sim.testing.observers import check_changes_nothing, check_takes_every_event


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printing() -> Observer:
    return Transcript(io.StringIO())


def colouring() -> Observer:
    return Transcript(Terminal(), channels=True)


def counting() -> Observer:
    return Progress(StatusLine(Terminal(), now=lambda: 0.0, shown=True), most=4)


@pytest.mark.parametrize("new_observer", [printing, colouring, counting])
async def test_it_takes_every_event_and_changes_nothing(new_observer: Callable[[], Observer]) -> None:
    await check_takes_every_event(new_observer)
    await check_changes_nothing(new_observer)
