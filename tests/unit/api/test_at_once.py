"""How many calls at once a model server is given: as the study says, whoever plays it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from genai_social_sim import Run, Study
from genai_social_sim.api.at_once import at_once, options_of
from genai_social_sim.api.batch import Unwatched, play_all
from genai_social_sim.api.outcome import Outcome
from genai_social_sim.api.planned import Planned
from genai_social_sim.domain.events import SessionStarted
from genai_social_sim.study.lowering import from_canonical, lower
from genai_social_sim.testing.http_server import Call, Reply, serving
from genai_social_sim.testing.ollama_server import OllamaServer, Said, reply_of

STUDY = """
name: shared
durability: process
model: {backend: ollama, model: "tiny:latest", slots: SLOTS, max_tokens: 20, host: "HOST"}
population: {size: 4}
protocol: simultaneous
channels: {hall: {opening: {text: "Hello."}}}
factors: {heat: {path: model.temperature, values: {cold: 0.1, hot: 1.1}}}
stop: {rounds: 3}
"""
_TAKES_S = 0.05  # a call at the server


@dataclass
class Counted:
    """What a server was given, by temperature: each condition has its own."""

    address: str = ""
    under_way: Counter[float] = field(default_factory=Counter)
    most: int = 0
    most_of: Counter[float] = field(default_factory=Counter)

    def began(self, condition: float) -> None:
        self.under_way[condition] += 1
        self.most = max(self.most, self.under_way.total())
        self.most_of[condition] = max(self.most_of[condition], self.under_way[condition])


@asynccontextmanager
async def counting() -> AsyncIterator[Counted]:
    counted, server = Counted(), OllamaServer(lambda _: Said(text=["Hello ", "there."]))

    async def reply(call: Call) -> Reply:
        if call.path != "/api/chat":
            return await reply_of(server, call)
        condition = json.loads(call.body)["options"]["temperature"]
        counted.began(condition)
        await asyncio.sleep(_TAKES_S)
        counted.under_way[condition] -= 1
        return await reply_of(server, call)

    async with serving(reply) as address:
        counted.address = address
        yield counted


def study_at(address: str, *, slots: int) -> Study:
    return Study.parse(STUDY.replace("HOST", address).replace("SLOTS", str(slots)))


class Listening(Unwatched):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def said(self, planned: Planned, words: str) -> None:
        self.heard.append(words)


async def played(study: Study, runs: Path, watch: Unwatched) -> tuple[Outcome, ...]:
    outcomes = await play_all(study.planned(runs=runs), {}, jobs=2, watch=watch)
    assert [(each.status, each.turns) for each in outcomes] == [("finished", 12)] * 2
    return outcomes


async def test_two_jobs_share_a_servers_slots_alike(tmp_path: Path) -> None:
    async with counting() as server:
        outcomes = await played(study_at(server.address, slots=2), tmp_path, Unwatched())
        assert server.most <= 2
        assert server.most_of == {0.1: 1, 1.1: 1}
    for outcome in outcomes:  # it is in the record of a session, for whoever goes on with the run, and not in its study
        with Run(outcome.planned.path) as run:
            (about,) = [each.event.about.value for each in run.events() if isinstance(each.event, SessionStarted)]
            assert "slots" not in json.dumps(run.study)
        assert [*json.loads(about)["settings"]["at_once"].values()] == [{"slots": 2}]


async def test_no_more_runs_are_played_at_once_than_a_server_may_be_given_calls(tmp_path: Path) -> None:
    watch = Listening()
    async with counting() as server:
        await played(study_at(server.address, slots=1), tmp_path, watch)
        assert server.most == 1
    assert watch.heard == ["1 at a time, not 2, since its model server may be given no more calls at once (`slots`)"]


async def test_a_fork_and_a_resumed_run_keep_to_it(tmp_path: Path) -> None:
    async with counting() as server:
        study = study_at(server.address, slots=1).conditions["heat=hot"]
        run = await study.arun(runs=tmp_path)
        fork = await asyncio.to_thread(run.fork, at_turn=4, resample=1)
        assert fork.turns == 12
        assert server.most == 1


@pytest.mark.parametrize(
    "model", ['backend: ollama, model: "a:1", slots: 3, context: 256', "backend: embedded, parallel: 2"]
)
def test_what_a_record_leaves_out_is_found_by_the_rest_of_the_options(model: str) -> None:
    text = f"name: x\nagents: [{{name: A}}, {{name: B}}]\nmodel: {{{model}}}\n"
    text += "channels: {hall: {}}\nstop: {turns: 2}\n"
    study = Study.parse(text)
    (meant,) = study.models
    (recorded,) = {*lower(from_canonical(study.recorded()), seed=1).models}
    options: dict[str, Any] = json.loads(meant.options)
    assert json.loads(recorded.options) != options
    assert options_of(recorded, at_once(study.models)) == options
