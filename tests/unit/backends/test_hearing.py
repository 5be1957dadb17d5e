"""The deadlines of one call: the first token's and the whole answer's. On a clock of its own."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.virtual_time import in_virtual_time

from genai_social_sim.backends.servers import Hearing
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Limits


async def listen(limits: Limits, tokens_at: tuple[float, ...], anew_at: float | None) -> None:
    began = (now := asyncio.get_running_loop().time)()
    async with Hearing(limits) as hearing:
        for at in tokens_at:
            await asyncio.sleep(began + at - now())
            hearing.add("word")
        if anew_at is not None:
            await asyncio.sleep(began + anew_at - now())
            hearing.anew()
        await asyncio.Event().wait()


async def heard(limits: Limits, *tokens_at: float, anew_at: float | None = None) -> tuple[str, float]:
    """Why a call that hears tokens at these times, and then nothing, is given up, and when."""
    began = (now := asyncio.get_running_loop().time)()
    with pytest.raises(CompletionError) as caught:
        await listen(limits, tokens_at, anew_at)
    assert caught.value.cause == "timeout"
    return caught.value.problem, now() - began


FIRST, WHOLE = "no first token within 5 s", "no whole answer within 20 s"


@pytest.mark.parametrize(
    ("tokens_at", "first_s", "given_up"),
    [
        ((), 5.0, (FIRST, 5.0)),
        ((), None, (WHOLE, 20.0)),
        ((), 30.0, (WHOLE, 20.0)),
        ((4.0,), 5.0, (WHOLE, 20.0)),
        ((4.0, 19.0), 5.0, (WHOLE, 20.0)),
    ],
)
def test_each_deadline_counts_from_the_beginning_of_the_call(
    tokens_at: tuple[float, ...], first_s: float | None, given_up: tuple[str, float]
) -> None:
    assert in_virtual_time(heard(Limits(20.0, None, first_s), *tokens_at)) == given_up


def test_an_answer_that_did_not_count_moves_no_deadline() -> None:
    assert in_virtual_time(heard(Limits(20.0, None, 5.0), 4.0, anew_at=10.0)) == (WHOLE, 20.0)


def test_what_fails_within_the_deadlines_fails_as_it_did() -> None:
    async def work() -> None:
        async with Hearing(Limits(20.0)):
            raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        in_virtual_time(work())


def test_a_call_that_is_cancelled_from_outside_is_no_timeout() -> None:
    async def work() -> None:
        task = asyncio.ensure_future(heard(Limits(20.0)))
        await asyncio.sleep(1.0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        in_virtual_time(work())
