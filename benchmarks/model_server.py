"""A model server that costs next to nothing, so that a workload measures its client and not the server.

It speaks just enough of Ollama's native API and of an OpenAI-style server (as vLLM words it) to be opened, and answers
each call after the same time with the same bytes, made beforehand. It reads no more of a request than where it ends.

python -m benchmarks.model_server LATENCY_S PIECES     prints its address
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterable
from typing import Any, Final

MODEL: Final = "bench:latest"
WORDS: Final = " ".join(["considers", "supply", "prices"] * 20)
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _response(content_type: str, chunks: Iterable[bytes]) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


def _document(value: Any) -> bytes:
    return _response("application/json", [json.dumps(value).encode()])


def _pieces(count: int) -> list[str]:
    """The words of an answer in so many pieces."""
    words = re.findall(r"\S+\s*", WORDS)
    return ["".join(words[at * len(words) // count : (at + 1) * len(words) // count]) for at in range(count)]


def _ollama(pieces: Iterable[str]) -> bytes:
    about = {"model": MODEL, "created_at": "2026-01-01T00:00:00.000000Z"}
    said = [about | {"message": {"role": "assistant", "content": text}, "done": False} for text in pieces]
    last = {
        "message": {"role": "assistant", "content": ""},
        **{"done": True, "done_reason": "stop", "prompt_eval_count": 700, "eval_count": 60},
        **{"total_duration": 50_000_000, "load_duration": 1_000, "eval_duration": 40_000_000},
        "prompt_eval_duration": 10_000_000,
    }
    return _response("application/x-ndjson", [json.dumps(line).encode() + b"\n" for line in (*said, about | last)])


def _openai(pieces: Iterable[str]) -> bytes:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_767_225_600, "model": MODEL}
    said = [
        about | {"choices": [{"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}]}
        for text in pieces
    ]
    said.append(about | {"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 700, "completion_tokens": 60, "total_tokens": 760}
    events = [*map(json.dumps, (*said, about | {"choices": [], "usage": usage})), "[DONE]"]
    return _response("text/event-stream", [f"data: {event}\n\n".encode() for event in events])


_FACTS: Final = {
    b"GET /api/version": _document({"version": "0.13.0"}),
    b"GET /api/tags": _document({"models": [{"name": MODEL, "model": MODEL, "digest": "0" * 64, "size": 1}]}),
    b"POST /api/show": _document({"template": "", "details": {}, "model_info": {}, "capabilities": ["completion"]}),
    b"GET /v1/models": _document({"data": [{"id": MODEL, "owned_by": "vllm", "max_model_len": 65536}]}),
    b"GET /version": _document({"version": "0.14.0"}),
}


class _Conversation(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, latency_s: float, answers: dict[bytes, bytes]) -> None:
        self._latency_s = latency_s
        self._answers = answers
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._later = asyncio.get_running_loop().call_later

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._read, 0, end)
        if len(self._read) < end + 4 + (int(length[1]) if length else 0):
            return
        asked = self._read[: self._read.index(b" HTTP/")]
        self._read = b""
        if (answer := self._answers.get(asked)) is not None:
            self._later(self._latency_s, self._transport.write, answer)
        else:
            self._transport.write(_FACTS[asked])


async def _serve(latency_s: float, pieces: int) -> None:
    said = _pieces(pieces)
    answers = {b"POST /api/chat": _ollama(said), b"POST /v1/chat/completions": _openai(said)}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(latency_s, answers), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
