"""Answers that come late, from a question that somebody has gone on from meanwhile: they change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.support.pages import STUDY, Site, Watched, play, playing, served

OTHER = STUDY.replace("name: harbour\n", "name: elsewhere\n").replace("ada", "zoe").replace("bo,", "abe,")
OTHER = OTHER.replace("[bo, cy]", "[abe, cy]")
SWAYED = """
name: swayed
seed: 3
model: {backend: rule, rule: degroot}
population: {size: 6, attributes: {opinion: {uniform: [-1, 1]}}}
network: {kind: ring}
channels: {square: {protocol: simultaneous}}
stop: {rounds: 10}
"""
DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    play(folder)
    play(folder, OTHER)
    play(folder, SWAYED)
    with served(folder) as site:
        yield site


def address(site: Site, study: str = "harbour") -> str:
    (path,) = site.folder.glob(f"{study}*.sqlite")
    return f"{site.url}/runs/{path.stem}"


def late(page: Page, wanted: str, ask: Callable[[], object]) -> Callable[[], None]:
    """Holds back the first answer to what `ask` leads to, whose address ends with `wanted`; gives what lets it come."""
    held: list[Route] = []

    def routed(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(lambda url: url.endswith(wanted), routed)
    with page.expect_request(lambda request: request.url.endswith(wanted)):
        ask()
    page.evaluate(DRAWN)

    def come() -> None:
        with page.expect_event("requestfinished", lambda request: request == held[0].request):
            held[0].continue_()
        page.evaluate(DRAWN)

    return come


def scrub(page: Page, turn: int) -> None:
    page.get_by_label("Turn", exact=True).fill(str(turn))


def entered(field: Locator, text: str) -> None:
    field.fill(text)
    field.press("Enter")


def opened(page: Page, url: str, shown: str) -> None:
    page.goto(url)
    expect(page.locator(shown).first).to_be_visible()


def test_the_conversation_stays_at_the_turn_that_was_asked_for_last(site: Site, tab: Watched) -> None:
    page = tab.page
    opened(page, address(site), "article.said")
    come = late(page, "place?turn=10", lambda: scrub(page, 10))
    scrub(page, 40)
    expect(page.locator("article[data-turn='40']")).to_be_in_viewport()
    come()
    expect(page.locator("article[data-turn='40']")).to_be_in_viewport()
    expect(page.locator("footer output")).to_contain_text("turn 40 of")
    tab.clean(site)


def test_the_network_keeps_the_colours_of_the_turn_that_was_asked_for_last(site: Site, tab: Watched) -> None:
    page, first = tab.page, tab.page.locator(".side tbody tr").first
    opened(page, f"{address(site, 'swayed')}/network", ".side tbody tr")
    come = late(page, "states?of=said&turn=6&channel=square", lambda: scrub(page, 6))
    scrub(page, 18)
    run = page.url.split("/")[4].partition("?")[0]
    then, now = (site.api(f"/runs/{run}/states?of=said&turn={turn}")["values"][0] for turn in (6, 18))
    assert abs(then - now) > 0.01
    expect(first).to_contain_text(f"{now:.4g}")
    come()
    expect(first).to_contain_text(f"{now:.4g}")
    expect(page.locator("footer output")).to_contain_text("turn 18 of")
    tab.clean(site)


def test_a_view_that_was_left_does_not_move_the_scrubber(site: Site, tab: Watched) -> None:
    page = tab.page
    opened(page, address(site), "article.said")
    come = late(page, "place?turn=10", lambda: scrub(page, 10))
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.locator(".tile").first).to_be_visible()
    come()
    assert page.get_by_label("Turn", exact=True).input_value() == "60"
    tab.clean(site)


def test_the_panel_shows_the_turn_that_was_opened_last(site: Site, tab: Watched) -> None:
    page, panel = tab.page, tab.page.get_by_label("A turn", exact=True)
    opened(page, address(site), "article.said")
    go = page.locator("input[type=number]")
    come = late(page, "/turns/5", lambda: entered(go, "5"))
    entered(go, "41")
    expect(panel.get_by_role("heading", name="turn 41", exact=True)).to_be_visible()
    come()
    expect(panel.get_by_role("heading", name="turn 41", exact=True)).to_be_visible()
    expect(page.locator("article.open")).to_contain_text("turn 41")
    expect(page.locator("article.open")).to_be_in_viewport()
    tab.clean(site)


def test_a_panel_that_was_closed_stays_closed(site: Site, tab: Watched) -> None:
    page, panel = tab.page, tab.page.get_by_label("A turn", exact=True)
    opened(page, address(site), "article.said")
    go = page.locator("input[type=number]")
    come = late(page, "/turns/50", lambda: entered(go, "50"))
    page.keyboard.press("Escape")  # leaves the field
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    come()
    expect(panel).to_be_hidden()
    expect(page.locator("article.open")).to_have_count(0)
    tab.clean(site)


def test_what_is_found_is_what_was_looked_for_last(site: Site, tab: Watched) -> None:
    page, search = tab.page, tab.page.get_by_label("Search what was said")
    opened(page, address(site), "article.said")
    come = late(page, "q=zzz&after=-1&limit=200", lambda: entered(search, "zzz"))
    entered(search, "dredger")
    expect(page.locator(".found li")).to_have_count(1)
    come()
    expect(page.locator(".found li")).to_have_count(1)
    tab.clean(site)


def test_another_run_keeps_its_title_and_its_colours(site: Site, tab: Watched) -> None:
    page = tab.page
    opened(page, address(site, "elsewhere"), "article.said")
    hues = """() => Object.fromEntries([...document.querySelectorAll("article.said")].map(
      (row) => [row.querySelector(".who").textContent, row.style.getPropertyValue("--hue")]))"""
    before = page.evaluate(hues)
    page.get_by_role("link", name="Runs", exact=True).click()
    come = late(page, "/society", page.locator("td.study a").filter(has_text="harbour").click)
    page.go_back()
    page.locator("td.study a").filter(has_text="elsewhere").click()
    expect(page.locator("article.said").first).to_be_visible()
    come()
    page.get_by_text("Show", exact=True).click()
    page.get_by_label("probes").uncheck()  # rows are made anew
    expect(page.locator("article.probe")).to_have_count(0)
    assert page.evaluate(hues) == before
    assert page.title() == "elsewhere · genai-social-sim"
    tab.clean(site)


def test_a_view_whose_script_comes_late_does_not_come_over_another(site: Site, tab: Watched) -> None:
    page = tab.page
    opened(page, site.url, "td.study a")
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    come = late(page, "/static/compare.js", page.get_by_role("button", name="Compare two").click)
    page.go_back()
    expect(page.locator("table.runs")).to_be_visible()
    come()
    page.evaluate("() => import('/static/compare.js')")
    page.evaluate(DRAWN)
    expect(page.locator("table.runs")).to_be_visible()
    tab.clean(site)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Site]:
    """A run that is being played, four turns a second."""
    study = STUDY.replace("words: 14, faults: {error: 0.05, empty: 0.1}", "words: 8, latency: 0.25, slots: 1")
    with playing(tmp_path, study.replace("turns: 60", "turns: 100000")) as runs, served(runs) as site:
        yield site


def test_who_leaves_the_newest_turn_of_a_live_run_is_not_taken_back(live: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(live.url)
    page.locator("td.study a").click()
    page.get_by_role("link", name="Network", exact=True).click()
    expect(page.locator("footer output")).to_contain_text("live")
    page.wait_for_function("() => Number(document.querySelector('footer input').max) > 4")
    run = page.url.split("/")[4]
    come = late(page, f"/api/runs/{run}", lambda: None)  # it asks by itself how far the run is
    scrub(page, 2)
    expect(page.locator("footer output")).to_contain_text("turn 2 of")
    come()
    expect(page.locator("footer output")).to_contain_text("turn 2 of")
    assert "at=2" in page.url
    tab.clean(live)
