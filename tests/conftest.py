"""What holds for every test: no network but loopback, and property tests that do not depend on luck or on load."""

import ipaddress
import os
import signal
import socket
from typing import Any

import pytest
from hypothesis import settings
from tests.support.brokers import (  # noqa: F401 (fixtures for every test)
    kafka,
    kafka_server,
    nats,
    nats_server,
    rabbitmq,
    rabbitmq_server,
    valkey,
    valkey_server,
)

settings.register_profile("here", deadline=None)  # a busy machine is not a failing test
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """By what tests start, too, where a shell ignores it, as for a job in the background: children inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


class NetworkRefusedError(RuntimeError):
    """A test reached for the network."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_beyond_loopback(host: object) -> None:
    if not _is_loopback(host):
        raise NetworkRefusedError(
            f"a test reached for {host!r}; tests use loopback only. "
            "Start a server in a fixture, or mark the test `network` if leaving this machine is its point."
        )


def _host_of(address: object) -> object:
    # A path (str, bytes) is a Unix socket, and stays on this machine.
    return address[0] if isinstance(address, tuple) else None


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("network"):
        return
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_beyond_loopback(_host_of(address))
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_beyond_loopback(_host_of(address))
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_beyond_loopback(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)
