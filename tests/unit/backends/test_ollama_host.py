"""Where an Ollama server is, what its models are called, and how long it takes to reach it."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from genai_social_sim.backends.ollama import open_backend
from genai_social_sim.backends.ollama_host import address_of
from genai_social_sim.backends.registry import Surroundings
from genai_social_sim.errors import CompletionError
from genai_social_sim.ports import LanguageModel, Limits
from genai_social_sim.testing.language_models import small_request
from genai_social_sim.testing.ollama_server import OllamaServer, ollama_server


async def opened(server: OllamaServer, name: str = "tiny") -> LanguageModel:
    return await open_backend({"model": name, "host": server.address}, Surroundings())


@pytest.mark.parametrize("name", ["hf.co/someone/Modell-\u00e4:Q4_1", "\u6a21\u578b", "org/m", "-x"])
async def test_a_model_may_have_any_name(name: str) -> None:
    listed = name if ":" in name else f"{name}:latest"
    async with ollama_server(models={listed: "0" * 64}) as server:
        model = await opened(server, name)
        assert (await model.complete(small_request())).text == "Hello there."
        await model.close()
        assert server.calls[0]["model"] == name
        assert server.problems == []


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("[::1]", "http://[::1]:11434"),
        ("[::]:8", "http://[::1]:8"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        (":8", "http://127.0.0.1:8"),
        ("lab:8/ollama/", "http://lab:8/ollama"),
        (" https://lab ", "https://lab"),
    ],
)
def test_an_address_may_be_written_as_ollama_takes_it(named: str, address: str) -> None:
    assert address_of(named) == address


async def test_a_connection_that_does_not_come_about_is_given_up_before_the_answers_deadline() -> None:
    """A listener whose queue is full answers no further handshake: as a host behind a firewall does."""
    async with ollama_server() as server:
        model = await opened(server)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for each in (first, second):
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        host: Any = model._hosts[0]  # type: ignore[attr-defined]
        host._post._address = f"http://127.0.0.1:{full.getsockname()[1]}"
        with pytest.raises(CompletionError) as caught:
            await model.complete(small_request()._replace(limits=Limits(answer_s=60.0, connect_s=0.2)))
    await model.close()
    assert caught.value.cause == "unreachable"
