"""Brokers behind TLS: with the authority of their certificate at hand, and without it.

NATS speaks TLS itself. No wheel brings a Redis that does, and a second RabbitMQ would take ten seconds to start: before
those two stands a proxy that ends TLS.
"""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.brokers import BROKERS, NATS, BrokerServer, Kind
from tests.support.proxies import proxy

from genai_social_sim.errors import BrokerError
from genai_social_sim.testing.transports import check_items_and_results_travel_whole
from genai_social_sim.workers.transports import open_transport

SECURE = {"valkey": "rediss", "nats": "tls", "rabbitmq": "amqps"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a certificate for `localhost`, signed by nobody else, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here: apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    out = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*made, *out], cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def secured(name: str, certificate: Path, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The address of a broker over TLS."""
    if name == "nats":
        files = ["--tlscert", str(certificate / "cert.pem"), "--tlskey", str(certificate / "key.pem")]
        kind = Kind("tls", lambda port, data: [*NATS.command(port, data), "--tls", *files], NATS.ready)
        server = kind.server(folder / "data")
        server.start()
        try:
            yield f"tls://localhost:{server.port}"
        finally:
            server.kill()
        return
    plain: BrokerServer = request.getfixturevalue(name)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with proxy(plain.port, tls) as made:
        yield f"{SECURE[name]}://localhost:{made.port}"


async def examined(url: str) -> None:
    transport = open_transport(url)
    try:
        await check_items_and_results_travel_whole(transport)
    finally:
        await transport.close()


@pytest.mark.parametrize("name", BROKERS)
def test_items_and_results_travel_over_tls(
    name: str, certificate: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with secured(name, certificate, request, tmp_path) as url:
        asyncio.run(examined(url))


@pytest.mark.parametrize("name", BROKERS)
def test_a_certificate_of_an_unknown_authority_is_an_error_that_says_what_to_set(
    name: str, certificate: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with secured(name, certificate, request, tmp_path) as url, pytest.raises(BrokerError) as caught:
        asyncio.run(examined(url))
    assert "CERTIFICATE_VERIFY_FAILED" in str(caught.value)
    assert "SSL_CERT_FILE" in caught.value.remedy
