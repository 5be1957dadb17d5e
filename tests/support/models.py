"""Backends for tests: a coroutine function that answers, with a count of who was asked and how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from genai_social_sim.backends.encoders.lexical import LexicalEncoder
from genai_social_sim.backends.recall import InstantRecall
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import Answer, Request

Complete = Callable[[Request], Awaitable[Answer]]


class Counted:
    """A backend that waits; what it does is the function it is given."""

    def __init__(self, complete: Complete, *, slots: int = 64) -> None:
        self._complete = complete
        self.slots = slots
        self.asked: list[tuple[int, int]] = []  # (turn, attempt), in the order of asking
        self.most_at_once = 0
        self._now = 0

    def identity(self) -> Mapping[str, Any]:
        return {"backend": "counted"}

    async def complete(self, request: Request) -> Answer:
        self.asked.append((request.turn, request.attempt))
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._complete(request)
        finally:
            self._now -= 1

    async def close(self) -> None:
        """Nothing to give back."""


def spoken(request: Request) -> Answer:
    return Answer(text=f"{request.agent} {request.turn}")


async def at_once(request: Request) -> Answer:
    return spoken(request)


def after(seconds: float) -> Complete:
    async def complete(request: Request) -> Answer:
        await asyncio.sleep(seconds)
        return spoken(request)

    return complete


async def hangs(request: Request) -> Answer:
    await asyncio.Event().wait()
    return spoken(request)


def failing(*cases: tuple[int, int], seconds: float = 1.0) -> Complete:
    """Fails at these (turn, attempt); every call takes `seconds`."""

    async def complete(request: Request) -> Answer:
        await asyncio.sleep(seconds)
        if (request.turn, request.attempt) in cases:
            raise CompletionError("no connection", cause="unreachable")
        return spoken(request)

    return complete


class Overheard(InstantRecall):
    """The encoder that goes by spelling; what it is asked goes to `seen`."""

    def __init__(self, seen: list[Request]) -> None:
        super().__init__(LexicalEncoder())
        self._seen = seen

    def compared(self, request: Request) -> Answer:
        self._seen.append(request)
        return super().compared(request)
