"""A small HTTP/1.1 server on loopback, for servers that tests need: it sends exactly the bytes that it is told to send.

It knows no protocol beyond HTTP. Standard library only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

_MOST_HEAD: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it came in; the names of headers are in lower case. `port`: the client's, one a connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent back. `chunks` go out one by one; `raw` goes out as it is, in place of all else.

    With `reset` the connection is reset after that, so that the client sees no end; with `hang` nothing comes after.
    """

    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | AsyncIterable[bytes] = ()
    raw: bytes | AsyncIterable[bytes] | None = None
    reset: bool = False
    hang: bool = False

    @classmethod
    def of_json(cls, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A JSON document."""
        return cls(status=status, headers=headers or {}, chunks=[json.dumps(value).encode()])


Respond = Callable[[Call], Awaitable[Reply]]


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[str]:
    """Serve on a free port of loopback for as long as the context lasts; gives the address."""
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_conversation(respond, reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_MOST_HEAD)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _conversation(respond: Respond, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError):
        try:
            while (call := await _read(reader, writer.get_extra_info("peername")[1])) is not None:
                gone = asyncio.ensure_future(reader.read(1))  # ends early if the client goes away
                sent = asyncio.ensure_future(_send(writer, await respond(call)))
                try:
                    await asyncio.wait([gone, sent], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (gone, sent):
                        if not task.done():
                            task.cancel()
                    await asyncio.gather(gone, sent, return_exceptions=True)
                if not sent.done() or sent.cancelled() or sent.exception() or not sent.result() or _came(gone):
                    return
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()


def _came(gone: asyncio.Task[bytes]) -> bool:
    return not gone.cancelled()  # the client left, or sent more than was awaited


async def _read(reader: asyncio.StreamReader, port: int) -> Call | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path = urlsplit(path).path  # a proxy is sent whole addresses
    return Call(method=method, path=path, headers=headers, body=body, port=port)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Send a reply; whether the connection can go on."""
    if reply.raw is not None:
        async for chunk in _each([reply.raw] if isinstance(reply.raw, bytes) else reply.raw):
            writer.write(chunk)
            await writer.drain()
    else:
        head = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", f"Content-Type: {reply.content_type}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*head, "Transfer-Encoding: chunked", "", ""]).encode())
        await writer.drain()
        async for chunk in _each(reply.chunks):
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            await writer.drain()
    if reply.hang:
        await asyncio.Event().wait()
    if reply.reset:
        _reset(writer)
        return False
    if reply.raw is None:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return reply.raw is None


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection so that the other side sees a reset (linger 0)."""
    import socket
    import struct

    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _each(chunks: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk
