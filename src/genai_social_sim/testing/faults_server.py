"""A model server that misbehaves as it is told, on loopback, in the shapes of Ollama's and of OpenAI's protocol.

For plug-in authors and our own tests. What it says about itself and its model is always right; the calls for answers
meet a fault of `FAULTS` each, by their number, and what comes after the last one is answered well ("ok").

    async with faults_server("http_500", "ok") as server:
        ...  # the first answer asked of server.address fails, further ones do not; server.calls counts them
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from genai_social_sim.testing.http_server import Call, Reply, serving

MODEL: Final = "faulty:latest"
TEXT: Final = "All is well."
_PIECE: Final = "a" * (1 << 16)
_HUNDRED_MEGABYTES: Final = 100_000_000
_ANSWERS: Final = ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/completions")


@dataclass(slots=True)
class FaultsServer:
    """The running server; `faults` and `fault_of` may be changed while it runs."""

    faults: Sequence[str]
    always: bool = False  # the last fault goes on for ever
    fault_of: Callable[[Call], str] | None = None  # which fault a call meets, in place of `faults`
    retry_after: str = "1"  # of HTTP 429 and 503: seconds or a date
    address: str = ""
    calls: int = 0  # for answers
    asked: dict[str, int] = field(default_factory=dict)  # requests by path
    sent: list[dict[str, Any]] = field(default_factory=list)  # the JSON of calls for answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How one protocol writes an answer: a piece of it, its end, and what stands after the last line."""

    content_type: str
    piece: Callable[..., bytes]
    end: bytes


@asynccontextmanager
async def faults_server(*faults: str, **settings: Any) -> AsyncIterator[FaultsServer]:
    """Run one for as long as the context lasts.

    Raises:
        ValueError: For a fault that is none of `FAULTS`.
    """
    for fault in faults:
        if fault not in FAULTS:
            raise ValueError(f"there is no fault {fault!r}; there are {', '.join(FAULTS)}")
    server = FaultsServer(faults, **settings)
    async with serving(lambda call: _respond(server, call)) as address:
        server.address = address
        yield server


async def _respond(server: FaultsServer, call: Call) -> Reply:
    server.asked[call.path] = server.asked.get(call.path, 0) + 1
    if call.path not in _ANSWERS:
        known = _KNOWN.get(call.path)
        return Reply.of_json({"error": "not found"}, status=404) if known is None else Reply.of_json(known)
    number, server.calls = server.calls, server.calls + 1
    server.sent.append(json.loads(call.body))
    if server.fault_of is not None:
        fault = server.fault_of(call)
    elif server.always and server.faults:
        fault = server.faults[min(number, len(server.faults) - 1)]
    else:
        fault = server.faults[number] if number < len(server.faults) else "ok"
    return FAULTS[fault](server, call, _shape(call.path))


def _shape(path: str) -> _Shape:
    if path.startswith("/api/"):
        end = {"done": True, "done_reason": "stop", "prompt_eval_count": 60, "eval_count": 4}
        return _Shape(
            content_type="application/x-ndjson",
            piece=lambda text="", thinking="": _line(_ollama(path, text, thinking)),
            end=_line(_ollama(path, "", "") | end),
        )
    usage = {"prompt_tokens": 60, "completion_tokens": 4, "total_tokens": 64}
    return _Shape(
        content_type="text/event-stream",
        piece=lambda text="", thinking="": _event(_openai(path, text, thinking)),
        end=_event(_openai(path, "", "", "stop") | {"usage": usage}) + b"data: [DONE]\n\n",
    )


def _ollama(path: str, text: str, thinking: str) -> dict[str, Any]:
    said = {"thinking": thinking} if thinking else {}
    part: dict[str, Any] = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "done": False}
    if path == "/api/generate":
        return part | {"response": text} | said
    return part | {"message": {"role": "assistant", "content": text} | said}


def _openai(path: str, text: str, thinking: str, finish: str | None = None) -> dict[str, Any]:
    part = {"id": "cmpl-1", "created": 1, "model": MODEL, "system_fingerprint": "fp-1"}
    if path == "/v1/completions":
        choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
        return part | {"object": "text_completion", "choices": [choice]}
    delta = {"content": text} | ({"reasoning_content": thinking} if thinking else {})
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return part | {"object": "chat.completion.chunk", "choices": [choice]}


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _written(shape: _Shape, value: Any) -> bytes:
    """A JSON value, or JSON as it is, in the place of a piece."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"data: " + text + b"\n\n" if _has_events(shape) else text + b"\n"


def _has_events(shape: _Shape) -> bool:
    return shape.content_type == "text/event-stream"


Fault = Callable[[FaultsServer, Call, _Shape], Reply]


def _sending(*pieces: Callable[[_Shape], bytes], reset: bool = False) -> Fault:
    """A stream of these pieces."""
    return lambda server, call, shape: Reply(
        content_type=shape.content_type, chunks=[piece(shape) for piece in pieces], reset=reset
    )


def _streaming(chunks: Callable[[_Shape], AsyncIterator[bytes]]) -> Fault:
    return lambda server, call, shape: Reply(content_type=shape.content_type, chunks=chunks(shape))


def _failing(status: int, words: str, *, retry_after: bool = False) -> Fault:
    def fault(server: FaultsServer, call: Call, shape: _Shape) -> Reply:
        headers = {"Retry-After": server.retry_after, "Date": "Thu, 01 Jan 2026 00:00:00 GMT"} if retry_after else {}
        error: Any = words if shape.content_type == "application/x-ndjson" else {"message": words, "type": "error"}
        return Reply.of_json({"error": error}, status=status, headers=headers)

    return fault


async def _for_ever(*before: bytes) -> AsyncIterator[bytes]:
    for chunk in before:
        yield chunk
    await asyncio.Event().wait()


async def _drip(shape: _Shape) -> AsyncIterator[bytes]:
    for number in shape.piece(text=TEXT) + shape.end:
        yield bytes([number])
        await asyncio.sleep(1.0)  # the fault itself: a byte a second


async def _many(shape: _Shape) -> AsyncIterator[bytes]:
    piece = shape.piece(text=_PIECE)
    for _ in range(_HUNDRED_MEGABYTES // len(piece) + 1):
        yield piece
    yield shape.end


async def _one_line(shape: _Shape) -> AsyncIterator[bytes]:
    head, tail = shape.piece(text="TEXT").split(b"TEXT")
    yield head
    for _ in range(_HUNDRED_MEGABYTES // len(_PIECE) + 1):
        yield _PIECE.encode()
    yield tail + shape.end


def _key_told(server: FaultsServer, call: Call, shape: _Shape) -> Reply:
    told = shape.piece(text=f"You sent {call.headers.get('authorization', 'nothing')}.")
    return Reply(content_type=shape.content_type, chunks=[told, shape.end])


def _key_refused(server: FaultsServer, call: Call, shape: _Shape) -> Reply:
    return Reply.of_json({"error": {"message": f"Bad key: {call.headers.get('authorization')}"}}, status=401)


def _key_in_error(server: FaultsServer, call: Call, shape: _Shape) -> Reply:
    return Reply.of_json({"error": {"message": f"It broke on {call.headers.get('authorization')}"}}, status=500)


def _as_one(shape: _Shape) -> bytes:
    return _well(shape) + shape.end


def _by_head(head: str) -> Fault:
    """An answer beneath this head, which may lie."""
    return lambda server, call, shape: Reply(
        raw=f"HTTP/1.1 {head}\r\nContent-Type: {shape.content_type}\r\n\r\n".encode() + _as_one(shape)
    )


def _compressed(status: int) -> Fault:
    """100 MB in 100 kB."""
    packed = gzip.compress(bytes(1 << 20))
    return lambda server, call, shape: Reply(
        status=status,
        content_type=shape.content_type,
        headers={"Content-Encoding": "gzip"},
        chunks=[packed] * (_HUNDRED_MEGABYTES >> 20),
    )


async def _head_without_end() -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: and more\r\n" * 100


def _counted(count: str) -> Fault:
    """An answer whose tokens are counted so."""
    return _sending(
        _well, lambda shape: re.sub(rb'(eval_count|completion_tokens)": 4', rf'\1": {count}'.encode(), shape.end)
    )


def _likely(chance: str) -> Fault:
    """An answer whose first token had this log probability."""
    told = f'"logprobs": {{"content": [{{"token": "a", "logprob": {chance}}}]}}'
    return _sending(
        lambda shape: (
            _well(shape).replace(b'"logprobs": null', told.encode())
            if _has_events(shape)
            else _well(shape).replace(
                b'"done"', f'"logprobs": [{{"token": "a", "logprob": {chance}}}], "done"'.encode()
            )
        ),
        _end,
    )


def _key_escaped(server: FaultsServer, call: Call, shape: _Shape) -> Reply:
    """JSON may write any character as an escape."""
    key = "".join([f"\\u{ord(each):04x}" for each in call.headers.get("authorization", "nothing")])
    return Reply(status=500, chunks=[b'{"error": "It broke on ' + key.encode() + b'"}'])


def _well(shape: _Shape) -> bytes:
    return shape.piece(text=TEXT)


def _end(shape: _Shape) -> bytes:
    return shape.end


FAULTS: Final[Mapping[str, Fault]] = {
    "ok": _sending(_well, _end),
    "in_one_piece": _sending(_as_one),
    "byte_by_byte": lambda server, call, shape: Reply(
        content_type=shape.content_type, chunks=[bytes([each]) for each in _as_one(shape)]
    ),
    "carriage_returns": _sending(lambda shape: _as_one(shape).replace(b"\n", b"\r\n")),
    "byte_order_mark": _sending(lambda shape: BOM_UTF8 + _as_one(shape)),
    "chance_that_is_none": _likely("NaN"),
    "goes_on_after_the_end": _sending(_as_one, _as_one),
    "hang_after_the_end": lambda server, call, shape: Reply(
        content_type=shape.content_type, chunks=[_as_one(shape)], hang=True
    ),
    "hang_before_first_byte": lambda server, call, shape: Reply(raw=b"", hang=True),
    "hang_after_head": _streaming(lambda shape: _for_ever()),
    "hang_after_first_token": _streaming(lambda shape: _for_ever(_well(shape))),
    "hang_within_a_piece": lambda server, call, shape: Reply(
        content_type=shape.content_type, chunks=[_well(shape)[:40]], hang=True
    ),
    "slow_drip": _streaming(_drip),
    "http_400": _failing(400, "this makes no sense"),
    "http_401": _failing(401, "who are you?"),
    "http_404": _failing(404, f"model '{MODEL}' not found"),
    "http_429": _failing(429, "too many requests", retry_after=True),
    "http_429_then_hang": lambda server, call, shape: Reply(
        status=429, chunks=[b'{"error": "too many'], headers={"Retry-After": server.retry_after}, hang=True
    ),
    "http_500": _failing(500, "the model crashed"),
    "redirect": lambda server, call, shape: Reply(
        raw=f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {call.path}\r\nContent-Length: 0\r\n\r\n".encode()
    ),
    "http_503": _failing(503, "server busy, please try again. maximum pending requests exceeded", retry_after=True),
    "too_long": _failing(400, "request (9000 tokens) exceeds the available context size (4096 tokens)"),
    "error_in_stream": lambda server, call, shape: Reply(
        content_type=shape.content_type,
        chunks=[_well(shape), _written(shape, {"error": "the model crashed"})],
    ),
    "garbage": lambda server, call, shape: Reply(raw=b"\x00\x17\xfe no protocol of this world\r\n\r\n"),
    "garbage_in_stream": _sending(lambda shape: _written(shape, b"{{{{")),
    "nested_json": _sending(lambda shape: _written(shape, b"[" * 100_000)),
    "nested_error": lambda server, call, shape: Reply(status=500, chunks=[b'{"error":' * 5000]),
    "broken_json": _sending(lambda shape: _well(shape)[:40]),
    "other_json": _sending(lambda shape: _written(shape, ["not", "this"])),
    "wrong_json": _sending(lambda shape: _written(shape, {"choices": 7, "message": 7, "response": 7}), _end),
    "negative_count": _counted("-4"),
    "huge_count": _counted("1" + "0" * 300),
    "count_without_end": _counted("1e999"),
    "huge_chance": _likely("-1" + "0" * 400),
    "ends_early": _sending(_well),
    "wrong_content_type": lambda server, call, shape: Reply(content_type="text/html", chunks=[b"<html>Hello</html>"]),
    "compressed": _compressed(200),
    "compressed_error": _compressed(500),
    "head_without_end": lambda server, call, shape: Reply(raw=_head_without_end()),
    "longer_than_it_says": _by_head("200 OK\r\nContent-Length: 20"),
    "shorter_than_it_says": _by_head("200 OK\r\nContent-Length: 99999"),
    "length_that_is_none": _by_head("200 OK\r\nContent-Length: -5"),
    "reset_before_first_byte": lambda server, call, shape: Reply(raw=b"", reset=True),
    "reset_after_first_token": _sending(_well, reset=True),
    "hundred_megabytes": _streaming(_many),
    "hundred_megabytes_in_one_line": _streaming(_one_line),
    "not_utf8": _sending(lambda shape: _well(shape).replace(b"well", b"we\xff\xfe\xc3"), _end),
    "empty": _sending(_end),
    "only_white_space": _sending(lambda shape: shape.piece(text=" \n\t "), _end),
    "only_thinking": _sending(lambda shape: shape.piece(thinking="Hm."), _end),
    "key_told": _key_told,
    "key_refused": _key_refused,
    "key_in_error": _key_in_error,
    "key_escaped": _key_escaped,
}

_DETAILS: Final = {"format": "gguf", "family": "llama", "parameter_size": "1B", "quantization_level": "Q4_0"}
_KNOWN: Final[Mapping[str, Any]] = {
    "/api/version": {"version": "0.13.0"},
    "/api/tags": {
        "models": [
            {
                "name": MODEL,
                "model": MODEL,
                "modified_at": "2026-01-01T00:00:00Z",
                "size": 1,
                "digest": sha256(MODEL.encode()).hexdigest(),
                "details": _DETAILS,
            }
        ]
    },
    "/api/show": {
        "template": "{{ .Prompt }}",
        "details": _DETAILS,
        "model_info": {"general.architecture": "llama", "llama.context_length": 8192},
        "capabilities": ["completion", "thinking"],
    },
    "/v1/models": {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "faults"}]},
}


async def _main() -> None:
    import sys

    async with faults_server(*sys.argv[1:], always=True) as server:
        print(server.address, flush=True)  # noqa: T201 (the address is what a process of its own is for)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
