"""What is printed is light and whole, whatever colours the screen has; the scale of a chart is that of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.designs import played
from tests.support.pages import Site, Watched, play, served, watched

from genai_social_sim import write_report

OPINIONS: Final = """
name: opinions
seed: 3
model: {backend: rule, rule: degroot}
population: {size: 12, attributes: {opinion: {uniform: [-1, 1]}}}
network: {kind: watts_strogatz, k: 4, p: 0.1}
channels: {square: {protocol: simultaneous}}
stop: {rounds: 8}
"""
LIGHT, DARK = [10, 93, 120], [127, 196, 220]  # --accent of page.css
COUNT: Final = """([colour, canvas]) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] && colour.every((part, of) => data[at + of] === part)) found++;
  }
  return found;
}"""
# How much of a canvas's height is taken by what is about of a colour.
HIGH: Final = """(colour) => {
  const canvas = document.querySelector("figure.chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const rows = [];
  for (let at = 0; at < data.length; at += 4) {
    const near = data[at + 3] > 128 && colour.every((part, of) => Math.abs(data[at + of] - part) < 40);
    if (near) rows.push(Math.floor(at / 4 / canvas.width));
  }
  return (rows.at(-1) - rows[0]) / canvas.height;
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("runs")
    play(folder, OPINIONS)
    play(folder, OPINIONS.replace("seed: 3", "seed: 4"))
    played(folder)
    with served(folder) as site:
        yield site


@pytest.fixture
def dark(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, color_scheme="dark")
    yield watched(context).page
    context.close()


def first(site: Site) -> str:
    return sorted(path.stem for path in site.folder.glob("opinions*.sqlite"))[0]


def pixels(page: Page, colour: list[int], selector: str) -> int:
    return int(page.evaluate(f"(colour) => ({COUNT})([colour, document.querySelector('{selector}')])", colour))


def printed(page: Page, selector: str, colour: list[int]) -> Any:
    """While the page is printed: how many pixels of a canvas have a colour, and which colour is behind it."""
    page.evaluate(
        f"""([selector, colour]) => addEventListener("beforeprint", () => {{
          const canvas = document.querySelector(selector);
          globalThis.onPaper = [({COUNT})([colour, canvas]), getComputedStyle(document.body).backgroundColor];
        }})""",
        [selector, colour],
    )
    assert page.pdf().startswith(b"%PDF")
    return page.evaluate("() => globalThis.onPaper")


def test_charts_of_dark_colours_are_printed_light_and_are_dark_again(site: Site, dark: Page) -> None:
    canvas = "figure.chart canvas"
    dark.goto(f"{site.url}/runs/{first(site)}/measures")
    expect(dark.locator("td.about").first).to_be_visible()
    assert pixels(dark, DARK, canvas)
    count, behind = printed(dark, canvas, LIGHT)
    assert count
    assert behind == "rgb(251, 250, 247)"
    dark.wait_for_function(f"(colour) => ({COUNT})([colour, document.querySelector('{canvas}')]) > 0", arg=DARK)


def test_colours_that_are_chosen_are_those_of_charts_at_once(site: Site, dark: Page) -> None:
    canvas = "figure.chart canvas"
    dark.goto(f"{site.url}/runs/{first(site)}/measures")
    expect(dark.locator("td.about").first).to_be_visible()
    dark.get_by_role("button", name="Colours").click()  # light
    dark.wait_for_function(f"(colour) => ({COUNT})([colour, document.querySelector('{canvas}')]) > 0", arg=LIGHT)
    assert not pixels(dark, DARK, canvas)


def test_a_network_is_printed_as_it_was_drawn(site: Site, dark: Page) -> None:
    dark.goto(f"{site.url}/runs/{first(site)}/network?colour=community")
    expect(dark.get_by_label("Legend")).to_contain_text("community 1")
    blue = [0, 114, 178]
    dark.wait_for_function(f"(colour) => ({COUNT})([colour, document.querySelector('.graph canvas')]) > 0", arg=blue)
    count, _ = printed(dark, ".graph canvas", blue)
    assert count
    dark.emulate_media(media="print")
    expect(dark.locator(".graph canvas").nth(0)).to_be_visible()
    expect(dark.locator(".graph canvas").nth(1)).to_be_hidden()  # it would be white on paper


@pytest.mark.parametrize("path", ["measures", "network", "turns/5", "conditions"])
def test_what_is_printed_is_no_wider_than_the_sheet(site: Site, dark: Page, path: str) -> None:
    run = f"{site.url}/runs/{first(site)}"
    dark.goto(f"{site.url}/conditions?study=votes" if path == "conditions" else f"{run}/{path}")
    shown = {"measures": "td.about", "network": ".side tbody tr", "turns/5": ".turn-panel h3", "conditions": "tr.apart"}
    expect(dark.locator(shown[path]).first).to_be_visible()
    dark.emulate_media(media="print")
    dark.set_viewport_size({"width": 718, "height": 1000})  # A4 less margins
    dark.wait_for_function("() => document.documentElement.scrollWidth <= 718")


def test_a_report_of_dark_colours_is_printed_light_and_whole(site: Site, dark: Page, tmp_path: Path) -> None:
    report = write_report(sorted(site.folder.glob("votes*.sqlite")), tmp_path / "report.html").path
    dark.goto(report.as_uri())
    dark.emulate_media(media="print", color_scheme="dark")
    dark.set_viewport_size({"width": 718, "height": 1000})
    assert dark.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert dark.evaluate("() => document.documentElement.scrollWidth") <= 718
    for hidden in ("All runs", "numbers", "lattice, run"):  # what is folded in on a screen
        folded = dark.locator("details", has=dark.locator("summary", has_text=hidden)).first
        assert folded.evaluate("each => each.getBoundingClientRect().height > 3 * each.firstElementChild.offsetHeight")


def test_the_interval_of_two_runs_does_not_flatten_their_lines(site: Site, tab: Watched) -> None:
    page = tab.page
    page.goto(f"{site.url}/runs/{first(site)}/measures")
    figure = page.locator("figure.chart").first
    expect(figure).to_contain_text("n = 2 runs")
    high = page.evaluate(HIGH, LIGHT)
    assert high > 0.25  # an interval by t with one degree of freedom is about thirteen times as wide
    figure.get_by_text("As a table").click()
    expect(figure.get_by_role("columnheader", name="95 % from")).to_be_visible()
    tab.clean(site)
