"""How a model server is driven: by a bare aiohttp loop, by a backend alone, and by a whole run with its record.

All three send the same size of prompt to the same server, in a process of its own, from one process with one loop.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from benchmarks.model_server import MODEL
from benchmarks.workloads import neighbourhoods, prepared, reply
from genai_social_sim import Run
from genai_social_sim.backends import registry
from genai_social_sim.domain.events import Answered
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import Model, Sampling
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import LanguageModel, Request

Protocol = Literal["ollama", "openai"]
_HEARD: Final = 8  # utterances in a prompt


class Cost(NamedTuple):
    """What some calls took: seconds on the clock, and of this process's processor time."""

    wall_s: float
    cpu_s: float


@contextmanager
def server(latency_s: float, pieces: int) -> Iterator[str]:
    """A model server in a process of its own; gives its address."""
    command = [sys.executable, "-m", "benchmarks.model_server", str(latency_s), str(pieces)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def bare(address: str, protocol: Protocol, calls: int, at_once: int) -> Cost:
    """The floor: the same calls by aiohttp alone, their bodies made and their answers' lines read as JSON."""
    import aiohttp

    url = address + ("/api/chat" if protocol == "ollama" else "/v1/chat/completions")
    headers = {"Content-Type": "application/json"}
    messages = [{"role": role, "content": text} for role, text in _request(0).prompt.chat()]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one(number: int) -> None:
            body = json.dumps({"model": MODEL, "messages": messages, "stream": True, "options": {"seed": number}})
            async with session.post(url, data=body.encode(), headers=headers) as response:
                said = await response.read()
            lines = (line.removeprefix(b"data: ") for line in said.splitlines())
            if not [json.loads(line) for line in lines if line and line != b"[DONE]"]:
                raise RuntimeError("the server answered nothing")

        return await _timed(_many(one, calls, at_once))


async def alone(address: str, protocol: Protocol, calls: int, at_once: int) -> Cost:
    """A backend without the engine."""
    async with _opened(address, protocol, at_once) as model:

        async def one(number: int) -> None:
            await model.complete(_request(number))

        return await _timed(_many(one, calls, at_once))


async def whole(path: Path, address: str, protocol: Protocol, calls: int, at_once: int) -> Cost:
    """A run: agents in simultaneous channels of 8, twice as many as are asked at once, with the whole record kept."""
    options, sampling = json.dumps(_options(address, protocol, at_once)), _request(0).sampling
    asked = Model(backend=protocol, options=options, sampling=sampling)
    plan = neighbourhoods(2 * at_once, asked, size=_HEARD, rounds=calls // (2 * at_once))
    async with _opened(address, protocol, at_once) as model:
        log, run = prepared(plan, path, "process", {asked: model})
        cost = await _timed(run)
    log.close()
    with Run(path) as record:
        answered = sum(isinstance(recorded.event, Answered) for recorded in record.events())
    if answered != calls:
        raise RuntimeError(f"{answered} of {calls} calls were answered")
    return cost


async def _many(one: Callable[[int], Awaitable[None]], calls: int, at_once: int) -> None:
    """Make so many calls, so many at once."""
    numbers = iter(range(calls))

    async def slot() -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(slot())


async def _timed(work: Awaitable[None]) -> Cost:
    began = time.perf_counter(), time.process_time()
    await work
    return Cost(time.perf_counter() - began[0], time.process_time() - began[1])


@asynccontextmanager
async def _opened(address: str, protocol: Protocol, slots: int) -> AsyncIterator[LanguageModel]:
    begun = registry.find(protocol)(_options(address, protocol, slots), registry.Surroundings())
    model = await begun if isinstance(begun, Awaitable) else begun
    try:
        yield model
    finally:
        await model.close()


def _options(address: str, protocol: Protocol, slots: int) -> Mapping[str, Any]:
    if protocol == "ollama":
        return {"model": MODEL, "host": address, "slots": slots}
    return {"model": MODEL, "base_url": f"{address}/v1", "slots": slots, "api_key_env": "NO_KEY_IS_NEEDED"}


def _request(number: int) -> Request:
    """A call as the engine makes it: a persona and what was heard."""
    return Request(
        turn=number,
        attempt=1,
        channel=ChannelId("general"),
        round=number,
        agent=AgentId("agent0000000"),
        persona=_PERSONA.value,
        heard=(),
        prompt=_PROMPT,
        sampling=Sampling(temperature=0.7, top_p=0.95, max_tokens=60),
        stop=("\n",),
        seed=number,
    )


_PERSONA: Final = Text.of("Persona of agent0000000.")
_PROMPT: Final = Prompt.of(
    (
        Message.of("system", (_PERSONA,)),
        *(Message.of("user", (Text.of(f"agent{number}: {reply(number)}\n"),)) for number in range(_HEARD)),
    )
)
