"""The page in a real browser, over real runs: finished, live, very long, hostile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect
from tests.support.pages import STUDY, Site, Watched, lengthened, number_in, number_of, play, playing, served, watched

from genai_social_sim import Run

LONG: Final = """
name: long
seed: 1
model: {backend: scripted, words: 12}
agents: [{name: ada}, {name: bo}, {name: cy}, {name: di}]
memory: none
channels: {hall: {opening: {text: "Begin."}}}
stop: {turns: 500}
"""
PLAIN: Final = "<img src=x onerror=\"document.title='taken'\"></p><script>document.title='taken'</script>\u202e"
HOSTILE: Final = PLAIN + "\x1b[31m"  # a study file refuses this one


SCRUBBED: Final = number_of("footer output")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    play(folder)
    play(folder, STUDY.replace("seed: 7", "seed: 8"))
    lengthened(play(folder, LONG), 200)
    (folder / "foreign.sqlite").write_text("nothing of ours")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    with served(folder) as site:
        yield site


@pytest.fixture
def run(folder: Path) -> Iterator[Run]:
    (path,) = folder.glob("harbour*seed7.sqlite")
    with Run(path) as run:
        yield run


def first_content_s(page: Page) -> float:
    """Seconds from the click on a link to the first paint of content, by the browser's own clock."""
    painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    page.wait_for_function(f"() => ({painted}) !== null")
    return float(page.evaluate(painted)) / 1000


def test_a_click_on_an_utterance_shows_exactly_what_was_sent(site: Site, tab: Watched, run: Run) -> None:
    tab.page.goto(f"{site.url}/runs/{run.path.stem}")
    tab.page.locator("article.said", has_text="turn 2 ").first.click()
    panel = tab.page.get_by_label("A turn", exact=True)
    expect(panel.get_by_role("heading", name="turn 2", exact=True)).to_be_visible()
    prompt = run.prompt(2)
    assert prompt is not None
    assert panel.locator(".message pre").all_text_contents()[: len(prompt.chat())] == [
        text for _, text in prompt.chat()
    ]
    assert tab.page.url.endswith(f"/runs/{run.path.stem}/turns/2")
    expect(panel).to_contain_text(prompt.digest.hex())
    expect(panel).to_contain_text(f"gss fork {run.path} --at 2 --say")
    tab.clean(site)


def test_an_address_leads_back_to_a_turn(site: Site, tab: Watched, run: Run) -> None:
    tab.page.goto(f"{site.url}/runs/{run.path.stem}/turns/40")
    expect(tab.page.locator("article.open")).to_contain_text("turn 40")
    expect(tab.page.get_by_label("A turn", exact=True)).to_contain_text("turn 40")
    tab.page.get_by_label("Close the turn").click()
    expect(tab.page.get_by_label("A turn", exact=True)).to_be_hidden()
    assert "/turns/" not in tab.page.url


def test_what_happened_between_stands_where_it_happened(site: Site, tab: Watched, run: Run) -> None:
    tab.page.set_viewport_size({"width": 1200, "height": 9000})
    tab.page.goto(f"{site.url}/runs/{run.path.stem}")
    expect(tab.page.locator("article")).not_to_have_count(0)
    rows = tab.page.locator("article")
    expect(rows.filter(has_text="the end after 60 turns")).to_have_count(1)
    turns = run.table("turns").rows()
    assert tab.page.locator("article.silence").count() == sum(row["outcome"] == "silent" for row in turns)
    expect(tab.page.locator("article.probe")).to_have_count(len(run.probes))
    expect(tab.page.locator("article.intervened")).to_contain_text("The dredger arrives")
    failed = [row for row in run.calls if row["outcome"] == "failed"]
    expect(tab.page.locator("article.retry")).to_have_count(len(failed))
    texts = tab.page.locator("article.said .text").all_text_contents()
    assert texts == [row["text"] for row in run.utterances]


def test_first_content_comes_within_a_second_and_the_longest_run_stays_small(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(site.url)  # the server and the browser have been used once
    page.goto(f"{site.url}/runs/{_long(site)}")
    expect(page.locator("article.said").first).to_be_visible()
    assert first_content_s(page) < 1.0
    expect(page.get_by_text("100,000 turns")).to_be_visible()
    scroll = "(share) => { const s = document.querySelector('.scroller'); s.scrollTop = share * s.scrollHeight; }"
    for share in (0.5, 0.9, 0.1, 1, 0.3):
        page.evaluate(scroll, share)
        near = int(share * 100_000)
        page.wait_for_function(f"(near) => Math.abs({SCRUBBED} - near) < 2000", arg=near)
    assert page.locator("article").count() < 80
    page.evaluate("gc()")
    assert page.evaluate("performance.memory.usedJSHeapSize") < 30e6
    tab.clean(site)


def test_who_scrolls_before_the_first_answers_are_all_there_stays_where_they_are(site: Site, tab: Watched) -> None:
    page, asked, late = tab.page, list[str](), list[Route]()
    page.goto(site.url)

    def hold_back(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 2:  # the first answer tells how long the run is, and so which block is the last
            late.append(route)
        else:
            route.continue_()

    page.route("**/history?*", hold_back)
    page.goto(f"{site.url}/runs/{_long(site)}")
    expect(page.locator("article.said").first).to_be_visible()
    page.evaluate("() => { const s = document.querySelector('.scroller'); s.scrollTop = 0.5 * s.scrollHeight; }")
    near = f"() => Math.abs({SCRUBBED} - 50000) < 2000"
    page.wait_for_function(near)
    with page.expect_response(asked[1]):
        late[0].continue_()
    page.evaluate("() => fetch('/api/runs').then(() => new Promise(requestAnimationFrame))")  # and it is drawn
    assert page.evaluate(near)
    assert sum("after=-1&" in url for url in asked) == 1


def test_rows_that_come_in_do_not_undo_a_scroll_of_the_same_instant(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(site.url)
    page.goto(f"{site.url}/runs/{_long(site)}")
    expect(page.locator("article.said").first).to_be_visible()
    page.evaluate(
        """() => {
          const scroller = document.querySelector(".scroller");
          const read = Response.prototype.json;
          Response.prototype.json = async function () {
            const found = await read.call(this);
            if (this.url.includes("/history?")) {
              scroller.scrollTop = 0.3 * scroller.scrollHeight; // the browser tells of it later than the rows are drawn
              Response.prototype.json = read;
            }
            return found;
          };
          scroller.scrollTop = 0.5 * scroller.scrollHeight;
        }"""
    )
    page.wait_for_function(f"() => Math.abs({SCRUBBED} - 30000) < 2000")


def _long(site: Site) -> str:
    return str(next(row["run"] for row in site.api("/runs")["runs"] if row["study"] == "long"))


@pytest.mark.slow
def test_a_million_turns_open_as_quickly(tmp_path: Path, tab: Watched) -> None:
    lengthened(play(tmp_path, LONG), 2000)
    with served(tmp_path) as site:
        page = tab.page
        page.goto(site.url)
        page.goto(f"{site.url}/runs/{_long(site)}/turns/777777")
        expect(page.locator("article.open")).to_contain_text("turn 777777")
        page.get_by_label("Turn", exact=True).fill("123456")
        expect(page.locator("article[data-turn='123456']")).to_be_visible()
        page.evaluate("gc()")
        assert page.evaluate("performance.memory.usedJSHeapSize") < 30e6
        tab.clean(site)


def test_a_long_run_is_scrolled_without_a_gap(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(f"{site.url}/runs/{_long(site)}/turns/50000")
    expect(page.locator("article.open")).to_contain_text("turn 50000")
    seen = page.evaluate(
        """async () => {
          const scroller = document.querySelector(".scroller");
          const turns = new Set();
          for (let frame = 0; frame < 60; frame++) {
            scroller.scrollTop += 250;
            await new Promise(requestAnimationFrame);
            await new Promise(requestAnimationFrame);
            const { top, bottom } = scroller.getBoundingClientRect();
            for (const row of document.querySelectorAll("article[data-turn]")) {
              const place = row.getBoundingClientRect();
              if (place.bottom > top && place.top < bottom) turns.add(Number(row.dataset.turn));
            }
          }
          return [...turns];
        }"""
    )
    assert sorted(seen) == list(range(min(seen), max(seen) + 1))
    assert len(seen) > 100


def test_the_scrubber_and_the_search_lead_into_a_long_run(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(f"{site.url}/runs/{_long(site)}")
    page.get_by_label("Turn", exact=True).fill("70000")
    page.wait_for_function(
        "() => [...document.querySelectorAll('article')].some((row) => row.dataset.turn === '70000')"
    )
    assert "at=70000" in page.url
    word = page.locator("article.said .text").first.inner_text().split()[0]
    page.get_by_label("Search what was said").fill(word)
    page.keyboard.press("Enter")
    expect(page.locator(".found li").first).to_be_visible()
    page.locator(".found li button").first.click()
    expect(page.locator("article.flash")).to_contain_text(word, ignore_case=True)


@pytest.mark.parametrize(
    ("view", "shown"),
    [("conversation", "article[data-turn='40']"), ("network", "footer output:has-text('turn 40 of')")],
)
def test_who_moves_the_scrubber_before_a_view_is_there_gets_what_it_was_moved_to(
    site: Site, tab: Watched, run: Run, view: str, shown: str
) -> None:
    page = tab.page
    held: list[Route] = []
    page.route(f"**/static/{view}.js", lambda route: held.append(route))  # noqa: PLW0108 -- playwright marks what it is given
    page.goto(f"{site.url}/runs/{run.path.stem}/{view if view == 'network' else ''}")
    scrubber = page.get_by_label("Turn", exact=True)
    expect(scrubber).to_be_enabled()
    scrubber.fill("40")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    (route,) = held
    route.continue_()
    expect(page.locator(shown)).to_be_in_viewport()
    assert "at=40" in page.url
    tab.clean(site)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Path]:
    """A folder in which a run with a hundred messages a second is being played by another process."""
    study = STUDY.replace("words: 14, faults: {error: 0.05, empty: 0.1}", "words: 8, latency: 0.01, slots: 1")
    with playing(tmp_path, study.replace("turns: 60", "turns: 100000")) as runs:
        yield runs


def _turns(page: Page) -> int:
    return number_in(page.locator(".live-state .turns").inner_text())


def test_a_run_that_is_played_elsewhere_is_followed_and_waits_for_readers(live: Path, tab: Watched) -> None:
    with served(live) as site:
        page = tab.page
        page.goto(site.url)
        page.locator("td.study a").click()
        newest = "() => Number([...document.querySelectorAll('article[data-turn]')].at(-1)?.dataset.turn ?? -1)"
        page.mouse.move(600, 10)
        page.wait_for_function(f"() => ({newest})() > 100")
        behind = page.evaluate(
            f"async (run) => (await (await fetch(`/api/runs/${{run}}`)).json()).turns - ({newest})()",
            site.api("/runs")["runs"][0]["run"],
        )
        assert behind < 300
        page.mouse.move(600, 400)  # to read
        expect(page.get_by_role("button", name="paused while you read")).to_be_visible()
        row = "document.elementFromPoint(600, 400).closest('article')"
        under = f"() => [{row}.dataset.seq, Math.round({row}.getBoundingClientRect().top / 4)]"
        still = page.evaluate(under)
        before = _turns(page)
        page.wait_for_function(f"(before) => {number_of('.live-state .turns')} > before + 30", arg=before)
        assert page.evaluate(under) == still
        expect(page.get_by_role("button", name="new, paused while you read")).to_be_visible()
        page.get_by_role("button", name="new, paused while you read").click()
        page.mouse.move(600, 10)
        page.wait_for_function(f"(before) => ({newest})() > before", arg=before)
        assert page.locator("article").count() < 80
        page.evaluate("gc()")
        assert page.evaluate("performance.memory.usedJSHeapSize") < 30e6
        tab.clean(site)


def test_hostile_text_is_inert_wherever_it_comes_from(tmp_path: Path, tab: Watched) -> None:
    study = {
        "name": "hostile",
        "model": {"backend": "scripted", "function": "speak"},
        "agents": [{"name": "<b>bo</b>", "persona": PLAIN}, {"name": "ada"}],
        "channels": {"<i>c</i>": {"opening": {"from": "<u>me</u>", "text": PLAIN}}},
        "stop": {"turns": 4},
    }
    record = play(tmp_path, json.dumps(study), functions={"speak": lambda request: HOSTILE})
    record.rename(tmp_path / "<img src=x onerror=document.title='taken'>.sqlite")
    with served(tmp_path) as site:
        page = tab.page
        page.goto(site.url)
        page.locator("td.study a").click()
        page.locator("article.spoke").first.click()
        panel = page.get_by_label("A turn", exact=True)
        expect(panel.locator("blockquote")).to_contain_text("⟨U+202E⟩⟨U+001B⟩")
        expect(panel.locator("blockquote")).to_contain_text("<script>")
        assert page.locator("main img, main script, main b:has-text('bo') b").count() == 0
        assert page.title() == "hostile · genai-social-sim"
        with pytest.raises(Exception, match="TrustedHTML"):
            page.evaluate("() => { document.body.innerHTML = '<p>' }")
        tab.complaints.clear()  # the last line's own
        page.reload()
        expect(panel).to_be_visible()
        tab.clean(site)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("view", ["", "RUN", "RUN/turns/20", "RUN/health"])
def test_axe_finds_nothing(site: Site, chromium: Browser, run: Run, view: str, width: int, scheme: Any) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    try:
        page = watched(context).page
        page.goto(f"{site.url}/{view.replace('RUN', f'runs/{run.path.stem}')}")
        expect(page.locator(WHAT[view]).first).to_be_visible()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


WHAT: Final = {"": "td.study a", "RUN": "article.said", "RUN/turns/20": ".turn-panel h3", "RUN/health": ".tile"}


def test_everything_is_reached_by_the_keyboard(site: Site, tab: Watched, run: Run) -> None:
    page, press = tab.page, tab.page.keyboard.press
    page.goto(site.url)
    expect(page.locator("td.study a").first).to_be_visible()
    press("/")
    page.keyboard.type("seed7")
    press("Escape")
    expect(page.locator("table.runs tbody tr")).to_have_count(1)
    press("j")
    press("Enter")
    expect(page.locator("article.said").first).to_be_visible()
    press("j")
    press("j")
    expect(page.locator("article:focus")).to_have_count(1)
    press("g")
    page.keyboard.type("5")
    press("Enter")
    panel = page.get_by_label("A turn", exact=True)
    expect(panel).to_contain_text("turn 5")
    press("Escape")
    press("ArrowRight")
    expect(panel.get_by_role("heading", name="turn 6", exact=True)).to_be_visible()
    press("k")
    press("k")
    press("Enter")
    expect(panel.get_by_role("heading", name="turn 6", exact=True)).to_be_hidden()
    press("Escape")
    expect(panel).to_be_hidden()
    press("4")
    expect(page.locator(".tile").first).to_be_visible()
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("Escape")
    press("l")
    expect(page.locator("table.runs")).to_be_visible()
    tab.clean(site)


def test_the_views_of_a_run_and_its_rounds_are_reached_by_the_keyboard(site: Site, tab: Watched, run: Run) -> None:
    page, press = tab.page, tab.page.keyboard.press
    page.goto(f"{site.url}/runs/{run.path.stem}")
    expect(page.locator("article.said").first).to_be_visible()
    press("2")
    expect(page.locator(".side tbody tr").first).to_be_visible()
    page.get_by_label("Turn", exact=True).focus()
    press("PageDown")
    expect(page.locator("footer output")).to_contain_text("turn 55 of 60 · round 11")
    press("PageUp")
    expect(page.locator("footer output")).to_contain_text("turn 60 of 60")
    press("3")
    expect(page.locator("figure.chart").first).to_be_visible()
    tab.clean(site)
