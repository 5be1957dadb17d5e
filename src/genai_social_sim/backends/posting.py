"""The calls for answers to one model server: sent by aiohttp itself, and read by the official client library.

Questions about a server go the way that its official client sends them. Calls for answers may be a thousand a second,
and httpx, by which those clients send, makes URL, headers and cookies anew for each of them: that takes more of a
processor than aiohttp below it. So `Post` makes them once, and the client reads a `Reply`, which has what it asks of a
response.

It knows no protocol.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from pydantic_core import to_json

from genai_social_sim.backends import servers
from genai_social_sim.backends.guards import Guard, Lines

_REST_S: Final = 0.1  # for what follows the end of an answer; if that takes longer, the connection is not kept


class Post:
    """Sends calls for answers to one server, and keeps its connections for the next ones.

    Args:
        address: Of the server; paths of calls are appended.
        headers: That the official client sends.
        guard: Refuses what is no answer.
        trust: Makes the TLS context, for a server that has a certificate.
        auth: Name and password, in place of a key.
        end: What is in the line that ends an answer, and in no other.
    """

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        guard: Guard,
        *,
        trust: Callable[[], Any],
        auth: tuple[str, str] | None = None,
        end: re.Pattern[bytes],
    ) -> None:
        import aiohttp
        from multidict import CIMultiDict

        self._aiohttp = aiohttp
        self._address = address
        self._headers = CIMultiDict(headers)
        self._headers["Accept-Encoding"] = "identity"
        if auth is not None:
            self._headers["Authorization"] = f"Basic {servers.as_basic(auth)}"
        self._guard = guard
        self._trust = trust
        self._end = end
        self._urls: dict[str, Any] = {}
        self._timeouts: dict[float | None, Any] = {}
        self._session: Any = None
        self._proxy = servers.proxy_for(address)

    def stream(self, path: str, body: Mapping[str, Any], *, connect_s: float | None) -> Exchange:
        """A call, which is sent when it is entered, connecting within so many seconds."""
        return Exchange(self, path, body, connect_s)

    async def sent(self, path: str, body: Mapping[str, Any], connect_s: float | None) -> Any:
        """The response to a call, guarded; raises CompletionError, or an error of aiohttp."""
        response = await self._opened().post(
            self._url(path),
            data=to_json(body),
            allow_redirects=False,  # a prompt goes where the study says
            timeout=self._timeout(connect_s),
            proxy=self._proxy,
        )
        try:
            await self._guard.check(response.status, response.headers, response.content.iter_any)
        except BaseException:
            response.release()
            raise
        return response

    def reply(self, response: Any) -> Reply:
        """A response as the official clients read it."""
        return Reply(response, self._end)

    def never_keep_connections(self) -> None:
        """For a server that closes them although it does not say so."""
        self._headers["Connection"] = "close"

    async def close(self) -> None:
        """Close its connections; harmless when repeated."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> Any:
        if self._session is None:
            trust = self._trust() if self._address.startswith("https:") else True
            self._session = self._aiohttp.ClientSession(
                connector=self._aiohttp.TCPConnector(limit=0, keepalive_timeout=servers.KEPT_S, ssl=trust),
                cookie_jar=self._aiohttp.DummyCookieJar(),
                headers=self._headers,
                auto_decompress=False,
            )
        return self._session

    def _url(self, path: str) -> Any:
        if path not in self._urls:
            import yarl

            self._urls[path] = yarl.URL(self._address + path)
        return self._urls[path]

    def _timeout(self, connect_s: float | None) -> Any:
        if connect_s not in self._timeouts:
            self._timeouts[connect_s] = self._aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        return self._timeouts[connect_s]


class Exchange:
    """One call and its response, whose connection is kept if all has come, else closed. A class: see `Hearing`."""

    __slots__ = ("_call", "_post", "_response")

    def __init__(self, post: Post, *call: Any) -> None:
        self._post = post
        self._call = call

    async def __aenter__(self) -> Reply:
        self._response = await self._post.sent(*self._call)
        return self._post.reply(self._response)

    async def __aexit__(self, *fault: object) -> None:
        self._response.release()


class Reply:
    """A response as the official clients read it: what they ask of httpx's, without the rest."""

    def __init__(self, response: Any, end: re.Pattern[bytes]) -> None:
        self._response = response
        self._end = end

    def raise_for_status(self) -> None:
        """It was checked before."""

    async def aiter_bytes(self) -> AsyncGenerator[bytes, None]:
        """Its bytes, as whole lines, up to and with the line that marks its end: what comes after it does not count.

        So no reader has to stop there: asyncio makes a task for each generator that is left unfinished, and three of
        those would take as much time as the call.
        """
        lines = Lines()
        async for chunk in self._response.content.iter_any():
            whole = lines.of(chunk)
            if found := self._end.search(whole):
                yield whole[: whole.find(b"\n", found.end()) + 1]
                await self._rest()
                return
            if whole:
                yield whole
        if last := lines.last():
            yield last

    async def _rest(self) -> None:
        content = self._response.content
        if content.at_eof():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_REST_S):
                while not content.at_eof():
                    await content.readany()

    async def aiter_lines(self) -> AsyncIterator[str]:
        """Its lines without the breaks."""
        async for lines in self.aiter_bytes():
            for line in lines.splitlines():  # as bytes, which break at CR and LF alone
                yield line.decode()

    async def aclose(self) -> None:
        """`Post.stream` closes it."""
