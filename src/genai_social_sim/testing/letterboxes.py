"""The examination of a letterbox: an opening reaches a run that waits, whoever of the two is there first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.ports import Letter, Letterbox

OpenLetterbox = Callable[[], Letterbox]  # each call another end of the same one, which is empty to begin with
HALL: Final = ChannelId("hall")
ODD: Final = ChannelId("../Dr. Ä/# *")
FIRST: Final = Opening(speaker="system", text='Begin.\n\x1b[2J "é" \u2028')
SECOND: Final = Opening(speaker="chair", text="Begin again.")
_LONGEST_S: Final = 10.0
_NO_TIME_S: Final = 0.3


async def came(box: Letterbox, *channels: ChannelId) -> Letter:
    """The first opening that comes."""
    async with asyncio.timeout(_LONGEST_S), box.letters(channels) as letters:
        async for letter in letters:
            return letter
    raise AssertionError("the letters came to an end")


async def check_who_waits_is_told(open_letterbox: OpenLetterbox) -> None:
    """A run that waits gets the opening, and whoever posts it learns that; so until it waits no more."""
    box, poster = open_letterbox(), open_letterbox()
    async with asyncio.timeout(_LONGEST_S), box.letters([HALL]) as letters:
        for opening in (FIRST, SECOND):
            assert await poster.post(HALL, opening) == (1, False), "it does not tell how many wait"
            assert await anext(letters) == (HALL, opening), "another opening came than was posted"
    await box.close()
    assert (await poster.post(HALL, FIRST)).waiting == 0, "it counts a run that does not wait any more"
    await poster.close()


async def check_an_opening_is_kept_for_who_comes_later(open_letterbox: OpenLetterbox) -> None:
    """Posted before anybody waits, it is kept, under any name; a second one takes its place."""
    for channel in (HALL, ODD):
        poster, waiter = open_letterbox(), open_letterbox()
        assert await poster.post(channel, FIRST) == (0, False), "somebody waits, it says, or an opening lay there"
        assert await poster.post(channel, SECOND) == (0, True), "it does not say that it replaced one"
        await poster.close()
        assert await came(waiter, channel) == (channel, SECOND), "another opening came than was kept"
        await waiter.close()


async def check_a_kept_opening_is_taken_once(open_letterbox: OpenLetterbox) -> None:
    """What one run took up, the next one does not find."""
    box, other = open_letterbox(), open_letterbox()
    await box.post(HALL, FIRST)
    await came(box, HALL)
    try:
        async with asyncio.timeout(_NO_TIME_S):
            again = await came(other, HALL)
    except TimeoutError:
        again = None
    assert again is None, "it was given out twice"
    await box.close()
    await other.close()


async def check_channels_are_told_apart(open_letterbox: OpenLetterbox) -> None:
    """An opening of another channel is not given out, and those of several are given out each for its own."""
    box, poster = open_letterbox(), open_letterbox()
    await poster.post(ODD, FIRST)
    await poster.post(HALL, SECOND)
    assert await came(box, HALL) == (HALL, SECOND), "an opening came to another channel"
    assert await came(box, HALL, ODD) == (ODD, FIRST), "an opening was lost"
    await box.close()
    await poster.close()


CHECKS: Final = (
    check_who_waits_is_told,
    check_an_opening_is_kept_for_who_comes_later,
    check_a_kept_opening_is_taken_once,
    check_channels_are_told_apart,
)
