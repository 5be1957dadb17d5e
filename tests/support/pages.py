"""The page served in this process, runs to be shown on it, and the system's Chromium to look at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page

from genai_social_sim import Study
from genai_social_sim.api.page import page as application
from genai_social_sim.web.guard import Terms

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--expose-gc",
)
STUDY: Final = """
name: harbour
seed: 7
model: {backend: scripted, words: 14, faults: {error: 0.05, empty: 0.1}}
agents:
  - {name: ada, persona: "A cautious geologist who weighs evidence.", role: chair}
  - {name: bo, persona: "A trade negotiator who wants a deal."}
  - {name: cy, persona: "A fisher who distrusts both."}
roles:
  chair: {authority: 3}
channels:
  harbour: {protocol: round_robin, opening: {from: system, text: "Should the harbour be deepened?"}}
  market: {members: [bo, cy], protocol: round_robin, opening: {from: system, text: "What does fish cost today?"}}
probes:
  - {name: stance, every: 2 rounds, scale: [1, 2, 3, 4, 5], text: "Where do you stand?"}
interventions:
  - {at: round 3, kind: broadcast, channels: [harbour], from: mayor, text: "The dredger arrives on Monday."}
stop: {turns: 60}
"""
CREWED: Final = """
name: crewed
seed: 3
model: {backend: scripted, words: 8, latency: 0.3}
agents: [{name: ada}, {name: bo}]
channels: {hall: {opening: {text: "Begin."}}, yard: {}}
stop: {turns: 10000}
"""


class Reply(NamedTuple):
    """What the server answered."""

    status: int
    headers: Message[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Site(NamedTuple):
    """The page, served."""

    url: str
    folder: Path

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Reply:
        """One request; header names with `_` in place of `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, method=method, headers=sent)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=30) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as answer:
            return Reply(answer.code, answer.headers, answer.read())

    def api(self, path: str) -> Any:
        """A document of the API."""
        reply = self.ask(f"/api{path}")
        assert reply.status == 200, reply.body
        return reply.document

    def whole(self, path: str) -> Any:
        """A document of the API for which every run file has been read."""
        while (page := self.api(path))["unread"]:
            pass
        return page


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@contextmanager
def served(folder: Path, **terms: Any) -> Iterator[Site]:
    """The page over a folder, on a free port, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = application(folder, Terms(**terms))
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", folder)
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def play(folder: Path, study: str = STUDY, **settings: Any) -> Path:
    """The record of a scripted study, played to its end."""
    return Study.parse(study).run(runs=folder, durability="process", **settings).path


def copied(path: Path, files: int) -> None:
    """So many run files in all in the folder of a record, each with the same content and a name of its own."""
    for number in range(files - 1):
        os.link(path, path.with_name(f"copy{number:04}.sqlite"))


@contextmanager
def playing(folder: Path, study: str, *words: str) -> Iterator[Path]:
    """The folder of a run that another process plays, with these options of `gss run`; it is ended."""
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    command = [sys.executable, "-m", "genai_social_sim.cli", "run", "study.yaml", "--quiet", "--durability", "process"]
    (folder / "runs").mkdir()
    pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, *words], cwd=folder, **pipes) as process:
        try:
            yield folder / "runs"
        finally:
            process.terminate()


def lengthened(path: Path, times: int) -> Path:
    """A record of one channel made `times` as long by repeating its turns: it proves nothing, but reads like one."""
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("synchronous", "OFF")
        turns, first, last = next(
            db.execute("SELECT count(DISTINCT turn), min(seq), max(seq) FROM events WHERE turn IS NOT NULL")
        )
        span = last - first + 1
        db.execute("BEGIN")
        db.execute("DELETE FROM events WHERE seq > ?", (last,))
        db.execute(
            """
            WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n + 1 < ?1)
            INSERT INTO events SELECT e.seq + n * ?2, kind, turn + n * ?3, at + n, body, texts, prompt, chain
            FROM copies, events AS e WHERE e.seq BETWEEN ?4 AND ?5
            """,
            (times, span, turns, first, last),
        )
        db.execute("UPDATE head SET seq = (SELECT max(seq) FROM events), turns = ?", (turns * times,))
        db.execute("COMMIT")
    return path


def executable() -> str:
    """Where Chromium is; without one a test is skipped, or fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        words = "Chromium is missing; on Debian and Ubuntu: apt-get install --no-install-recommends chromium"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found


class Watched(NamedTuple):
    """A tab whose complaints and requests are written down."""

    page: Page
    complaints: list[str]
    requests: list[str]

    def clean(self, site: Site) -> None:
        """Nothing was complained about, and nothing but the page's own server was asked."""
        assert self.complaints == []
        beyond = [url for url in self.requests if not url.startswith((site.url, "data:"))]
        assert beyond == []


def watched(context: BrowserContext) -> Watched:
    """A new tab."""
    page = context.new_page()
    tab = Watched(page, [], [])
    page.set_default_timeout(60_000)
    page.on("console", lambda said: tab.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: tab.complaints.append(str(fault)))
    page.on("request", lambda request: tab.requests.append(request.url))
    return tab


def number_in(text: str) -> int:
    """The first number in a text, thousands separated."""
    found = re.search(r"[\d,]+", text)
    assert found, text
    return int(found[0].replace(",", ""))


def number_of(selector: str) -> str:
    """JavaScript for the first number in an element."""
    return f"Number(document.querySelector('{selector}').textContent.match(/[\\d,]+/)[0].replaceAll(',', ''))"
