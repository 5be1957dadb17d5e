"""The real model in this process: its runs repeat to the bit, resume with a cold cache, and replay without it."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genai_social_sim import Run, Study
from genai_social_sim.backends import embedded, weights
from genai_social_sim.backends.llama import LlamaServer, repeats
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.events import AttemptFailed, Event, FellSilent, Spoke
from genai_social_sim.domain.plan import LAYOUTS
from genai_social_sim.testing import language_models
from genai_social_sim.testing.language_models import OpenModel

pytestmark = pytest.mark.timeout(600)

TALK = """
name: talk
seed: 5
model: {backend: embedded, max_tokens: 12, parallel: 2}
agents:
  - {name: Ada, persona: "A cautious geologist."}
  - {name: Bo, persona: "A trade negotiator."}
  - {name: Cy, persona: "A mayor in a hurry."}
channels:
  hall: {members: [Ada, Bo], opening: {text: "Should the old mine be opened again?"}}
  yard: {members: [Bo, Cy], protocol: simultaneous, opening: {text: "Where should the new bridge be?"}}
stop: {rounds: 2}
"""


@pytest.fixture(scope="module")
def model_file() -> Path:
    """The shipped weights, fetched as a user's first run would."""
    return weights.pull(weights.DEFAULT, lambda what, share: None)


VOTE = """
name: vote
seed: 5
model: {backend: embedded, max_tokens: 12, parallel: 2}
agents:
  - {name: Ada, persona: "A cautious geologist."}
  - {name: Bo, persona: "A trade negotiator."}
act: {kind: choose, options: [open it, keep it shut], shuffle: true, labels: true}
channels:
  hall: {protocol: simultaneous, opening: {text: "Should the old mine be opened again?"}}
  yard: {act: {kind: rate, scale: [-2, -1, 0, 1, 2]}, opening: {text: "How much do you like the old mine?"}}
stop: {rounds: 2}
"""


@pytest.fixture(scope="module")
def talk(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One finished run of the study above."""
    with Study.parse(TALK).run(runs=tmp_path_factory.mktemp("runs")) as run:
        yield run


class StopAfter:
    """An observer that interrupts the run once so many turns have been taken."""

    def __init__(self, turns: int) -> None:
        self.left = turns
        self.task: asyncio.Task[Run] | None = None

    def saw(self, events: Sequence[Event]) -> None:
        """Count, and interrupt."""
        self.left -= sum(isinstance(event, Spoke | FellSilent) for event in events)
        if self.left <= 0 and self.task is not None:
            self.task.cancel()


def test_two_channels_answered_in_parallel_say_the_same_again(talk: Run, tmp_path: Path) -> None:
    again = Study.parse(TALK).run(runs=tmp_path)
    assert again.transcript() == talk.transcript()
    assert again.digest == talk.digest


def test_what_is_asked_aside_leaves_no_trace_in_the_conversation(talk: Run, tmp_path: Path) -> None:
    probe = 'probes: [{name: stance, every: 1 round, scale: [-2, -1, 0, 1, 2], text: "Privately: the old mine?"}]\n'
    asking = Study.parse(TALK + probe)
    runs = [asking.run(runs=tmp_path / name) for name in ("once", "twice")]
    assert runs[0].digest == runs[1].digest
    assert runs[0].transcript() == talk.transcript()
    assert {str(row["choice"]) for row in runs[0].probes} <= {"-2", "-1", "0", "1", "2"}
    assert all(0 <= float(str(row["legal_mass"])) <= 1 for row in runs[0].probes)
    assert len(runs[0].probes) == 3 * 2


def test_one_call_at_a_time_comes_to_the_same_digest(talk: Run, tmp_path: Path) -> None:
    assert Study.parse(TALK).run(runs=tmp_path, parallel=1).digest == talk.digest


def test_another_seed_says_something_else(talk: Run, tmp_path: Path) -> None:
    assert Study.parse(TALK).run(runs=tmp_path, seed=6).digest != talk.digest


def test_an_interrupted_run_goes_on_with_a_cold_cache_to_the_same_digest(talk: Run, tmp_path: Path) -> None:
    async def interrupted(study: Study, turns: int) -> None:
        stop = StopAfter(turns)
        stop.task = asyncio.create_task(study.arun(runs=tmp_path, observers=[stop]))
        await asyncio.wait([stop.task])
        assert stop.task.cancelled()

    study = Study.parse(TALK)
    asyncio.run(interrupted(study, 4))
    with Run(study.record_path(runs=tmp_path)) as run:
        assert run.status == "interrupted"
        assert 4 <= run.turns < talk.turns
        assert run.resume().digest == talk.digest
        assert run.verify().ok


def test_replay_needs_no_model(talk: Run) -> None:
    code = (
        "import sys; sys.modules['xllamacpp'] = None; from genai_social_sim import Run\n"
        f"verdict = Run({str(talk.path)!r}).replay(); assert verdict.ok, verdict; print(verdict.digest)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == talk.digest


@pytest.mark.parametrize("layout", LAYOUTS)
def test_choices_are_held_to_the_options_and_repeat(layout: str, model_file: Path, tmp_path: Path) -> None:
    study = Study.parse(VOTE, changes=[f"prompt={{layout: {layout}}}"])
    run, again = study.run(runs=tmp_path / "one"), study.run(runs=tmp_path / "two", parallel=1)
    assert run.digest == again.digest == run.replay().digest
    spoken = [event for event in (recorded.event for recorded in run.events()) if isinstance(event, Spoke)]
    assert len(spoken) == run.turns == 8
    assert {event.choice for event in spoken} <= {"open it", "keep it shut", "-2", "-1", "0", "1", "2"}
    masses = [row["legal_mass"] for row in run.calls.rows()]
    assert all(isinstance(mass, float) and 0 < mass < 1 for mass in masses)
    assert masses == [row["legal_mass"] for row in again.calls.rows()]


@pytest.mark.parametrize("check", [language_models.check_choices, language_models.check_constrained])
async def test_the_model_keeps_what_the_port_promises_of_choices(
    check: Callable[[OpenModel], Awaitable[None]], model_file: Path
) -> None:
    await check(lambda: embedded.open_backend({"parallel": 1, "context": 512}, Surroundings()))


def test_every_prompt_can_be_read_back_and_its_hash_checks(talk: Run) -> None:
    for turn in range(talk.turns):
        prompt = talk.prompt(turn)
        assert prompt is not None
        assert [role for role, _ in prompt.chat()] == ["system", "user", "assistant"]


def test_the_record_names_the_model(talk: Run) -> None:
    (session,) = talk.table("sessions").rows()
    about = str(session)
    assert weights.KNOWN[weights.DEFAULT].hash in about
    assert "Q4_1" in about


def test_a_prompt_that_does_not_fit_is_an_event(model_file: Path, tmp_path: Path) -> None:
    text = TALK.replace("parallel: 2", "context: 128").replace("Should the old mine", "Should it or not? " * 60)
    run = Study.parse(text, changes=["stop={turns: 2}", "timeouts={attempts: 1}"]).run(runs=tmp_path)
    events = [recorded.event for recorded in run.events()]
    causes = {event.cause for event in events if isinstance(event, AttemptFailed)}
    assert causes == {"too_long"}


def test_a_call_given_up_at_its_deadline_leaves_the_run_in_order(model_file: Path, tmp_path: Path) -> None:
    changes = ["timeouts={answer: 50 ms, attempts: 1}", "stop={turns: 4}", "model.max_tokens=60"]
    run = Study.parse(TALK, changes=changes).run(runs=tmp_path)
    causes = [event.cause for event in (recorded.event for recorded in run.events()) if isinstance(event, FellSilent)]
    assert "timeout" in causes
    assert (run.status, run.verify().ok, run.replay().ok) == ("finished", True, True)


def test_cached_beginnings_are_exact_on_this_machine(model_file: Path) -> None:
    assert repeats(LlamaServer(model_file, context=512))


def test_a_pool_in_any_order_answers_as_one_cold_server_does(model_file: Path) -> None:
    said = "A: The mine has been closed for ten years.\n"
    bodies = []
    for turn in range(8):
        said += f"{'AB'[turn % 2]}: Then point {turn} is " + "what matters here, " * (turn % 4) + "I would say.\n"
        bodies.append({"prompt": said + "A:", "seed": turn, "max_tokens": 6, "temperature": 0.7, "n_probs": 1})
    cold = LlamaServer(model_file, context=1024)
    expected = [_answer(cold, body, cached=False) for body in bodies]
    pool = [LlamaServer(model_file, context=1024) for _ in range(2)]
    order = random.Random(2).sample(range(8), 8) + list(range(8))
    with ThreadPoolExecutor(2) as threads:
        halves = [order[0::2], order[1::2]]
        given = threads.map(lambda at: [(n, _answer(pool[at], bodies[n], cached=True)) for n in halves[at]], range(2))
        answers = [pair for half in given for pair in half]
    assert [answer for _, answer in answers] == [expected[number] for number, _ in answers]


def _answer(server: LlamaServer, body: dict[str, object], *, cached: bool) -> tuple[str, list[float]]:
    choice = server.complete(body | {"cache_prompt": cached})["choices"][0]
    return choice["text"], [token["logprob"] for token in choice["logprobs"]["content"]]
