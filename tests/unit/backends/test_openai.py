"""The OpenAI backend: options and keys, what other servers are sent, what they say of themselves."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from tests.support.servers import KEY, environment

from genai_social_sim.backends import registry
from genai_social_sim.backends.openai import check_options, open_backend
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import Message, Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import BackendError, CompletionError, RequestError
from genai_social_sim.ports import Answer, LanguageModel, Request
from genai_social_sim.testing import language_models
from genai_social_sim.testing.faults_server import MODEL, TEXT, FaultsServer, faults_server
from genai_social_sim.testing.http_server import Call, Reply, serving
from genai_social_sim.testing.language_models import OpenModel, small_request

CHECKS = [
    language_models.check_answers,
    language_models.check_answers_both_layouts,
    language_models.check_repeatable,  # of the stand-in; servers do not promise it
    language_models.check_choices,
    language_models.check_identity,
    language_models.check_slots,
    language_models.check_cancelled_call,
    language_models.check_instant,
    language_models.check_closed_twice,
]
EVERYTHING = Sampling(temperature=0.5, top_p=0.9, top_k=40, min_p=0.05, repeat_penalty=1.1, max_tokens=33)


@pytest.fixture
async def server() -> AsyncIterator[FaultsServer]:
    async with faults_server() as running:
        yield running


async def opened(server: FaultsServer, **options: Any) -> LanguageModel:
    given = {"model": MODEL, "base_url": f"{server.address}/v1", "api_key_env": "A_KEY", **options}
    with environment(A_KEY=KEY):
        return await open_backend(given, Surroundings())


async def asked(server: FaultsServer, request: Request, **options: Any) -> Answer:
    model = await opened(server, **options)
    try:
        return await model.complete(request)
    finally:
        await model.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_it_keeps_what_the_port_promises(
    check: Callable[[OpenModel], Awaitable[None]], server: FaultsServer
) -> None:
    await check(lambda: opened(server))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "model"),
        ({"model": "m", "api_key": "sk-1"}, "takes no 'api_key' in a study"),
        ({"model": "m", "base_url": "https://me:word@there/v1"}, "a study is recorded"),
        ({"model": "m", "base_url": "https://there/v1?key=word"}, "a study is recorded"),
        ({"model": "m", "api_key_env": "sk-live-1234"}, "api_key_env"),
        ({"model": "m", "extra": {"api_key": "sk-1"}}, "its keys with it"),
        ({"model": "m", "extra": {"seed": 1}}, "may not hold 'seed'"),
        ({"model": "m", "extensions": "other"}, "extensions"),
    ],
)
def test_options_that_make_no_sense_are_refused_without_a_server(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        check_options(options)
    assert "sk-" not in str(caught.value)
    assert "word" not in str(caught.value)


async def test_what_a_server_does_not_take_is_left_out_and_told(server: FaultsServer) -> None:
    request = small_request(persona_first=True)._replace(sampling=EVERYTHING, stop=("a", "b", "c", "d", "e"))
    answer = await asked(server, request)
    (sent,) = server.sent
    assert {name: sent[name] for name in ("temperature", "top_p", "max_tokens", "seed", "stop")} == {
        **{"temperature": 0.5, "top_p": 0.9, "max_tokens": 33, "seed": request.seed},
        "stop": ["a", "b", "c", "d"],
    }
    assert not {"top_k", "min_p", "repeat_penalty"} & sent.keys()
    assert answer.notes["not_sent"] == {"top_k": 40, "min_p": 0.05, "repeat_penalty": 1.1, "stop": ["e"]}


@pytest.mark.parametrize(("extensions", "penalty"), [("llama.cpp", "repeat_penalty"), ("vllm", "repetition_penalty")])
async def test_each_kind_of_server_is_told_in_its_own_words(
    extensions: str, penalty: str, server: FaultsServer
) -> None:
    request = small_request(persona_first=True)._replace(sampling=EVERYTHING, stop=("a", "b", "c", "d", "e"))
    answer = await asked(server, request, extensions=extensions, extra={"dry_multiplier": 0.8})
    (sent,) = server.sent
    assert (sent["top_k"], sent["min_p"], sent[penalty], len(sent["stop"])) == (40, 0.05, 1.1, 5)
    assert sent["dry_multiplier"] == 0.8
    assert "not_sent" not in answer.notes


async def test_a_repeat_does_without_what_llama_cpp_kept(server: FaultsServer) -> None:
    for attempt in (1, 2):
        await asked(server, small_request(attempt=attempt), extensions="llama.cpp")
    assert [sent["cache_prompt"] for sent in server.sent] == [True, False]


async def test_vllm_goes_on_with_an_answer_that_is_begun(server: FaultsServer) -> None:
    request = small_request(persona_first=True)
    begun = Prompt.of((*request.prompt.messages, Message.of("assistant", (Text.of("ada:"),))))
    await asked(server, request._replace(prompt=begun), extensions="vllm")
    assert (server.sent[0]["continue_final_message"], server.sent[0]["add_generation_prompt"]) == (True, False)


@pytest.mark.parametrize(
    ("extensions", "constraint"),
    [
        ("llama.cpp", {"grammar": 'root ::= " "? ("yes" | "no")'}),
        ("vllm", {"structured_outputs": {"choice": ["yes", "no"]}}),
        ("none", {"response_format": {"type": "json_schema"}}),
    ],
)
async def test_each_kind_of_server_is_constrained_in_its_own_way(
    extensions: str, constraint: dict[str, Any], server: FaultsServer
) -> None:
    request = small_request(persona_first=True)._replace(choices=("yes", "no"))
    answer = await asked(server, request, extensions=extensions)
    assert answer.text == TEXT  # passed on as it came; the kernel reads it
    ((name, value),) = constraint.items()
    sent = server.sent[0][name]
    assert sent == value or value.items() <= sent.items()
    assert (server.sent[0]["logprobs"], server.sent[0]["top_logprobs"]) == (True, 20)


async def test_what_the_server_says_of_each_call_is_noted(server: FaultsServer) -> None:
    answer = await asked(server, small_request())
    assert (answer.text, answer.prompt_tokens, answer.answer_tokens) == (TEXT, 60, 4)
    assert (answer.notes["model"], answer.notes["system_fingerprint"]) == (MODEL, "fp-1")
    assert answer.by == f"openai/{server.address}/v1"


async def test_a_prompt_beyond_the_context_that_is_named_is_too_long(server: FaultsServer) -> None:
    with pytest.raises(CompletionError, match="60 tokens") as caught:
        await asked(server, small_request(), context=64)
    assert (caught.value.cause, caught.value.retry) == ("too_long", False)


async def test_a_model_that_the_server_does_not_serve_is_refused(server: FaultsServer) -> None:
    with pytest.raises(BackendError, match="does not serve 'other'; it serves faulty:latest") as caught:
        await opened(server, model="other")
    assert caught.value.remedy == "Write model: faulty:latest"


async def test_a_server_that_is_not_running_can_be_started() -> None:
    with pytest.raises(BackendError, match="no server answers") as caught:
        await open_backend({"model": "m", "base_url": "http://127.0.0.1:9/v1"}, Surroundings())
    assert "llama-server" in caught.value.remedy


async def test_a_hosted_model_without_a_key_is_not_asked_at_all() -> None:
    with pytest.raises(BackendError, match="there is no key") as caught:
        await open_backend({"model": "m", "api_key_env": "NO_SUCH_KEY_HERE"}, Surroundings())
    assert "NO_SUCH_KEY_HERE" in caught.value.remedy


async def test_the_key_goes_to_the_server_and_nowhere_else(server: FaultsServer) -> None:
    server.fault_of = lambda call: "ok" if call.headers["authorization"] == f"Bearer {KEY}" else "http_401"
    model = await opened(server)
    answer = await model.complete(small_request())
    told = json.dumps([model.identity(), answer.notes, answer.by, answer.text]) + repr(model)
    await model.close()
    assert KEY not in told


@pytest.mark.parametrize("fault", ["key_told", "key_refused", "key_in_error"])
async def test_a_key_that_comes_back_is_in_no_error(fault: str) -> None:
    async with faults_server(fault) as server:
        with pytest.raises(CompletionError) as caught:
            await asked(server, small_request())
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "seconds"), [("7", 7.0), ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0), ("soon", None), ("", None)]
)
async def test_a_busy_server_is_left_alone_as_long_as_it_asks(given: str, seconds: float | None) -> None:
    async with faults_server("http_429", retry_after=given) as server:
        with pytest.raises(CompletionError) as caught:
            await asked(server, small_request())
    assert (caught.value.cause, caught.value.retry, caught.value.retry_after_s) == ("error", True, seconds)


async def test_a_server_on_this_machine_is_never_asked_through_a_proxy(server: FaultsServer) -> None:
    nowhere = "http://127.0.0.1:9"
    with environment(HTTP_PROXY=nowhere, http_proxy=nowhere, ALL_PROXY=nowhere):
        assert (await asked(server, small_request())).text == TEXT


def sse(*chunks: Any) -> Reply:
    lines = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return Reply(content_type="text/event-stream", chunks=[*lines, b"data: [DONE]\n\n"])


def vllm(version: str) -> Callable[[Call], Awaitable[Reply]]:
    """A stand-in for vLLM that says of itself what vLLM says."""

    async def respond(call: Call) -> Reply:
        match call.path:
            case "/v1/models":
                entry = {"id": "m", "object": "model", "owned_by": "vllm", "root": "org/m", "max_model_len": 2048}
                return Reply.of_json({"object": "list", "data": [entry]})
            case "/version":
                return Reply.of_json({"version": version})
            case _:
                body = json.loads(call.body)
                words = "structured_outputs" if "structured_outputs" in body else "guided_choice"
                chosen = body[words]["choice"][0] if words == "structured_outputs" else body[words][0]
                shown = [{"token": chosen, "logprob": -0.5}, {"token": "no", "logprob": -1.5}]
                token = {"token": chosen, "logprob": -0.5, "top_logprobs": shown}
                choice = {"index": 0, "delta": {"content": chosen}, "finish_reason": "stop"}
                return sse({"id": "1", "model": "m", "choices": [choice | {"logprobs": {"content": [token]}}]})

    return respond


@pytest.mark.parametrize("version", ["0.10.1", "0.11.0"])
async def test_vllm_is_known_by_what_it_says(version: str) -> None:
    async with serving(vllm(version)) as address:
        model = await open_backend({"model": "m", "base_url": f"{address}/v1"}, Surroundings())
        answer = await model.complete(small_request(persona_first=True)._replace(choices=("yes", "no")))
        identity = model.identity()
        await model.close()
    assert (identity["server"], identity["context"], identity["weights"]) == (f"vllm {version}", 2048, "m root=org/m")
    assert identity["not_honoured"] == []
    assert answer.text == "yes"
    assert answer.legal_mass == pytest.approx(0.6065 + 0.2231, abs=0.001)


@pytest.mark.parametrize(
    "choice",
    [
        {"index": 0, "delta": {"refusal": "I will not."}, "finish_reason": "stop"},
        {"index": 0, "delta": {}, "finish_reason": "content_filter"},
    ],
)
async def test_an_answer_that_the_server_withholds_is_a_refusal(choice: dict[str, Any]) -> None:
    async def respond(call: Call) -> Reply:
        return sse({"id": "1", "choices": [choice]}) if call.method == "POST" else Reply.of_json({}, status=404)

    async with serving(respond) as address:
        model = await open_backend({"model": "m", "base_url": f"{address}/v1"}, Surroundings())
        with pytest.raises(CompletionError) as caught:
            await model.complete(small_request(persona_first=True))
        await model.close()
    assert (caught.value.cause, caught.value.retry) == ("refused", False)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1e400, "completion_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": float("nan")}},
    ],
)
async def test_counts_that_no_record_could_hold_are_garbled(usage: dict[str, Any]) -> None:
    choice = {"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}

    async def respond(call: Call) -> Reply:
        if call.method != "POST":
            return Reply.of_json({}, status=404)
        return sse({"id": "1", "choices": [choice], "usage": usage})

    async with serving(respond) as address:
        model = await open_backend({"model": "m", "base_url": f"{address}/v1"}, Surroundings())
        with pytest.raises(CompletionError) as caught:
            await model.complete(small_request(persona_first=True))
        await model.close()
    assert caught.value.cause == "garbled"


@pytest.mark.parametrize("key", ["sk-a-secret\nkey", "sk-a-secret\n", "sk-a-secret-\u2026"])
@pytest.mark.parametrize("backend", ["openai", "ollama"])
async def test_a_key_that_no_call_can_carry_is_told_before_any_and_without_it(
    backend: str, key: str, server: FaultsServer
) -> None:
    where = {"host": server.address} if backend == "ollama" else {"base_url": f"{server.address}/v1"}
    with environment(OPENAI_API_KEY=key, OLLAMA_API_KEY=key), pytest.raises(BackendError) as caught:
        await registry.find(backend)({"model": MODEL, **where}, Surroundings())  # type: ignore[misc]
    assert f"{backend.upper()}_API_KEY holds a line break" in caught.value.problem
    assert "secret" not in str(caught.value)
    assert server.asked == {}


NOT_THIS: dict[str, Reply] = {
    "a page to log in": Reply(content_type="text/html; charset=utf-8", chunks=[b"<html>Log in</html>"]),
    "a redirect": Reply(raw=b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"),
    "JSON nested without end": Reply(chunks=[b"[" * 100_000]),
    "100 MB": Reply(chunks=[b'{"name": "a"},\n' * 70_000] * 100),
    "compressed": Reply(headers={"Content-Encoding": "gzip"}, chunks=[b"\x1f\x8b"]),
}


@pytest.mark.parametrize("what", NOT_THIS)
@pytest.mark.parametrize("backend", ["openai", "ollama"])
async def test_what_is_no_model_server_is_told_before_the_run_begins(backend: str, what: str) -> None:
    async def respond(call: Call) -> Reply:
        return NOT_THIS[what]

    async with serving(respond) as address:
        where = {"host": address} if backend == "ollama" else {"base_url": f"{address}/v1"}
        with pytest.raises(BackendError) as caught:
            await registry.find(backend)({"model": "m", **where}, Surroundings())  # type: ignore[misc]
    assert address in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9/v1?api-version=3", "goes on behind its path"),
        ("http://127.0.0.1:9/v1#here", "goes on behind its path"),
        ("ftp://127.0.0.1:9/v1", "no address of a model server"),
        ("http:///v1", "no address of a server"),
    ],
)
async def test_an_address_that_calls_cannot_keep_is_refused(address: str, words: str) -> None:
    with environment(OPENAI_BASE_URL=address), pytest.raises(RequestError, match=words):
        await open_backend({"model": "m"}, Surroundings())


@pytest.mark.parametrize("form", [" http://{}/v1 ", "{}/v1", "http://{}/v1/", "http://me:p%40ss-word@{}/v1"])
async def test_an_address_may_be_written_in_several_ways(form: str, server: FaultsServer) -> None:
    place, given = server.address.removeprefix("http://"), set[str]()

    def noted(call: Call) -> str:
        given.add(call.headers["authorization"])
        return "ok"

    server.fault_of = noted
    with environment(OPENAI_BASE_URL=form.format(place)):
        model = await open_backend({"model": MODEL}, Surroundings())
    answer = await model.complete(small_request())
    await model.close()
    assert (answer.text, answer.by) == (TEXT, f"openai/{server.address}/v1")
    if "@" in form:
        assert {b64decode(each.removeprefix("Basic ")) for each in given} == {b"me:p@ss-word"}


async def test_a_password_is_not_told_in_the_form_in_which_it_is_sent(server: FaultsServer) -> None:
    server.faults = ["key_told"]
    with environment(OPENAI_BASE_URL=server.address.replace("http://", "http://me:p%40ss-word@") + "/v1"):
        model = await open_backend({"model": MODEL}, Surroundings())
    with pytest.raises(CompletionError, match="holds the key"):
        await model.complete(small_request())
    await model.close()


async def test_what_a_server_says_of_itself_is_recorded_in_a_few_words_and_without_the_key() -> None:
    told = {"model": KEY, "system_fingerprint": "x" * 100_000}
    choice = {"index": 0, "delta": {"content": "Yes."}, "finish_reason": f"stop {KEY}"}

    async def respond(call: Call) -> Reply:
        return sse({"id": "1", "choices": [choice], **told}) if call.method == "POST" else Reply.of_json({}, status=404)

    async with serving(respond) as address:
        with environment(A_KEY=KEY):
            model = await open_backend(
                {"model": "m", "base_url": f"{address}/v1", "api_key_env": "A_KEY"}, Surroundings()
            )
        answer = await model.complete(small_request(persona_first=True))
        await model.close()
    assert KEY not in str(answer)
    assert len(answer.notes["system_fingerprint"]) < 1000


async def test_a_choice_that_nothing_holds_an_answer_to_is_noted(server: FaultsServer) -> None:
    text, chat = small_request(), small_request(persona_first=True)
    answers = [await asked(server, each._replace(choices=("yes", "no"))) for each in (text, chat)]
    assert answers[0].notes["not_sent"] == {"constraint": "plain completions of this server take none"}
    assert "not_sent" not in answers[1].notes
