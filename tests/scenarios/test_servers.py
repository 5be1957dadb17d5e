"""Real models behind real servers: llama.cpp's own, and one that speaks Ollama's API before it. One line changes."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.servers import (
    KEY,
    bytes_of,
    environment,
    events_of,
    failures_of,
    llama_server,
    ollama_proxy,
    study_text,
)

from genai_social_sim import Study
from genai_social_sim.backends import weights
from genai_social_sim.backends.openai import open_backend
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.events import Answered, SessionStarted, Spoke
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import BackendError, CompletionError
from genai_social_sim.ports import LanguageModel
from genai_social_sim.testing import language_models
from genai_social_sim.testing.language_models import OpenModel, small_request

pytestmark = pytest.mark.timeout(300)  # the weights are fetched once
MODEL = "SmolLM2-135M-Instruct.Q4_1"
CHECKS = [
    language_models.check_answers,
    language_models.check_answers_both_layouts,
    language_models.check_choices,
    language_models.check_constrained,
    language_models.check_identity,
    language_models.check_slots,
    language_models.check_cancelled_call,
    language_models.check_closed_twice,
]


@pytest.fixture(scope="module")
def model_file() -> Path:
    return weights.pull(weights.DEFAULT, lambda what, share: None)


@pytest.fixture(scope="module")
def llama(model_file: Path) -> Iterator[str]:
    with llama_server(model_file) as address:
        yield address


@pytest.fixture(scope="module")
def proxy(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if importlib.util.find_spec("ollama_proxy") is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("an independent speaker of Ollama's API is missing here: pip install ollama-proxy-plus")
    with ollama_proxy(llama, model=MODEL, folder=tmp_path_factory.mktemp("proxy")) as address:
        yield address


@pytest.fixture
def model_of(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The one line of the study that names the backend."""
    match request.param:
        case "embedded":
            return {"backend": "embedded", "parallel": 1}
        case "openai":
            base_url = f"{request.getfixturevalue('llama')}/v1"
            return {"backend": "openai", "model": MODEL, "base_url": base_url, "api_key_env": "LLAMA_KEY"}
        case _:
            return {"backend": "ollama", "model": f"llama/{MODEL}", "host": request.getfixturevalue("proxy")}


@pytest.mark.parametrize("model_of", ["embedded", "openai", "ollama"], indirect=True)
async def test_one_study_runs_on_each_backend_by_changing_one_line(model_of: dict[str, Any], tmp_path: Path) -> None:
    with environment(LLAMA_KEY=KEY):
        run = await Study.parse(study_text(model_of)).arun(runs=tmp_path)
    with run:
        assert (run.status, run.turns) == ("finished", 4)
        assert failures_of(run) == []
        assert run.verify().ok
        assert run.replay().ok
        assert KEY.encode() not in bytes_of(run.path)
        (session,) = [event for event in events_of(run) if isinstance(event, SessionStarted)]
        (identity,) = json.loads(session.about.value)["models"]
        assert identity["backend"] == model_of["backend"]
        for answer in (event for event in events_of(run) if isinstance(event, Answered)):
            assert answer.answer_tokens > 0
            assert answer.first_token_s is not None


@pytest.mark.parametrize("model_of", ["embedded", "openai", "ollama"], indirect=True)
async def test_one_vote_is_taken_on_any_of_three_backends(model_of: dict[str, Any], tmp_path: Path) -> None:
    """The speaker of Ollama's API in these tests drops the seed, tells no probabilities and may lose a whole answer."""
    change = "act={kind: choose, options: [open it, keep it shut], shuffle: true, labels: true}"
    with environment(LLAMA_KEY=KEY):
        run = await Study.parse(study_text(model_of), changes=[change]).arun(runs=tmp_path)
    with run:
        chosen = [event.choice for event in events_of(run) if isinstance(event, Spoke)]
        assert {*chosen} <= {"open it", "keep it shut"}
        assert (run.turns, run.verify().ok, run.replay().ok) == (4, True, True)
        proxied = model_of["backend"] == "ollama"
        assert all((row["legal_mass"] is None) == proxied for row in run.calls)
        assert proxied or len(chosen) == 4


@pytest.fixture
async def model(llama: str) -> AsyncIterator[LanguageModel]:
    opened = await opener(llama)
    yield opened
    await opened.close()


async def opener(llama: str, **options: Any) -> LanguageModel:
    with environment(LLAMA_KEY=KEY):
        given = {"model": MODEL, "base_url": f"{llama}/v1", "api_key_env": "LLAMA_KEY", "slots": 2, **options}
        return await open_backend(given, Surroundings())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_llama_cpp_behind_the_official_client_keeps_what_the_port_promises(
    check: Callable[[OpenModel], Awaitable[None]], llama: str
) -> None:
    await check(lambda: opener(llama))


async def test_llama_cpp_tells_what_it_serves(model: LanguageModel, model_file: Path) -> None:
    identity = model.identity()
    assert (identity["extensions"], identity["context"], identity["quantisation"]) == ("llama.cpp", 2048, "Q4_1")
    assert identity["weights"].startswith(f"{model_file.name} ftype=Q4_1 n_params=134515008 ")
    assert len(identity["template_sha256"]) == 64
    assert identity["not_honoured"] == []


@pytest.mark.parametrize("chat", [True, False])
async def test_a_choice_is_one_of_the_choices_with_its_likelihood(chat: bool, model: LanguageModel) -> None:
    legal = ("yes", "no")
    answer = await model.complete(small_request(persona_first=chat)._replace(choices=legal))
    assert answer.text.strip() in legal
    assert answer.legal_mass is not None
    assert 0 < answer.legal_mass <= 1
    assert sum(answer.notes["option_mass"].values()) == pytest.approx(answer.legal_mass)


async def test_an_answer_goes_on_from_its_beginning(model: LanguageModel) -> None:
    request = small_request(persona_first=True)._replace(sampling=Sampling(temperature=0.0, max_tokens=8))
    begun = Prompt.of((*request.prompt.messages, Message.of("assistant", (Text.of("One, two, three, four,"),))))
    answer = await model.complete(request._replace(prompt=begun, stop=()))
    assert "five" in answer.text


async def test_every_sampling_option_is_taken(model: LanguageModel) -> None:
    sampling = Sampling(temperature=0.9, top_p=0.9, top_k=1, min_p=0.01, repeat_penalty=1.05, max_tokens=6)
    request = small_request(persona_first=True, attempt=2)._replace(sampling=sampling)  # nothing kept: no rounding
    one, two = [await model.complete(request._replace(seed=seed)) for seed in (1, 2)]
    assert one.text == two.text  # of one candidate, whatever the seed
    assert (one.finish, one.answer_tokens) == ("length", 6)


async def test_a_prompt_that_does_not_fit_is_told_so(model: LanguageModel) -> None:
    request = small_request(persona_first=True)
    long = Prompt.of((Message.of("user", (Text.of("word " * 3000),)),))
    with pytest.raises(CompletionError) as caught:
        await model.complete(request._replace(prompt=long))
    assert (caught.value.cause, caught.value.retry) == ("too_long", False)


async def test_the_wrong_key_is_refused_before_the_run_begins(llama: str, tmp_path: Path) -> None:
    model = {"backend": "openai", "model": MODEL, "base_url": f"{llama}/v1", "api_key_env": "WRONG_KEY"}
    with environment(WRONG_KEY="sk-not-the-key"), pytest.raises(BackendError, match="refuses the key") as caught:
        await Study.parse(study_text(model)).arun(runs=tmp_path)
    assert "WRONG_KEY" in caught.value.remedy
    assert "sk-not-the-key" not in str(caught.value)
    assert not any(os.scandir(tmp_path))


async def test_agents_of_one_run_are_answered_by_two_servers_the_embedded_model_and_a_rule(
    llama: str, proxy: str, tmp_path: Path
) -> None:
    served = {"backend": "openai", "model": MODEL, "base_url": f"{llama}/v1", "api_key_env": "LLAMA_KEY"}
    agents = [
        {"name": "Dee", "attributes": {"opinion": "keep it shut"}},
        {"name": "Ada", "model": served},
        {"name": "Bo", "model": {"backend": "embedded", "parallel": 1}},
        {"name": "Cy", "model": {"backend": "ollama", "model": f"llama/{MODEL}", "host": proxy}},
    ]
    act = {"kind": "choose", "options": ["open it", "keep it shut"], "labels": True}
    text = study_text({"backend": "rule", "rule": "majority", "own": False}, agents=agents, act=act, stop={"turns": 5})
    with environment(LLAMA_KEY=KEY):
        run = await Study.parse(text).arun(runs=tmp_path)
    with run:
        answered = {(row["agent"], row["answered_by"]) for row in run.calls if row["outcome"] == "answered"}
        by = {"Ada": f"openai/{llama}/v1", "Bo": "embedded/0", "Cy": f"ollama/{proxy}", "Dee": "majority"}
        assert answered == {*by.items()}
        (session,) = [event for event in events_of(run) if isinstance(event, SessionStarted)]
        identities = {each["backend"]: each.get("model") for each in json.loads(session.about.value)["models"]}
        assert identities == {"openai": MODEL, "embedded": f"{MODEL}.gguf", "ollama": f"llama/{MODEL}", "rule": None}
        first, *heard, last = [event.choice for event in events_of(run) if isinstance(event, Spoke)]
        assert first == "keep it shut"
        assert heard.count(last) == max(map(heard.count, heard))  # of three votes, or fewer: the proxy may lose one
        assert (run.turns, run.verify().ok, run.replay().digest) == (5, True, run.digest)
