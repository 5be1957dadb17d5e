"""`gss serve` and `gss run --serve`."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import SCRIPTED, Gss, Start, document


def announced(process: Any) -> str:
    return str(json.loads(process.stdout.readline())["data"]["url"])


def runs(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}api/runs", timeout=30) as answer:
        found: list[Any] = json.loads(answer.read())["runs"]
    return found


def test_it_serves_a_folder_until_ctrl_c(start: Start, record: Path) -> None:
    server = start("serve", record.parent, "--port", "0", "--json")
    assert [row["file"] for row in runs(announced(server))] == [record.name]
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=30) == 0


def test_a_token_is_made_for_others(start: Start, record: Path) -> None:
    server = start("serve", record.parent, "--host", "0.0.0.0", "--port", "0", "--json")
    url = announced(server)
    assert len(url.partition("?token=")[2]) > 20
    server.terminate()
    server.wait(timeout=30)


def test_without_a_folder_it_says_what_to_do(gss: Gss) -> None:
    error = document(gss("serve", "nowhere", "--json"))["error"]
    assert (error["message"], error["where"]) == ("there is no such folder", "nowhere")


def test_a_port_that_is_taken_is_told(gss: Gss, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = gss("serve", tmp_path, "--port", str(taken.getsockname()[1]), "--json")
    assert result.exit_code == 1
    assert "--port N" in document(result)["error"]["remedy"]


@pytest.mark.parametrize(
    "origin", ["localhost", "http://a b", "http://a;script-src *", "http://a/path", "javascript:x"]
)
def test_only_an_origin_may_embed_it(gss: Gss, tmp_path: Path, origin: str) -> None:
    assert gss("serve", tmp_path, "--embed", origin).exit_code == 2


def test_beside_a_run_it_is_there_while_the_run_is_played(start: Start) -> None:
    Path("study.yaml").write_text(SCRIPTED.replace("words: 8", "words: 8, latency: 0.5"), encoding="utf-8")
    playing = start("run", "study.yaml", "--quiet", "--serve")
    assert playing.stderr is not None
    url = playing.stderr.readline().split()[-1]
    assert url.startswith("http://127.0.0.1:")
    while not any(row["status"] == "running" for row in runs(url)):
        assert playing.poll() is None
    assert playing.wait(timeout=60) == 0
