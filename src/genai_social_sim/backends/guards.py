"""Guards what model servers send: nothing passes that is no answer, is not UTF-8, or goes on without a line break.

The HTTP clients of the official client libraries take them as event hooks. It knows no protocol.
"""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
)
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from genai_social_sim.backends import servers
from genai_social_sim.backends.servers import garbled

_MOST_LINE: Final = 4 << 20  # bytes without a line break
_MOST_ANSWER: Final = 128 << 20  # bytes of an answer: what wraps its characters included
_MOST_TOLD: Final = 16 << 20  # bytes of what a server says of itself
_MOST_WORDS: Final = 1 << 16  # bytes of a server's error that are read
_WORDS_S: Final = 1.0  # how long its words are waited for: its status says the most
_OK: Final = 200
_REDIRECT: Final = 300
_connect_s: ContextVar[float | None] = ContextVar("connect_s", default=None)

Hook = Callable[[Any], Awaitable[None]]


@contextmanager
def connecting(limit_s: float | None) -> Iterator[None]:
    """Let connections that are opened for questions within take this long at the most."""
    token = _connect_s.set(limit_s)
    try:
        yield
    finally:
        _connect_s.reset(token)


class Guard:
    """Refuses what is no answer. `secrets` are taken out of what a server says before it goes anywhere."""

    def __init__(self, content_types: Collection[str], secrets: Collection[str]) -> None:
        self._content_types = content_types
        self._secrets = secrets

    async def check(self, status: int, headers: Mapping[str, str], body: Callable[[], AsyncIterable[bytes]]) -> None:
        """Raise CompletionError unless these begin an answer; `headers` do not mind case."""
        if not _OK <= status < _REDIRECT:
            said = await _words(body()) if _is_plain(headers) else ""
            raise servers.http_failure(status, headers, said, self._secrets)
        kind = headers.get("content-type", "")
        if kind not in self._content_types:
            kind = kind.partition(";")[0].strip().lower()
        if kind not in self._content_types:
            what = kind[:60] or "no content type"
            raise garbled(f"it answers with {what} instead of {' or '.join(self._content_types)}")
        if not _is_plain(headers):
            raise garbled("it answers compressed although that was not asked for")

    def hooks(self) -> dict[str, list[Hook]]:
        """Event hooks for an HTTP client: hold the connect deadline, and guard what comes back."""

        async def sending(request: Any) -> None:
            timeout = dict(request.extensions.get("timeout") or {})
            request.extensions["timeout"] = {**timeout, "connect": _connect_s.get()}

        async def answering(response: Any) -> None:
            await self.check(response.status_code, response.headers, response.aiter_raw)
            lasts = response.headers.get("content-type", "").startswith("application/x-ndjson")
            response.stream = _guarded(response.stream, _MOST_ANSWER if lasts else _MOST_TOLD)

        return {"request": [sending], "response": [answering]}


def _is_plain(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "identity") == "identity"


async def _words(body: AsyncIterable[bytes]) -> str:
    read = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WORDS_S):
            async for chunk in body:
                read += chunk
                if len(read) > _MOST_WORDS:
                    break
    return read.decode("utf-8", "replace")


def _guarded(stream: object, most: int) -> Any:
    """A guarded stream of the library that a stream is from: httpx or its successor."""
    base = next(base for base in type(stream).__mro__ if base.__name__ == "AsyncByteStream")
    return _guarded_kind(base)(stream, most)


@lru_cache
def _guarded_kind(base: Any) -> Any:
    return type("GuardedStream", (_Guarded, base), {})


class _Guarded:
    """A response's bytes in whole lines."""

    def __init__(self, inner: Any, most: int) -> None:
        self._inner = inner
        self._most = most

    def __aiter__(self) -> AsyncIterator[bytes]:
        return whole_lines(self._inner, self._most)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def whole_lines(chunks: AsyncIterable[bytes], most: int) -> AsyncGenerator[bytes, None]:
    """Bytes in whole lines, each of them UTF-8 and of a length that is sane; `most` in all."""
    lines = Lines(most)
    async for chunk in chunks:
        if whole := lines.of(chunk):
            yield whole
    if last := lines.last():
        yield last


class Lines:
    """The same of chunks that are handed over one by one."""

    def __init__(self, most: int = _MOST_ANSWER) -> None:
        self._begun = b""
        self._most = most
        self._told = 0  # bytes of whole lines so far

    def of(self, chunk: bytes) -> bytes:
        """The lines that a further chunk completes; raises CompletionError for what is none."""
        lines, end, self._begun = (self._begun + chunk).rpartition(b"\n")
        if len(self._begun) > _MOST_LINE:
            raise garbled(f"a line of its answer goes on past {_MOST_LINE:,} bytes")
        return self._whole(lines + end) if end else b""

    def last(self) -> bytes:
        """What came after the last line break."""
        return self._whole(self._begun)

    def _whole(self, lines: bytes) -> bytes:
        if not self._told:
            lines = lines.removeprefix(BOM_UTF8)  # readers of events would take it for part of a name
        self._told += len(lines)
        if self._told > self._most:
            raise garbled(f"it goes on past {self._most:,} bytes")
        return _checked(lines)


_BREAKS: Final = {b"\xc2\x85": b"\\u0085", b"\xe2\x80\xa8": b"\\u2028", b"\xe2\x80\xa9": b"\\u2029"}


def _checked(lines: bytes) -> bytes:
    if lines.isascii():
        return lines
    try:
        lines.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise garbled(f"its answer is not UTF-8 ({fault.reason})") from None
    for raw, escaped in _BREAKS.items():  # httpx takes these for line breaks; within JSON they are characters
        lines = lines.replace(raw, escaped)
    return lines
