"""What stands in a turn's panel, beside a stalled run and behind `As code`; and hostile names, in a real browser."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import apsw
from playwright.sync_api import Page, expect
from tests.support.designs import played
from tests.support.pages import STUDY, Watched, play, playing, served
from tests.support.servers import study_text

from genai_social_sim import Run, Study, compare
from genai_social_sim.testing.ollama_server import ollama_server

PLAIN: Final = "<img src=x onerror=\"document.title='taken'\">"
NAMED: Final = "<script>document.title</script>"  # the name of a condition holds no `=`
STALLED: Final = """
name: stalled
model: {backend: scripted, words: 3, latency: 600, slots: 2}
agents: [{name: ada}, {name: bo}]
channels: {hall: {protocol: simultaneous, opening: {text: "Begin."}}}
stop: {turns: 10}
"""


async def asked_of_ollama(folder: Path) -> tuple[Path, str]:
    """A record of a model whose tokens cost, and the digest of its weights as the server tells it."""
    async with ollama_server("Well, yes.") as server:
        price = {"prompt": 2_000_000.0, "answer": 3_000_000.0}
        text = study_text(
            {"backend": "ollama", "model": "tiny", "host": server.address, "price": price}, stop={"turns": 2}
        )
        run = await Study.parse(text).arun(runs=folder, durability="process")
        return run.path, next(iter(server.models.values()))


def written(page: Page) -> dict[str, str]:
    """The lines behind `As code`, by what they are for."""
    page.get_by_text("As code", exact=True).click()
    lines = page.locator(".as-code p.code")
    expect(lines.first).to_be_visible()
    return {each.locator("small").inner_text(): each.locator("code").inner_text() for each in lines.all()}


def test_a_stall_speaks(tmp_path: Path, tab: Watched) -> None:
    with playing(tmp_path, STALLED) as folder, served(folder) as site:
        tab.page.goto(site.url)
        tab.page.locator("td.study a").click()
        expect(tab.page.locator("article.opened")).to_have_count(1)
        expect(tab.page.locator("p.stall")).to_be_hidden()
        (record,) = folder.glob("*.sqlite")
        with closing(apsw.Connection(str(record))) as db:
            db.set_busy_timeout(5000)
            db.execute("UPDATE events SET at = at - 75")
        tab.page.reload()
        expect(tab.page.locator("p.stall")).to_contain_text(re.compile(r"nothing new for \d\d s; 2 calls wait"))
        tab.page.get_by_role("link", name="What it waits for").click()
        expect(tab.page.get_by_role("heading", name="Waiting for 2 calls")).to_be_visible()
        tab.clean(site)


def test_a_turn_tells_its_cost_its_speed_and_the_weights(tmp_path: Path, tab: Watched) -> None:
    with ThreadPoolExecutor(1) as elsewhere:  # in this thread the browser's loop runs
        record, digest = elsewhere.submit(asyncio.run, asked_of_ollama(tmp_path)).result(timeout=60)
    with served(tmp_path) as site:
        (attempt,) = site.api(f"/runs/{record.stem}/turns/1")["attempts"]
        cost = 2 * attempt["prompt_tokens"] + 3 * attempt["answer_tokens"]
        speed = attempt["answer_tokens"] / (attempt["done_s"] - attempt["sent_s"])
        tab.page.goto(f"{site.url}/runs/{record.stem}/turns/1")
        panel = tab.page.get_by_label("A turn", exact=True)

        def told(name: str) -> str:
            return str(panel.locator(f"dt:text-is('{name}') + dd").first.inner_text())

        expect(panel.locator("blockquote")).to_be_visible()
        assert float(told("cost").replace(",", "")) == cost
        assert told("a second").endswith("tokens of the answer")
        assert abs(float(told("a second").split()[0].replace(",", "")) / speed - 1) < 0.01
        assert digest
        assert told("ollama tiny weights") == digest
        tab.clean(site)


def test_hostile_conditions_and_changes_of_forks_are_inert(tmp_path: Path, tab: Watched) -> None:
    study = {
        "name": "hostile",
        "model": {"backend": "scripted", "words": 3},
        "agents": [{"name": "ada"}, {"name": "bo"}],
        "channels": {"hall": {"opening": {"text": "Begin."}}},
        "factors": {"<i>f</i>": {"path": "stop.turns", "values": {NAMED: 6, "plain": 4}}},
        "stop": {"turns": 6},
    }
    runs = [*Study.parse(json.dumps(study)).run_all(runs=tmp_path, durability="process")]
    parent = next(run for run in runs if run.turns == 6)
    fork = parent.fork(at_turn=2, say={"ada": PLAIN})
    name = parent.path.stem
    with served(tmp_path) as site:
        page = tab.page
        for path, where, text in (
            ("", "table.runs", NAMED),
            ("conditions?study=hostile", "[aria-label='Numbers by condition'] table", NAMED),
            (f"runs/{name}", ".design", NAMED),
            (f"runs/{name}/forks", ".kinships .change", PLAIN),
            (f"compare?a={name}&b={fork.path.stem}", ".sides", NAMED),
            (f"compare?a={name}&b={fork.path.stem}", ".sides", PLAIN),
        ):
            page.goto(f"{site.url}/{path}")
            expect(page.locator(where).filter(has_text=text).first).to_be_visible()
            assert page.locator("main img, main script, main i").count() == 0
            assert page.title() != "taken"
        tab.clean(site)


def test_two_runs_are_code_that_says_where_they_part(tmp_path: Path, tab: Watched) -> None:
    paths = [play(tmp_path), play(tmp_path, STUDY.replace("seed: 7", "seed: 8"))]
    with served(tmp_path) as site:
        tab.page.goto(f"{site.url}/compare?a={paths[0].stem}&b={paths[1].stem}")
        lines = written(tab.page)
        tab.clean(site)
    told = said(lines["where they part"], status=1)
    assert "turn 0" in told
    one, other = eval(lines["in Python, the first words that differ"], {"Run": Run})
    assert (one["turn"], other["turn"]) == (0, 0)
    assert one["text"] != other["text"]


def test_conditions_are_code_that_compares_them(tmp_path: Path, tab: Watched) -> None:
    runs: dict[str, Any] = played(tmp_path)
    with served(tmp_path) as site:
        tab.page.goto(f"{site.url}/conditions?study=votes")
        lines = written(tab.page)
        tab.clean(site)
    assert all(condition in said(lines["estimates, intervals, tests"]) for condition in runs)
    table = eval(lines["in Python"], {"compare": compare})
    assert len(table) == 2


def said(line: str, status: int = 0) -> str:
    """What a command prints."""
    program, *arguments = shlex.split(line)
    assert program == "gss"
    command = [sys.executable, "-m", "genai_social_sim.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr
