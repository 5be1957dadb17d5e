"""Serves the page for `gss serve`, and beside a run for `gss run --serve`."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from genai_social_sim.api.page import page
from genai_social_sim.cli import out
from genai_social_sim.cli.parents import end_with_parent
from genai_social_sim.errors import RequestError, SocialSimError

if TYPE_CHECKING:
    from starlette.applications import Starlette

_PORT: Final = 8420
_TOKEN_BYTES: Final = 24
_QUEUE: Final = 128  # connections that wait to be taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants the page to be served."""

    folder: Path
    port: int | None
    host: str
    token: str | None
    names: Sequence[str]
    embed: str | None
    broker: str | None
    opened: bool
    with_parent: bool
    as_json: bool


def serve_page(wish: Wish) -> None:
    """`gss serve`: until Ctrl-C."""
    if not wish.folder.exists():
        remedy = "`gss run STUDY` makes the folder runs; or name another one."
        raise RequestError("there is no such folder", where=str(wish.folder), remedy=remedy)
    app, token = _application(wish)
    with _listening(wish) as listener:
        if wish.with_parent:
            end_with_parent()
        url = _url(wish.host, listener.getsockname()[1], token)
        if wish.as_json:
            out.envelope({"url": url, "folder": str(wish.folder)})
        else:
            out.say(f"the page is at {url}")
            out.hint("-- it only reads; Ctrl-C ends it")
        if wish.opened:
            webbrowser.open(url)
        _serve(app, listener)


def _application(wish: Wish) -> tuple[Starlette, str]:
    """The application, and the token that its readers need; empty for none."""
    from genai_social_sim.web.guard import Terms, is_loopback

    token = wish.token or ("" if is_loopback(wish.host) else secrets.token_urlsafe(_TOKEN_BYTES))
    embed = _origin(wish.embed) if wish.embed else ""
    if wish.broker:
        from genai_social_sim.workers.transports import open_transport

        open_transport(wish.broker)  # which refuses what is no address
    terms = Terms(host=wish.host, token=token, names=wish.names, embed=embed)
    return page(wish.folder, terms, wish.broker or ""), token


def _origin(embed: str) -> str:
    parts = urlsplit(embed)
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme not in ("http", "https") or not parts.netloc or embed.rstrip("/") != origin:
        raise RequestError(f"{embed!r} is no origin", where="--embed", remedy="Give it as http://HOST:PORT.")
    if any(char in origin for char in " ;,'\""):
        raise RequestError(f"{embed!r} is no origin", where="--embed", remedy="Give it as http://HOST:PORT.")
    return origin


@contextmanager
def _listening(wish: Wish) -> Iterator[socket.socket]:
    """A socket that listens where it is wanted; on any free port if nobody asked for one and the usual one is taken."""
    wanted = _PORT if wish.port is None else wish.port
    try:
        listener = _bound(wish.host, wanted)
    except OSError as fault:
        if wish.port is not None or isinstance(fault, socket.gaierror):
            raise _unheard(wish.host, wanted, fault) from fault
        try:
            listener = _bound(wish.host, 0)
        except OSError as again:
            raise _unheard(wish.host, wanted, again) from again
    with listener:
        yield listener


def _bound(host: str, port: int) -> socket.socket:
    family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, number)
    try:
        if sys.platform != "win32":  # there it would let two listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_QUEUE)
    except OSError:
        listener.close()
        raise
    return listener


def _unheard(host: str, port: int, fault: OSError) -> SocialSimError:
    return SocialSimError(
        f"the page cannot be served there ({fault.strerror or fault})",
        where=f"{host}:{port}",
        remedy="Choose another port: --port N (0 is any free one); or the address of this machine: --host 127.0.0.1",
    )


def _url(host: str, port: int, token: str) -> str:
    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{port}/" + (f"?token={token}" if token else "")


def _serve(app: Starlette, listener: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=30,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        return


@contextmanager
def beside(folder: Path, *, broker: str | None, quiet: bool) -> Iterator[None]:
    """The page over a folder in a process of its own while a run is played.

    At a terminal it stays after the run, until Ctrl-C.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "genai_social_sim.cli", "serve", str(folder), "--json", "--with-parent"]
    told = {**os.environ, "GSS_BROKER": broker} if broker else None  # its password is nothing for a command line
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=told) as server:
        try:
            url = _announced(server)
            if not quiet:
                sys.stderr.write(f"-- the page is at {url}\n")
            yield
            if sys.stdin.isatty() and sys.stdout.isatty() and not quiet:
                sys.stderr.write(f"-- the page stays at {url} until Ctrl-C\n")
                _wait(server)
        finally:
            if server.stdin is not None:
                server.stdin.close()  # which ends it
            server.terminate()


def _announced(server: subprocess.Popen[str]) -> str:
    said = server.stdout.readline() if server.stdout is not None else ""
    try:
        told = json.loads(said)
    except ValueError:
        told = {}
    if not told.get("ok"):
        error = told.get("error", {})
        problem = error.get("message", "the page cannot be served")
        raise SocialSimError(str(problem), where="--serve", remedy=str(error.get("remedy", "gss serve says why.")))
    return str(told["data"]["url"])


def _wait(server: subprocess.Popen[str]) -> None:
    try:
        server.wait()
    except KeyboardInterrupt:
        return
