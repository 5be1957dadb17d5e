"""The network, the measures and two runs beside each other, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from tests.support.designs import REWIRED, played
from tests.support.pages import Site, Watched, play, served, watched

from genai_social_sim import Run

OPINIONS: Final = """
name: opinions
seed: 3
model: {backend: rule, rule: degroot}
population:
  size: 40
  attributes:
    opinion: {uniform: [-1, 1]}
    party: {choice: {left: 0.5, right: 0.5}}
network: {kind: watts_strogatz, k: 4, p: 0.1}
channels: {square: {protocol: simultaneous}}
stop: {rounds: 12}
"""

FORUM: Final = """
name: mine
seed: 9
model: {backend: scripted, choose: true, words: 5}
agents: [{name: ADA}, {name: BO}, {name: CY}]
channels: {board: {protocol: {kind: forum, feed: 3, replies: 2}, opening: {from: chair, text: "Open the old mine?"}}}
stop: {rounds: 14}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    play(folder, OPINIONS)
    play(folder, OPINIONS.replace("seed: 3", "seed: 4"))
    played(folder)
    play(folder, REWIRED)
    play(folder, FORUM)
    parent = play(folder)
    with Run(parent) as run:
        run.fork(at_turn=30, say={run.turn(30)[-1].event.agent: "I have changed my mind."})  # type: ignore[union-attr]
    with served(folder) as site:
        yield site


def runs(site: Site, study: str) -> list[Any]:
    return [row for row in site.whole("/runs")["runs"] if row["study"] == study]


def test_the_network_shows_what_each_stated_at_any_turn(site: Site, tab: Watched) -> None:
    page, (row, _) = tab.page, runs(site, "opinions")
    page.goto(f"{site.url}/runs/{row['run']}/network")
    expect(page.locator(".graph canvas").first).to_be_visible()
    rows = page.locator(".side tbody tr")
    expect(rows).to_have_count(40)
    with Run(site.folder / row["file"]) as run:
        said = [each for each in run.utterances if each["speaker"] == "agent0001"]
    expect(rows.first).to_contain_text(f"{float(str(said[-1]['text'])):.4g}")
    page.get_by_label("Turn", exact=True).fill("40")
    expect(rows.first).to_contain_text(f"{float(str(said[0]['text'])):.4g}")
    assert "at=40" in page.url
    page.get_by_label("Colour by").select_option("attribute:party")
    expect(page.get_by_label("Legend")).to_contain_text("left")
    assert "colour=attribute%3Aparty" in page.url
    page.get_by_role("button", name="agent0007").click()
    expect(page.locator(".agent")).to_contain_text("opinion")
    tab.clean(site)


def test_edges_that_change_are_those_of_the_turn_and_sizes_those_of_influence(site: Site, tab: Watched) -> None:
    page, (row,) = tab.page, runs(site, "rewired")
    page.goto(f"{site.url}/runs/{row['run']}/network?at=0&size=influence")
    summary = page.locator(".drawing .summary")
    expect(summary).to_contain_text("12 edges")
    influence = site.api(f"/runs/{row['run']}/influence")["values"]
    first = page.locator(".side tbody tr").first
    expect(first).to_contain_text(f"{influence[first.locator('button').inner_text()]:.4g}")
    page.get_by_label("Turn", exact=True).fill("72")
    expect(summary).to_contain_text("24 edges")
    expect(summary).to_contain_text("as from turn 48, edges change at 24, 48")
    tab.clean(site)


def test_something_is_drawn_in_the_colours_of_the_legend(site: Site, tab: Watched) -> None:
    page, (row, _) = tab.page, runs(site, "opinions")
    page.goto(f"{site.url}/runs/{row['run']}/network?colour=attribute:party")
    expect(page.get_by_label("Legend")).to_contain_text("left")
    colours = """() => {
      const canvas = document.querySelector(".graph canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const found = new Set();
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) found.add([data[at], data[at + 1], data[at + 2]].join());
      }
      return [...found];
    }"""
    both = "seen.includes('0,114,178') && seen.includes('230,159,0')"
    page.wait_for_function(f"() => {{ const seen = ({colours})(); return {both}; }}")


def test_measures_are_drawn_with_the_other_replicates_behind(site: Site, tab: Watched) -> None:
    page, (row, _) = tab.page, runs(site, "opinions")
    page.goto(f"{site.url}/runs/{row['run']}/measures")
    first = page.locator("figure.chart").first
    expect(first.locator("canvas").first).to_be_visible()
    expect(first).to_contain_text("n = 2 runs")
    first.get_by_text("As a table").click()
    course = site.api(f"/runs/{row['run']}/course")
    expect(first.locator("tbody tr").last).to_contain_text(f"{course['mean'][-1]:.4g}")
    known = page.get_by_role("region", name="Measures of the run")
    expect(known).to_contain_text("consensus_reached")
    tab.clean(site)


def test_a_fork_and_its_parent_are_aligned_where_they_part(site: Site, tab: Watched) -> None:
    page = tab.page
    fork, parent = sorted(runs(site, "harbour"), key=lambda row: row["parent"] is None)
    page.goto(site.url)
    expect(page.locator("td.study a.sign").filter(has_text="fork of")).to_have_count(1)
    page.get_by_label(f"compare {parent['file']}").check()
    page.get_by_label(f"compare {fork['file']}").check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator(".verdict")).to_contain_text("they part at turn 30")
    expect(page.locator(".parting")).to_have_count(2)
    after = page.locator(".parting + article")
    assert [text.split("\n")[-1] for text in after.all_inner_texts()].count("I have changed my mind.") == 1
    tab.clean(site)


def test_a_fork_names_its_parent_and_a_parent_its_forks(site: Site, tab: Watched) -> None:
    fork, parent = sorted(runs(site, "harbour"), key=lambda row: row["parent"] is None)
    tab.page.goto(f"{site.url}/runs/{fork['run']}")
    expect(tab.page.locator(".kin")).to_contain_text(f"fork of {parent['run']} at turn 30")
    tab.page.goto(f"{site.url}/runs/{parent['run']}")
    tab.page.locator(".kin").get_by_text("at turn 30").click()
    expect(tab.page.locator(".verdict")).to_contain_text("they part at turn 30")
    tab.clean(site)


def test_what_is_new_in_a_prompt_is_marked(site: Site, tab: Watched) -> None:
    (run, *_) = [row for row in runs(site, "harbour") if row["parent"] is None]
    tab.page.goto(f"{site.url}/runs/{run['run']}/turns/20")
    tab.page.get_by_text("What is new since its turn").click()
    now, before = (site.api(f"/runs/{run['run']}/turns/{turn}")["sent"] for turn in (20, 15))
    lines = [[line for message in each for line in message["content"].split("\n")] for each in (now, before)]
    new = [line for line in lines[0] if line not in lines[1]]
    assert new
    expect(tab.page.locator("ins")).to_have_count(len(new))
    tab.clean(site)


def test_forks_are_a_tree_that_the_keyboard_walks(site: Site, tab: Watched) -> None:
    page, (fork, parent) = tab.page, sorted(runs(site, "harbour"), key=lambda row: row["parent"] is None)
    page.goto(f"{site.url}/runs/{parent['run']}")
    page.get_by_role("link", name="Forks", exact=True).click()
    rows = page.get_by_role("list", name="Runs of this family").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_have_attribute("aria-current", "true")
    expect(rows.nth(1)).to_contain_text("at turn 30: say ")
    assert page.locator("svg .stem").count() == 1
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_contain_text("they part at turn 30")
    page.go_back()
    rows.nth(1).get_by_role("link", name=fork["run"], exact=True).click()
    expect(page.locator("article.said").first).to_be_visible()
    tab.clean(site)


def test_conditions_stand_side_by_side_with_their_numbers(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(site.url)
    page.get_by_label("Study", exact=True).select_option("votes")
    expect(page.locator("table.runs tbody tr")).to_have_count(6)
    page.get_by_role("link", name="Conditions side by side").click()
    expect(page.get_by_role("status").first).to_contain_text("n = 6 runs")
    numbers = page.get_by_role("region", name="Numbers by condition").get_by_role("row")
    expect(numbers).to_have_count(3)
    page.get_by_label("Stated").select_option("for")
    expect(page.locator("figure.chart figcaption")).to_contain_text("for")
    last = site.api("/conditions?study=votes&category=for")["conditions"][0]
    expect(numbers.nth(1)).to_contain_text(f"{last['mean'][-1]:.4g}")
    assert "category=for" in page.url
    expect(page.get_by_role("region", name="Measures by condition")).to_contain_text("consensus_reached")
    page.get_by_role("link", name="Two transcripts beside each other").click()
    expect(page.locator(".settings")).to_contain_text("network.p")
    tab.clean(site)


def test_a_forum_is_threads_and_a_turn_links_to_what_was_read(site: Site, tab: Watched) -> None:
    page, (row,) = tab.page, runs(site, "mine")
    page.goto(f"{site.url}/runs/{row['run']}")
    page.get_by_role("link", name="Forum", exact=True).click()
    with Run(site.folder / row["file"]) as run:
        posts = run.posts.rows()
        act = run.acts.rows()[-1]
    expect(page.locator("article.post")).to_have_count(len(posts))
    expect(page.locator(".threads > li")).to_have_count(sum(each["parent"] is None for each in posts))
    replies = [each for each in posts if each["parent"] is not None]
    assert replies
    expect(page.locator(".replies article")).to_have_count(len(replies))
    page.keyboard.press("j")
    expect(page.locator("article.post:focus")).to_have_count(1)
    page.get_by_label("Turn", exact=True).fill("0")
    expect(page.locator("article.post")).to_have_count(1)
    page.goto(f"{site.url}/runs/{row['run']}/turns/{act['turn']}")
    panel = page.get_by_label("A turn", exact=True)
    read = site.api(f"/runs/{row['run']}/turns/{act['turn']}")["read"]
    expect(panel.locator("ol.read li")).to_have_count(len(read))
    written = next(each for each in read if each["turn"] is not None)
    panel.locator("ol.read a").first.click()
    expect(panel.get_by_role("heading", name=f"turn {written['turn']}", exact=True)).to_be_visible()
    tab.clean(site)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["conditions", "forum", "forks", "network", "measures", "compare"])
def test_axe_finds_nothing(site: Site, chromium: Browser, view: str, scheme: Any) -> None:
    (a, b), width = runs(site, "opinions"), 390 if scheme == "dark" else 1200
    run = runs(site, "harbour")[0]["run"] if view == "forks" else a["run"]
    run = runs(site, "mine")[0]["run"] if view == "forum" else run
    paths = {"compare": f"compare?a={a['run']}&b={b['run']}", "conditions": "conditions?study=votes"}
    path = paths.get(view, f"runs/{run}/{view}")
    shown = {
        "conditions": "tr.apart",
        "forum": "article.post",
        "forks": ".kinships li",
        "network": ".side tbody tr",
        "measures": "td.about",
        "compare": ".parting",
    }[view]
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    try:
        page = watched(context).page
        page.goto(f"{site.url}/{path}")
        expect(page.locator(shown).first).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


@pytest.mark.slow
def test_ten_thousand_nodes_can_be_moved(tmp_path: Path, tab: Watched) -> None:
    play(tmp_path, OPINIONS.replace("size: 40", "size: 10000").replace("rounds: 12", "rounds: 1"))
    with served(tmp_path) as site:
        page, (row,) = tab.page, site.api("/runs")["runs"]
        page.goto(f"{site.url}/runs/{row['run']}/network")
        expect(page.locator(".side tbody tr").first).to_be_visible(timeout=60_000)
        frames = page.evaluate(
            """async () => {
              const over = document.querySelectorAll(".graph canvas")[1];
              over.setPointerCapture = () => {};
              const at = (type, clientX) =>
                over.dispatchEvent(new PointerEvent(type, { clientX, clientY: 400, pointerId: 1, bubbles: true }));
              at("pointerdown", 300);
              const began = performance.now();
              let frames = 0;
              while (performance.now() - began < 1500) {
                at("pointermove", 300 + (frames++ % 200));
                await new Promise(requestAnimationFrame);
              }
              at("pointerup", 400);
              return frames / 1.5;
            }"""
        )
        assert frames > 10  # without a graphics card, beside other tests
        tab.clean(site)
