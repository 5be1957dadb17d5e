"""Small promises of the page that no other test is about: channels, colours, signs, what is copied, what is code."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.pages import Site, Watched, play, served, watched

from genai_social_sim import Run

TIMED: Final = """
name: timed
seed: 3
model: {backend: scripted, choose: true, words: 4, faults: {hang: 0.3}}
agents: [{name: ada}, {name: bo}]
act: {kind: choose, options: [yes, no]}
channels: {hall: {opening: {text: "Yes or no?"}}}
timeouts: {answer: 0.2 s, attempts: 2}
stop: {turns: 12}
"""
NAMED: Final = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    with Run(play(folder)) as run:
        run.fork(at_turn=30, mute=["ada"])
    play(folder, TIMED)
    with served(folder) as site:
        yield site


@pytest.fixture
def run(site: Site) -> Iterator[Run]:
    (path,) = site.folder.glob("harbour*seed7.sqlite")
    with Run(path) as run:
        yield run


def hues(page: Page, rows: str) -> dict[str, str]:
    """The hue of each name that is shown, where it is always the same."""
    found = page.evaluate(
        """(rows) => [...document.querySelectorAll(rows)].map((row) => [
          row.querySelector(".who, b").textContent, row.style.getPropertyValue("--hue")])""",
        rows,
    )
    assert len({tuple(pair) for pair in found}) == len({name for name, _ in found})
    return {str(name): str(hue) for name, hue in found}


def test_a_channel_is_shown_alone_and_its_address_leads_back(site: Site, tab: Watched, run: Run) -> None:
    page = tab.page
    page.set_viewport_size({"width": 1200, "height": 9000})
    page.goto(f"{site.url}/runs/{run.path.stem}")
    expect(page.locator("article.said").first).to_be_visible()
    page.get_by_label("Channel").select_option("market")
    said = [row["text"] for row in run.utterances if row["channel"] == "market"]
    expect(page.locator("article.said .text")).to_have_text([str(text) for text in said])
    assert "channel=market" in page.url
    page.reload()
    expect(page.locator("article.said .text")).to_have_text([str(text) for text in said])
    tab.clean(site)


def test_a_speaker_has_one_colour_in_every_view_and_its_role_is_named(site: Site, tab: Watched, run: Run) -> None:
    page = tab.page
    page.goto(f"{site.url}/runs/{run.path.stem}/turns/5")
    expect(page.locator(".turn-panel .by b")).to_be_visible()
    known = hues(page, "article.said")
    assert len({known[name] for name in ("ada", "bo", "cy")}) == 3
    (speaker,) = hues(page, ".turn-panel .by").items()
    assert known[speaker[0]] == speaker[1]
    expect(page.locator("article.said").filter(has_text="ada").locator(".role").first).to_have_text("chair \u00d73")
    fork = next(row["run"] for row in site.whole("/runs")["runs"] if row["parent"])
    page.goto(f"{site.url}/compare?a={run.path.stem}&b={fork}")
    expect(page.locator(".parting").first).to_be_visible()
    for name, hue in hues(page, ".sides article.said").items():
        assert known.get(name, hue) == hue
    tab.clean(site)


def test_a_timeout_and_its_retry_stand_where_they_happened(site: Site, tab: Watched) -> None:
    page, (path,) = tab.page, site.folder.glob("timed*.sqlite")
    page.set_viewport_size({"width": 1200, "height": 4000})
    page.goto(f"{site.url}/runs/{path.stem}")
    with Run(path) as run:
        failed = [row["turn"] for row in run.calls if row["outcome"] == "failed"]
    assert failed
    expect(page.locator("article.retry")).to_have_count(len(failed))
    expect(page.locator("article.retry").first).to_contain_text(
        f"turn {failed[0]}, attempt 1 failed: no answer in time"
    )
    after = page.locator("article.retry").last.locator("xpath=following-sibling::article[@data-turn][1]")
    assert after.get_attribute("data-turn") == str(failed[-1])
    expect(page.locator("article.said .sign").filter(has_text="→").first).to_be_visible()
    tab.clean(site)


def test_the_request_that_is_copied_is_what_the_model_was_sent(site: Site, chromium: Browser, run: Run) -> None:
    context = chromium.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    try:
        tab = watched(context)
        tab.page.goto(f"{site.url}/runs/{run.path.stem}/turns/2")
        tab.page.get_by_role("button", name="copy as a request").click()
        expect(tab.page.get_by_role("button", name="copied")).to_be_visible()
        request = json.loads(tab.page.evaluate("() => navigator.clipboard.readText()"))
        prompt, turn = run.prompt(2), site.api(f"/runs/{run.path.stem}/turns/2")
        assert prompt is not None
        assert [(each["role"], each["content"]) for each in request["messages"]] == [*prompt.chat()]
        assert request["seed"] == turn["seed"]
        assert request["max_tokens"] == turn["parameters"]["max_tokens"]
        tab.clean(site)
    finally:
        context.close()


def test_one_scrubber_moves_all_views(site: Site, tab: Watched, run: Run) -> None:
    page, output = tab.page, tab.page.locator("footer output")
    page.goto(f"{site.url}/runs/{run.path.stem}")
    expect(page.locator("article.said").first).to_be_visible()
    page.get_by_label("Turn", exact=True).fill("31")
    expect(page.locator("article[data-turn='31']")).to_be_in_viewport()
    page.keyboard.press("2")
    expect(page.locator(".side tbody tr").first).to_be_visible()
    expect(output).to_contain_text("turn 31 of")
    page.get_by_role("link", name="Measures", exact=True).click()
    going = page.locator("figure.chart").filter(has_text="Characters of an utterance")
    expect(going.locator(".legend-line")).to_contain_text("turn 31")
    page.get_by_role("link", name="Conversation", exact=True).click()
    expect(page.locator("article[data-turn='31']")).to_be_in_viewport()
    page.locator(".scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    page.wait_for_url("**at=*")
    page.wait_for_function(
        "() => Number(new URLSearchParams(location.search).get('at')) < 5"
    )  # where it was scrolled to
    page.keyboard.press("2")
    expect(page.locator(".side tbody tr").first).to_be_visible()
    page.keyboard.press("f")
    expect(output).to_contain_text("turn 60 of")
    assert "at=" not in page.url
    tab.clean(site)


@pytest.mark.parametrize("view", ["", "network", "measures", "health", "forks"])
def test_every_view_of_a_run_is_code_that_runs(site: Site, tab: Watched, run: Run, view: str) -> None:
    page = tab.page
    page.goto(f"{site.url}/runs/{run.path.stem}/{view}")
    page.get_by_text("As code", exact=True).click()
    rows = page.locator(".menu[open] p.code")
    expect(rows.first).to_be_visible()
    lines = {each.locator("small").inner_text(): each.locator("code").inner_text() for each in rows.all()}
    assert eval(lines["Python"], {"Run": Run}) is not None or view == "forks"  # it is no fork itself
    first = next(line for line in lines.values() if line.startswith("gss"))
    if "FORK..." not in first:  # a blank to be filled in
        program, *arguments = shlex.split(first)
        command = [sys.executable, "-m", "genai_social_sim.cli", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=site.folder)
        assert (program, done.returncode) == ("gss", 0), done.stderr
    tab.clean(site)


def test_hostile_names_are_inert_in_the_network_in_what_is_found_and_beside_each_other(
    tmp_path: Path, tab: Watched
) -> None:
    study: dict[str, Any] = {
        "name": "hostile",
        "model": {"backend": "scripted", "answers": [NAMED, "Yes."]},
        "agents": [{"name": NAMED, "persona": NAMED}, {"name": "bo"}],
        "network": {"kind": "ring"},
        "channels": {"hall": {"protocol": "simultaneous", "opening": {"text": "Begin."}}},
        "stop": {"turns": 4},
    }
    for seed in (1, 2):
        play(tmp_path, json.dumps({**study, "seed": seed}))
    with served(tmp_path) as site:
        page, run = tab.page, site.whole("/runs")["runs"]
        for path, where in (
            (f"runs/{run[0]['run']}/network", ".side table"),
            (f"runs/{run[0]['run']}?q=img", ".found li"),
            (f"compare?a={run[0]['run']}&b={run[1]['run']}", ".sides"),
        ):
            page.goto(f"{site.url}/{path}")
            expect(page.locator(where).filter(has_text=NAMED).first).to_be_visible()
            assert page.locator("main img").count() == 0
        page.goto(f"{site.url}/runs/{run[0]['run']}/network")
        page.get_by_role("button", name=NAMED).click()
        expect(page.locator(".agent blockquote")).to_have_text(NAMED)
        tab.clean(site)


def test_categories_differ_in_shape_and_lines_in_dash(site: Site, tab: Watched) -> None:
    tab.page.goto(site.url)
    shapes, dashes = tab.page.evaluate(
        """async () => {
          const { shapeOf } = await import("/static/graph.js");
          const { styleOf } = await import("/static/conditions.js");
          return [[0, 1, 2, 3].map(shapeOf), [0, 1, 2, 3].map((at) => JSON.stringify(styleOf(at).dash ?? null))];
        }"""
    )
    assert (len(set(shapes)), len(set(dashes))) == (4, 4)
    tab.clean(site)
