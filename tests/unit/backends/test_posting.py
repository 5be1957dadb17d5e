"""Calls for answers: sent by us as the official clients would send them, and read by those clients."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.servers import KEY, environment

from genai_social_sim.backends import registry
from genai_social_sim.ports import LanguageModel
from genai_social_sim.testing.faults_server import MODEL, TEXT, faults_server
from genai_social_sim.testing.http_server import Call, Reply, serving
from genai_social_sim.testing.language_models import small_request

BACKENDS = ("ollama", "openai")
OF_ONE_CALL = {"content-length", "x-stainless-retry-count", "connection"}  # the last may say what holds without it
CHAT = small_request(persona_first=True)


@asynccontextmanager
async def opened(backend: str, address: str, **options: Any) -> AsyncIterator[Any]:
    where = {"host": address} if backend == "ollama" else {"base_url": f"{address}/v1", "api_key_env": "A_KEY"}
    with environment(A_KEY=KEY, OLLAMA_API_KEY=KEY):
        model: Any = await registry.find(backend)({"model": MODEL, **where, **options}, registry.Surroundings())  # type: ignore[misc]
    try:
        yield model
    finally:
        await model.close()


def answer(call: Call, *pieces: str) -> list[bytes]:
    """What Ollama or vLLM says of itself, or an answer in these pieces."""
    match call.path:
        case "/api/version" | "/version":
            return [b'{"version": "0.13.0"}']
        case "/api/tags":
            return [json.dumps({"models": [{"model": MODEL, "digest": "0" * 64}]}).encode()]
        case "/api/show":
            return [b'{"capabilities": ["completion"], "details": {}, "model_info": {}}']
        case "/v1/models":
            return [json.dumps({"data": [{"id": MODEL, "owned_by": "vllm"}]}).encode()]
        case "/api/chat":
            said = [{"message": {"role": "assistant", "content": text}, "done": False} for text in pieces]
            end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
            return [json.dumps(chunk).encode() + b"\n" for chunk in (*said, end)]
        case _:
            chunks = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in pieces]
            end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            return [*(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in (*chunks, end)), b"data: [DONE]\n\n"]


@asynccontextmanager
async def recording(*pieces: str) -> AsyncIterator[tuple[str, list[Call]]]:
    """A server that answers so; its address, and the calls for answers that came in."""
    calls: list[Call] = []

    async def respond(call: Call) -> Reply:
        kind = "application/json"
        if call.path in ("/api/chat", "/v1/chat/completions"):
            calls.append(call)
            kind = "text/event-stream" if call.path.startswith("/v1") else "application/x-ndjson"
        return Reply(content_type=kind, chunks=answer(call, *pieces))

    async with serving(respond) as address:
        yield address, calls


async def by_the_official_client(backend: str, model: LanguageModel) -> None:
    """One call by the client's own method, as its documentation shows it."""
    client = model._hosts[0].client if backend == "ollama" else model._host.client  # type: ignore[attr-defined]
    messages = [{"role": "user", "content": "Hello."}]
    if backend == "ollama":
        stream = await client.chat(model=MODEL, messages=messages, stream=True)
    else:
        stream = await client.chat.completions.create(model=MODEL, messages=messages, stream=True)
    assert [chunk async for chunk in stream]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_call_has_the_headers_of_the_official_client(backend: str) -> None:
    async with recording("Hello.") as (address, calls), opened(backend, address) as model:
        await model.complete(CHAT)
        await by_the_official_client(backend, model)
    ours, theirs = [{name: each.headers[name] for name in each.headers.keys() - OF_ONE_CALL} for each in calls]
    assert ours == theirs
    assert ours["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_calls_one_after_the_other_share_a_connection(backend: str) -> None:
    async with recording("Hello.") as (address, calls), opened(backend, address) as model:
        for _ in range(3):
            await model.complete(CHAT)
    assert len({call.port for call in calls}) == 1


@pytest.mark.parametrize("backend", BACKENDS)
async def test_words_that_look_like_the_end_of_a_stream_are_words(backend: str) -> None:
    pieces = ("It ends with ", "data: [DONE]", "\ndata: [DONE]\n\n", "\u2028 [DONE]", "\x85.")
    async with recording(*pieces) as (address, _), opened(backend, address) as model:
        assert (await model.complete(CHAT)).text == "".join(pieces)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_half_a_character_comes_as_it_was_sent(backend: str) -> None:
    async with recording("Half \ud83d.") as (address, _), opened(backend, address) as model:
        assert (await model.complete(CHAT)).text == "Half \ud83d."


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_call_leaves_no_generator_for_the_loop_to_finish(backend: str) -> None:
    left: list[object] = []
    async with recording("Hello.") as (address, _), opened(backend, address) as model:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=left.append)
        try:
            await model.complete(CHAT)
        finally:
            sys.set_asyncgen_hooks(finalizer=hooks.finalizer)
    assert left == []


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_server_elsewhere_is_asked_through_the_proxy_of_the_environment(backend: str) -> None:
    async with faults_server() as server:
        with environment(HTTP_PROXY=server.address, http_proxy=server.address, NO_PROXY="", no_proxy=""):
            async with opened(backend, "http://elsewhere.example:8080") as model:
                assert (await model.complete(CHAT)).text == TEXT
    assert server.calls == 1
