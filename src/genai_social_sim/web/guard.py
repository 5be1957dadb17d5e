"""Who may ask for what: hosts, origins, methods and the token, before anything is read; and the headers of each answer.

A page of somebody else cannot use this one: not by its address (`Origin`), not by a name that is made to point here
(`Host`), not in a frame.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {frames}; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_COOKIE: Final = "gss-page"
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How the page may be reached.

    `token` empty: whoever reaches it may read. `embed`: an origin whose pages may show it in a frame.
    """

    host: str = "127.0.0.1"
    token: str = ""
    names: Sequence[str] = ()  # further host names under which it may be asked
    embed: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it listens on loopback alone."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Lets a request through to `app`, or answers it with 400, 401, 403 or 405."""

    def __init__(self, app: ASGIApp, terms: Terms) -> None:
        self._app = app
        self._terms = terms
        self._policy = _POLICY.format(frames=terms.embed or "'none'")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), str(scope["path"]))
            await send(message)

        await (self._refused(scope) or self._app)(scope, receive, guarded)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            return _error(405, "not-allowed", "the page only reads", "Use GET.", {"Allow": "GET, HEAD"})
        if not self._is_ours(headers.get("host", "")):
            remedy = "Use the address that `gss serve` prints; another name is allowed with --name NAME."
            return _error(400, "bad-host", "the page is not served under this name", remedy)
        if not self._is_same_origin(headers):
            return _error(403, "bad-origin", "another site asks for this page", "Open it by its own address.")
        return self._without_token(scope, headers)

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names this machine; where strangers may connect, by any address but no foreign name."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
            if urlsplit(f"//{host}").path or "@" in host:
                return False
        except ValueError:
            return False
        named = {*_LOOPBACK_NAMES, *map(str.lower, self._terms.names)}
        if name in named or is_loopback(name):
            return True
        return not self._terms.is_local and (_is_address(name) or name in _own_names() or name == self._terms.host)

    def _is_same_origin(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
            return False
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
        return site in ("none", "same-origin") or mode == "navigate"  # a link to the page is no theft

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        token = self._terms.token
        if not token or compare_digest(_sent(headers).encode(), token.encode()):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(key == "token" and compare_digest(value.encode(), token.encode()) for key, value in query):
            rest = urlencode([(key, value) for key, value in query if key != "token"])
            path = "/" + str(scope["path"]).lstrip("/")  # two slashes would lead to another host
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), status_code=303)
            answer.set_cookie(_COOKIE, token, httponly=True, samesite="strict")
            return answer
        remedy = (
            "Open the address with its token, as `gss serve` prints it; programs send `Authorization: Bearer TOKEN`."
        )
        return _error(401, "no-token", "a token is needed", remedy, {"WWW-Authenticate": "Bearer"})

    def _add_headers(self, headers: MutableHeaders, path: str) -> None:
        headers["Content-Security-Policy"] = self._policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        headers.setdefault("Cache-Control", "no-cache" if path.startswith("/static/") else "no-store")


def _sent(headers: Headers) -> str:
    """The token that a request brings along; empty without one."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> Iterable[str]:
    name = socket.gethostname().lower()
    return (name, name.partition(".")[0], f"{name.partition('.')[0]}.local")


def _error(status: int, code: str, message: str, remedy: str, headers: dict[str, str] | None = None) -> Response:
    document = {"error": {"code": code, "message": message, "where": "", "remedy": remedy}}
    return Response(json.dumps(document), status, headers, media_type="application/json")
