"""A strict stand-in for Ollama: its native API as documented, on loopback, answering with what it is told to answer.

For plug-in authors and our own tests. It refuses what Ollama would overlook (an unknown field or option, a call without
`num_ctx` or `seed`), words its errors as Ollama does, counts a token a word, and keeps what it was sent.

    async with ollama_server() as server:
        ...  # ask it at server.address; then look at server.calls
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from genai_social_sim.testing.http_server import Call, Reply, serving

MODEL: Final = "tiny:latest"
_OPTIONS: Final = {
    **dict.fromkeys(("num_ctx", "seed", "num_predict", "top_k", "num_keep", "repeat_last_n"), int),
    **dict.fromkeys(("temperature", "top_p", "min_p", "repeat_penalty", "typical_p"), float),
    **dict.fromkeys(("presence_penalty", "frequency_penalty"), float),
    "stop": list,
}
_COMMON: Final = {
    *("model", "stream", "format", "options", "keep_alive", "think", "logprobs", "top_logprobs", "truncate", "shift"),
    *("tools", "images"),
}
_FIELDS: Final = {
    "/api/chat": _COMMON | {"messages"},
    "/api/generate": _COMMON | {"prompt", "suffix", "system", "template", "raw", "context"},
}
_REQUIRED: Final = ("num_ctx", "seed", "num_predict")
Answer = Callable[[Mapping[str, Any]], "Said"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the model answers: pieces of text and of thinking, as they are streamed.

    `alternatives`: for the first piece, (text, log probability) of what could have stood there.
    """

    text: Sequence[str] = ()
    thinking: Sequence[str] = ()
    done_reason: str = "stop"
    counted: int | None = None  # tokens of the prompt, in place of counting its words
    alternatives: Sequence[tuple[str, float]] = ()
    error: str = ""  # in the midst of the stream


@dataclass(slots=True)
class OllamaServer:
    """The running stand-in; set its fields as a test needs them, also while it runs."""

    answer: Answer
    address: str = ""
    version: str = "0.13.0"
    models: dict[str, str] = field(default_factory=lambda: {MODEL: sha256(b"tiny").hexdigest()})
    capabilities: tuple[str, ...] = ("completion",)
    trained_context: int = 8192
    parameters: str = 'stop                           "<|im_end|>"\ntemperature                    0.8'
    calls: list[dict[str, Any]] = field(default_factory=list)  # what was sent to chat and generate
    problems: list[str] = field(default_factory=list)  # what was wrong with it


@asynccontextmanager
async def ollama_server(answer: Answer | str = "Hello there.", **settings: Any) -> AsyncIterator[OllamaServer]:
    """Run one for as long as the context lasts. `answer`: a text, or what makes an answer of a call's JSON."""
    given = answer
    said = given if callable(given) else lambda call: Said(text=re.findall(r"\S+\s*", given))
    server = OllamaServer(said, **settings)
    async with serving(lambda call: reply_of(server, call)) as address:
        server.address = address
        yield server


async def reply_of(server: OllamaServer, call: Call) -> Reply:
    """What it answers to a request, for servers that do something beside."""
    match call.method, call.path:
        case "GET", "/api/version":
            return Reply.of_json({"version": server.version})
        case "GET", "/api/tags":
            return Reply.of_json({"models": [_listed(name, digest) for name, digest in server.models.items()]})
        case "GET", "/api/ps":
            return Reply.of_json({"models": []})
        case "POST", "/api/show" | "/api/chat" | "/api/generate" | "/api/pull":
            try:
                body = json.loads(call.body)
            except ValueError as fault:
                return _error(400, str(fault))
            return _posted(server, call.path, body)
        case _:
            return Reply(status=404, content_type="text/plain", chunks=[b"404 page not found"])


def _posted(server: OllamaServer, path: str, body: dict[str, Any]) -> Reply:
    model = str(body.get("model", ""))
    name = model if ":" in model else f"{model}:latest"
    if path == "/api/pull":
        return _pulled(server, name)
    if name not in server.models:
        return _error(404, f"model '{model}' not found")
    if path == "/api/show":
        return Reply.of_json(_shown(server))
    server.calls.append(body)
    if problem := _wrong(path, body):
        server.problems.append(problem)
        return _error(400, problem)
    if body.get("think") and "thinking" not in server.capabilities:
        return _error(400, f'"{model}" does not support thinking')
    return _answered(server, path, body)


def _wrong(path: str, body: Mapping[str, Any]) -> str:
    """What is wrong with a call, as Ollama words it where it minds at all."""
    for name in body.keys() - _FIELDS[path]:
        return f"unknown field {name!r}"
    options = body.get("options", {})
    for name, value in options.items():
        kind = _OPTIONS.get(name)
        if kind is None:
            return f"invalid option provided: {name}"
        if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
            return f'option "{name}" must be of type {"integer" if kind is int else kind.__name__}'
    for name in _REQUIRED:
        if name not in options:
            return f"option {name!r} was left to the server"
    if body.get("raw") and (body.get("template") or body.get("system") or body.get("context")):
        return "raw mode does not support template, system, or context"
    form = body.get("format")
    return "" if form in (None, "", "json") or isinstance(form, dict) else f"invalid format: {form!r}"


def _answered(server: OllamaServer, path: str, body: Mapping[str, Any]) -> Reply:
    said = server.answer(body)
    texts = [body["prompt"]] if path == "/api/generate" else [each["content"] for each in body["messages"]]
    counted, context = sum(len(text.split()) for text in texts), body["options"]["num_ctx"]
    refuses = body.get("truncate") is False and tuple(map(int, re.findall(r"\d+", server.version))) >= (0, 12, 6)
    if counted > context - 1 and refuses:
        return _error(400, json.dumps({"error": _overlong(counted, context)}))
    if counted > context - 1:
        counted = 4 + (context - 4) // 2  # cut, without a word
    parts = [*_parts(path, said), _end(path, said, counted)]
    if said.error:
        parts[-1] = {"error": said.error}
    for part in parts:
        part.setdefault("model", body["model"])
    if body.get("stream", True):
        return Reply(content_type="application/x-ndjson", chunks=[json.dumps(part).encode() + b"\n" for part in parts])
    return Reply.of_json(_joined(path, parts))


def _overlong(counted: int, context: int) -> dict[str, Any]:
    return {
        "code": 400,
        "message": f"request ({counted} tokens) exceeds the available context size ({context} tokens), "
        "try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": counted,
        "n_ctx": context,
    }


def _parts(path: str, said: Said) -> list[dict[str, Any]]:
    parts = [_part(path, "", thinking) for thinking in said.thinking] + [_part(path, text, "") for text in said.text]
    if said.alternatives and said.text:
        chances = dict(said.alternatives)
        shown = [{"token": text, "logprob": chance} for text, chance in said.alternatives]
        parts[len(said.thinking)]["logprobs"] = [
            {"token": said.text[0], "logprob": chances.get(said.text[0], -9.0), "top_logprobs": shown}
        ]
    return parts


def _part(path: str, text: str, thinking: str) -> dict[str, Any]:
    part: dict[str, Any] = {"created_at": "2026-01-01T00:00:00Z", "done": False}
    if path == "/api/generate":
        return part | {"response": text} | ({"thinking": thinking} if thinking else {})
    return part | {"message": {"role": "assistant", "content": text} | ({"thinking": thinking} if thinking else {})}


def _end(path: str, said: Said, counted: int) -> dict[str, Any]:
    return _part(path, "", "") | {
        "done": True,
        "done_reason": said.done_reason,
        "total_duration": 3_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": counted if said.counted is None else said.counted,
        "prompt_eval_duration": 1_000_000,
        "eval_count": len(said.text) + len(said.thinking),
        "eval_duration": 1_000_000,
    }


def _joined(path: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if path == "/api/generate":
        return {**parts[-1], "response": "".join(part.get("response", "") for part in parts)}
    text = "".join(part["message"]["content"] for part in parts if "message" in part)
    return {**parts[-1], "message": {"role": "assistant", "content": text}}


def _error(status: int, words: str) -> Reply:
    return Reply.of_json({"error": words}, status=status)


def _listed(name: str, digest: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 98_362_432,
        "digest": digest,
        "details": _DETAILS,
    }


def _shown(server: OllamaServer) -> dict[str, Any]:
    return {
        "modelfile": "FROM tiny",
        "parameters": server.parameters,
        "template": "{{ .Prompt }}",
        "details": _DETAILS,
        "model_info": {"general.architecture": "llama", "llama.context_length": server.trained_context},
        "capabilities": list(server.capabilities),
        "modified_at": "2026-01-01T00:00:00Z",
    }


_DETAILS: Final = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "135M",
    "quantization_level": "Q4_1",
}


def _pulled(server: OllamaServer, name: str) -> Reply:
    if name.startswith("missing"):
        lines: list[dict[str, Any]] = [
            {"status": "pulling manifest"},
            {"error": "pull model manifest: file does not exist"},
        ]
    else:
        server.models[name] = sha256(name.encode()).hexdigest()
        layer = {"status": "pulling 5f4e", "digest": "sha256:5f4e", "total": 200}
        lines = [
            {"status": "pulling manifest"},
            layer | {"completed": 50},
            layer | {"completed": 200},
            {"status": "success"},
        ]
    return Reply(content_type="application/x-ndjson", chunks=[json.dumps(line).encode() + b"\n" for line in lines])


async def _main() -> None:
    async with ollama_server() as server:
        print(server.address, flush=True)  # noqa: T201 (the address is what a process of its own is for)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
