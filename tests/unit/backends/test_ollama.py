"""The Ollama backend: the official client against a server that takes nothing but what is documented."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.support.servers import environment

from genai_social_sim.backends.ollama import check_options, open_backend
from genai_social_sim.backends.ollama_host import LocalModel, list_models, models_at, pull, pulled
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import BackendError, CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Limits, Request
from genai_social_sim.testing import language_models
from genai_social_sim.testing.faults_server import MODEL as FAULTY
from genai_social_sim.testing.faults_server import faults_server
from genai_social_sim.testing.language_models import OpenModel, small_request
from genai_social_sim.testing.ollama_server import MODEL, OllamaServer, Said, ollama_server

CHECKS = [
    language_models.check_answers,
    language_models.check_answers_both_layouts,
    language_models.check_repeatable,  # of the stand-in; Ollama itself does not promise it
    language_models.check_choices,
    language_models.check_identity,
    language_models.check_slots,
    language_models.check_cancelled_call,
    language_models.check_instant,
    language_models.check_closed_twice,
]
EVERYTHING = Sampling(temperature=0.5, top_p=0.9, top_k=40, min_p=0.05, repeat_penalty=1.1, max_tokens=33)


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with ollama_server() as running:
        yield running


async def opened(server: OllamaServer, **options: Any) -> LanguageModel:
    return await open_backend({"model": "tiny", "host": server.address, **options}, Surroundings())


async def asked(server: OllamaServer, request: Request, **options: Any) -> Answer:
    model = await opened(server, **options)
    try:
        return await model.complete(request)
    finally:
        await model.close()


async def failure(server: OllamaServer, request: Request, **options: Any) -> CompletionError:
    with pytest.raises(CompletionError) as caught:
        await asked(server, request, **options)
    return caught.value


def long_request(words: int, *, round_no: int = 3, max_tokens: int = 16) -> Request:
    """A chat that goes on after some lines, the first of which has so many words."""
    request = small_request(round_no=round_no, persona_first=True)
    head, *rest = request.prompt.messages
    longer = Message.of("system", (*head.pieces, Text.of(" word" * words)))
    return request._replace(prompt=Prompt.of((longer, *rest)), sampling=Sampling(max_tokens=max_tokens))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_it_keeps_what_the_port_promises(
    check: Callable[[OpenModel], Awaitable[None]], server: OllamaServer
) -> None:
    await check(lambda: opened(server))
    assert server.problems == []


@pytest.mark.parametrize("chat", [True, False])
async def test_every_option_of_the_study_is_sent(chat: bool, server: OllamaServer) -> None:
    request = small_request(persona_first=chat)._replace(sampling=EVERYTHING)
    answer = await asked(server, request, context=2048, keep_alive="10m")
    (call,) = server.calls
    assert call["options"] == {
        **{"temperature": 0.5, "top_p": 0.9, "top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1},
        **{"num_predict": 33, "num_ctx": 2048, "seed": request.seed},
        "stop": [*request.stop, "<|im_end|>"],  # a model's own stops, which ours would replace
    }
    assert (call["keep_alive"], call["truncate"], call["shift"], call["stream"]) == ("10m", False, False, True)
    assert answer.notes["sent"] == call["options"]


async def test_a_text_goes_out_raw_and_a_chat_as_messages(server: OllamaServer) -> None:
    text, chat = small_request(), small_request(persona_first=True)
    await asked(server, text)
    await asked(server, chat)
    assert (server.calls[0]["prompt"], server.calls[0]["raw"]) == (text.prompt.text, True)
    assert [(each["role"], each["content"]) for each in server.calls[1]["messages"]] == chat.prompt.chat()


async def test_an_answer_that_is_begun_stands_last_as_the_assistants(server: OllamaServer) -> None:
    request = small_request(persona_first=True)
    begun = Prompt.of((*request.prompt.messages, Message.of("assistant", (Text.of("ada:"),))))
    await asked(server, request._replace(prompt=begun))
    assert server.calls[0]["messages"][-1] == {"role": "assistant", "content": "ada:"}


async def test_the_identity_tells_weights_from_weights(server: OllamaServer) -> None:
    model = await opened(server)
    identity = model.identity()
    await model.close()
    assert identity["weights"] == server.models[MODEL]
    assert (identity["backend"], identity["model"], identity["server"]) == ("ollama", "tiny", "ollama 0.13.0")
    assert (identity["quantisation"], identity["family"], identity["context"]) == ("Q4_1", "llama", 4096)
    assert len(identity["template_sha256"]) == 64
    assert identity["hosts"] == {server.address: "0.13.0"}


async def test_credentials_of_the_environment_are_used_and_never_told(server: OllamaServer) -> None:
    named = server.address.replace("http://", "http://me:secret-word@")
    with environment(OLLAMA_HOST=named):
        model = await open_backend({"model": "tiny"}, Surroundings())
    answer = await model.complete(small_request())
    told = json.dumps([model.identity(), answer.notes, answer.by, getattr(model, "where", "")])
    await model.close()
    assert "secret-word" not in told
    assert "me:" not in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "model"),
        ({"model": "m", "host": "http://me:word@there:1"}, "a study is recorded"),
        ({"model": "m", "host": "ftp://there"}, "no address"),
        ({"model": "m", "host": "a", "hosts": ["b"]}, "not both"),
        ({"model": "m", "hosts": []}, "hosts"),
        ({"model": "m", "contexts": 1}, "contexts"),
        ({"model": "m", "think": "deeply"}, "think"),
    ],
)
def test_options_that_make_no_sense_are_refused_without_a_server(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words):
        check_options(options)


async def test_a_model_that_is_not_there_can_be_pulled(server: OllamaServer) -> None:
    with pytest.raises(BackendError) as caught:
        await opened(server, model="big")
    assert "it has tiny:latest" in caught.value.problem
    assert caught.value.remedy == f"gss models pull big --host {server.address}"
    shown: list[tuple[str, float]] = []
    await pulled("big", server.address, lambda what, share: shown.append((what, share)))
    assert ("big: pulling 5f4e", 0.25) in shown
    await (await opened(server, model="big")).close()


async def test_a_model_that_nobody_has_cannot_be_pulled(server: OllamaServer) -> None:
    with pytest.raises(BackendError, match="file does not exist"):
        await pulled("missing", server.address, lambda what, share: None)


async def test_the_models_of_a_server_are_listed(server: OllamaServer) -> None:
    (model,) = await models_at(server.address)
    assert model == LocalModel(
        name=MODEL, digest=server.models[MODEL], size=98_362_432, family="llama", parameters="135M", quantisation="Q4_1"
    )


def test_a_server_that_is_not_running_can_be_started() -> None:
    for ask in (lambda: list_models("http://127.0.0.1:9"), lambda: pull("m", "127.0.0.1:9", lambda what, share: None)):
        with pytest.raises(BackendError) as caught:
            ask()
        assert "ollama serve" in caught.value.remedy


async def test_what_is_no_ollama_is_told_so() -> None:
    async with ollama_server() as other:
        with pytest.raises(BackendError, match="does not answer as Ollama does"):
            await opened(other, host=f"{other.address}/elsewhere")


async def test_a_context_beyond_what_the_model_was_trained_for_is_refused(server: OllamaServer) -> None:
    with pytest.raises(BackendError, match="trained for 8192 tokens"):
        await opened(server, context=16_384)


async def test_a_prompt_that_does_not_fit_is_refused_and_not_tried_again(server: OllamaServer) -> None:
    fault = await failure(server, long_request(300), context=256)
    assert (fault.cause, fault.retry) == ("too_long", False)
    assert "exceeds the available context size" in fault.problem


async def test_a_prompt_that_leaves_no_room_for_the_answer_is_refused(server: OllamaServer) -> None:
    fault = await failure(server, long_request(100, max_tokens=150), context=256)
    assert (fault.cause, fault.retry) == ("too_long", False)


@pytest.mark.parametrize("version", ["0.9.1", "unknown"])
async def test_an_old_server_gets_only_what_surely_fits(version: str) -> None:
    async with ollama_server(version=version) as old:
        old.version = version
        fault = await failure(old, long_request(300), context=256)
        assert fault.cause == "too_long"
        assert "cuts prompts without a word" in fault.problem
        assert old.calls == []
        assert (await asked(old, small_request(persona_first=True), context=2048)).text == "Hello there."


@pytest.mark.parametrize("counted", [3, 250])
async def test_a_count_that_cannot_be_right_is_a_cut_prompt(counted: int, server: OllamaServer) -> None:
    server.answer = lambda call: Said(text=["Yes."], counted=counted)
    assert (await failure(server, long_request(30), context=256)).cause == "too_long"


async def test_what_is_oldest_is_left_out_where_the_study_says_so(server: OllamaServer) -> None:
    request = small_request(round_no=40, persona_first=True)._replace(sampling=Sampling(max_tokens=64))
    answer = await asked(server, request, context=128, on_too_long="drop_oldest")
    dropped = answer.notes["dropped_oldest"]
    assert dropped > 0
    kept = "\n".join(message["content"] for message in server.calls[-1]["messages"])
    texts = [line.text.value for line in request.heard]
    assert all(text in kept for text in texts[dropped:])
    assert not any(text in kept.split("\n") for text in texts[:dropped])
    assert request.prompt.chat()[0][1] in kept


async def test_what_is_oldest_is_told_in_short_where_the_study_says_so(server: OllamaServer) -> None:
    request = small_request(round_no=40, persona_first=True)._replace(sampling=Sampling(max_tokens=64))
    server.answer = lambda call: Said(text=["They greeted."] if "Tell in two" in str(call) else ["Yes."])
    answer = await asked(server, request, context=128, on_too_long="summarise")
    kept = "\n".join(message["content"] for message in server.calls[-1]["messages"])
    assert "(Before that, in short: They greeted.)" in kept
    assert answer.text == "Yes."
    texts, dropped = [line.text.value for line in request.heard], answer.notes["dropped_oldest"]
    told = "\n".join(str(call["messages"]) for call in server.calls if "Tell in two" in str(call))
    assert all(text in told for text in texts[:dropped])
    assert answer.answer_tokens == sum(each["answer_tokens"] for each in answer.notes["summaries"]) + 1
    assert {call["options"]["num_predict"] for call in server.calls} == {64, 32}


async def test_a_prompt_too_long_without_any_lines_stays_too_long(server: OllamaServer) -> None:
    fault = await failure(server, long_request(400), context=256, on_too_long="drop_oldest")
    assert fault.cause == "too_long"


async def test_a_model_that_can_think_does_not_unless_told(server: OllamaServer) -> None:
    await asked(server, small_request(persona_first=True))
    server.capabilities = ("completion", "thinking")
    await asked(server, small_request(persona_first=True))
    await asked(server, small_request(persona_first=True), think="high")
    assert [call.get("think") for call in server.calls] == [None, False, "high"]


async def test_a_model_that_cannot_think_is_not_told_to(server: OllamaServer) -> None:
    with pytest.raises(BackendError, match="cannot think"):
        await opened(server, think=True)


@pytest.mark.parametrize("chat", [True, False])
async def test_thinking_is_kept_apart(chat: bool, server: OllamaServer) -> None:
    server.capabilities = ("completion", "thinking")
    server.answer = lambda call: Said(thinking=["Let me ", "see."], text=["Yes."])
    answer = await asked(server, small_request(persona_first=chat), think=True)
    assert (answer.text, answer.notes["thinking"]) == ("Yes.", "Let me see.")
    assert answer.first_token_s is not None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said(), "nothing"),
        (Said(text=[" ", "\n"]), "only_white_space"),
        (Said(thinking=["Hm."]), "only_thinking"),
        (Said(thinking=["Hm."], done_reason="length"), "cut_while_thinking"),
        (Said(done_reason="length"), "cut_before_words"),
    ],
)
async def test_answers_without_words_are_told_apart(said: Said, why: str, server: OllamaServer) -> None:
    server.answer = lambda call: said
    answer = await asked(server, small_request())
    assert (answer.text.strip(), answer.notes["empty"]) == ("", why)
    assert answer.finish == ("length" if said.done_reason == "length" else "stop")


async def test_an_answer_that_was_cut_says_so(server: OllamaServer) -> None:
    server.answer = lambda call: Said(text=["And", " so"], done_reason="length")
    answer = await asked(server, small_request())
    assert (answer.text, answer.finish, answer.answer_tokens) == ("And so", "length", 2)


async def test_characters_that_look_like_line_breaks_arrive(server: OllamaServer) -> None:
    odd = "a\u2028b\u2029c\x85d\x0be\r\nf"
    server.answer = lambda call: Said(text=[odd])
    assert (await asked(server, small_request())).text == odd


async def test_a_choice_is_constrained_and_its_likelihood_told(server: OllamaServer) -> None:
    server.answer = lambda call: Said(
        text=['"yes', '"'], alternatives=[('"yes', -0.6931), ('"no', -1.3863), ('"may', -2.3026)]
    )
    answer = await asked(server, small_request(persona_first=True)._replace(choices=("yes", "no")))
    assert server.calls[0]["format"] == {"type": "string", "enum": ["yes", "no"]}
    assert answer.text == '"yes"'
    assert answer.legal_mass == pytest.approx(0.75, abs=0.001)
    assert answer.notes["option_mass"] == {"yes": pytest.approx(0.5, abs=0.001), "no": pytest.approx(0.25, abs=0.001)}


async def test_an_answer_that_is_no_choice_is_passed_on_as_it_came(server: OllamaServer) -> None:
    server.answer = lambda call: Said(text=["I would ", "rather not."])
    answer = await asked(server, small_request()._replace(choices=("yes", "no")))
    assert answer.text == "I would rather not."


async def test_hosts_share_the_work_and_a_conversation_stays_where_it_is() -> None:
    async with ollama_server() as one, ollama_server() as two:
        model = await open_backend({"model": "tiny", "hosts": [one.address, two.address], "slots": 2}, Surroundings())
        assert model.slots == 4
        await asyncio.gather(*[model.complete(small_request()._replace(channel=name)) for name in ("a", "b", "c", "d")])  # type: ignore[arg-type]
        assert (len(one.calls), len(two.calls)) == (2, 2)
        said_by = {(await model.complete(small_request(round_no=number))).by for number in range(3)}
        assert len(said_by) == 1
        await model.close()


async def test_a_host_that_is_gone_is_passed_over() -> None:
    async with ollama_server() as stays:
        async with ollama_server() as goes:
            hosts = [goes.address, stays.address]
            model = await open_backend({"model": "tiny", "hosts": hosts}, Surroundings())
        with pytest.raises(CompletionError) as caught:
            await model.complete(small_request())
        assert caught.value.cause == "unreachable"
        answers = [await model.complete(small_request(attempt=2)) for _ in range(3)]
        assert {answer.by for answer in answers} == {f"ollama/{stays.address}"}
        await model.close()


async def test_a_host_that_fails_each_call_at_once_is_not_given_them_all() -> None:
    async with faults_server("http_500", always=True) as fails, faults_server() as works:
        model = await open_backend({"model": FAULTY, "hosts": [fails.address, works.address]}, Surroundings())
        with pytest.raises(CompletionError, match="crashed"):
            await model.complete(small_request())
        for attempt in (2, 3, 4):
            await model.complete(small_request(attempt=attempt))
        assert (fails.calls, works.calls) == (1, 3)
        await model.close()


async def test_hosts_with_different_models_of_one_name_are_refused() -> None:
    async with ollama_server() as one, ollama_server(models={MODEL: "0" * 64}) as two:
        with pytest.raises(BackendError, match="hold different models"):
            await open_backend({"model": "tiny", "hosts": [one.address, two.address]}, Surroundings())


async def test_an_error_in_the_midst_of_an_answer_is_a_failure(server: OllamaServer) -> None:
    server.answer = lambda call: Said(text=["So"], error="an error was encountered while running the model")
    fault = await failure(server, small_request())
    assert (fault.cause, fault.retry) == ("error", True)
    assert "while running the model" in fault.problem


async def test_a_server_on_this_machine_is_never_asked_through_a_proxy(server: OllamaServer) -> None:
    nowhere = "http://127.0.0.1:9"
    with environment(HTTP_PROXY=nowhere, http_proxy=nowhere, ALL_PROXY=nowhere):
        assert (await asked(server, small_request())).text == "Hello there."


async def test_a_server_elsewhere_is_asked_through_the_proxy_and_told_not_to_cut(server: OllamaServer) -> None:
    with environment(HTTP_PROXY=server.address, http_proxy=server.address, NO_PROXY="", no_proxy=""):
        answer = await asked(server, small_request(), host="http://elsewhere.example:11434")
    assert answer.by == "ollama/http://elsewhere.example:11434"
    assert server.calls[0]["truncate"] is False


async def test_a_server_that_is_gone_is_unreachable(server: OllamaServer) -> None:
    model = await opened(server)
    host: Any = model._hosts[0]  # type: ignore[attr-defined]
    host._post._address = "http://127.0.0.1:9"  # nobody listens there
    with pytest.raises(CompletionError) as caught:
        await model.complete(small_request()._replace(limits=Limits(answer_s=30.0, connect_s=1.0)))
    await model.close()
    assert caught.value.cause == "unreachable"


async def test_a_key_in_what_the_server_says_of_an_answer_is_struck_out(server: OllamaServer) -> None:
    server.answer = lambda call: Said(text=["Yes."], done_reason="stop, sk-secret-key")
    with environment(OLLAMA_API_KEY="sk-secret-key"):
        answer = await asked(server, small_request())
    assert answer.notes["done_reason"] == "stop, ***"
