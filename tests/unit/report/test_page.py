"""The report as a page: it holds everything it needs, and nothing in it acts."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from statistics import mean
from typing import Final

import pytest

from genai_social_sim import Request, Run, Study, pictures, write_report
from genai_social_sim.errors import RecordError, RequestError

HOSTILE: Final = '<img src=x onerror="alert(1)"></li><script>alert(2)</script>\u202e\u001b[31m {{ 7*7 }}'
TALK: Final = """
name: talk
description: Who has the last word?
seed: 3
model: {backend: scripted, function: speak}
agents: [{name: ADA, persona: "A geologist."}, {name: BO, persona: "A miner."}]
channels: {general: {opening: {text: "Begin."}}}
stop: {turns: 6}
"""
DESIGN: Final = """
name: votes
seed: 5
model: {backend: scripted, function: vote}
agents: [{name: A}, {name: B}, {name: C}, {name: D}]
channels: {hall: {protocol: simultaneous, act: {kind: choose, options: [left, right]}}}
stop: {rounds: 4}
factors: {framing: {path: channels.hall.opening.text, values: {neutral: "Vote.", alarm: "Vote now!"}}}
replicates: 3
"""


class Elements(HTMLParser):
    """Every element with its attributes, and the text of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def speak(request: Request) -> str:
    return HOSTILE if request.turn == 0 else "Yes."


def talk(folder: Path) -> Run:
    (folder / "talk.yaml").write_text(TALK, encoding="utf-8")
    return Study.load(folder / "talk.yaml").run(runs=folder / "runs", functions={"speak": speak})


def vote(request: Request) -> str:
    return "right" if request.seed % 3 == 0 else "left"


def votes(folder: Path) -> list[Run]:
    (folder / "votes.yaml").write_text(DESIGN, encoding="utf-8")
    return Study.load(folder / "votes.yaml").run_all(runs=folder / "runs", functions={"vote": vote})


def page_of(folder: Path, runs: Sequence[Run], **options: int) -> str:
    write_report(runs, folder / "report.html", **options)  # type: ignore[arg-type]
    return (folder / "report.html").read_text(encoding="utf-8")


def test_it_needs_nothing_beside_it(tmp_path: Path) -> None:
    page = page_of(tmp_path, [talk(tmp_path)])
    elements = Elements(page).found
    assert not {tag for tag, _ in elements} & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    links = [attrs["href"] or "" for tag, attrs in elements if tag == "a"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not [name for _, attrs in elements for name in attrs if name.startswith("on") or name in ("src", "style")]


def test_its_policy_allows_its_own_style_and_nothing_else(tmp_path: Path) -> None:
    page = page_of(tmp_path, [talk(tmp_path)])
    (policy,) = [str(attrs["content"]) for tag, attrs in Elements(page).found if "http-equiv" in attrs]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{allowed}'"]


def test_what_a_model_said_is_there_to_the_letter_and_inert(tmp_path: Path) -> None:
    page = page_of(tmp_path, [talk(tmp_path)])
    shown = HOSTILE.replace("\u202e", "⟨U+202E⟩").replace("\u001b", "⟨U+001B⟩")
    assert shown in Elements(page).text
    assert "\u202e" not in page
    assert "\u001b" not in page


def test_it_says_what_the_study_is_about(tmp_path: Path) -> None:
    assert "Who has the last word?" in Elements(page_of(tmp_path, [talk(tmp_path)])).text


def test_utterances_that_are_left_out_are_counted_with_the_command_that_shows_them(tmp_path: Path) -> None:
    run = talk(tmp_path)
    said = Elements(page_of(tmp_path, [run], utterances=2)).text
    assert f"5 of 7 utterances are left out. All of them: gss observe {run.path.name}" in said


def test_a_fork_is_listed_with_its_parent_and_is_no_replicate(tmp_path: Path) -> None:
    run = talk(tmp_path)
    fork = run.fork(at_turn=2, say={"ADA": "Perhaps."}, functions={"speak": speak})
    text = Elements(page_of(tmp_path, [run, fork])).text
    assert "2 runs, 1 of them forks" in text
    assert "at turn 2: say ADA=Perhaps." in text
    assert "Perhaps." not in text.partition("What was said")[2].partition("Methods")[0]


def test_conditions_are_compared_by_the_mean_over_their_runs(tmp_path: Path) -> None:
    runs = votes(tmp_path)
    page = page_of(tmp_path, runs)
    table = page.partition("<h3>opinion_changes (hall)")[2].partition("</table>")[0]
    found = dict(re.findall(r"<tr><td>(neutral|alarm)</td><td>3</td><td>([^<]+)</td>", table))
    for level in ("neutral", "alarm"):
        values = [
            row["value"]
            for run in runs
            if run.levels["framing"] == level
            for row in run.measure("opinion_changes")
            if row["scope"] == "run"
        ]
        assert float(found[level]) == pytest.approx(mean(map(float, map(str, values))), rel=1e-3)


def test_methods_name_prompts_by_their_hashes(tmp_path: Path) -> None:
    (run, *_) = runs = votes(tmp_path)
    first = next(iter(run.calls))["prompt_hash"]
    assert f"{run.path.stem}: {first}" in page_of(tmp_path, runs)


def test_a_measure_without_a_value_of_the_run_is_compared_by_its_last_round(tmp_path: Path) -> None:
    runs = votes(tmp_path)
    table = page_of(tmp_path, runs).partition("<h3>agreement (hall), last round")[2].partition("</table>")[0]
    found = dict(re.findall(r"<tr><td>(neutral|alarm)</td><td>3</td><td>([^<]+)</td>", table))
    for level in ("neutral", "alarm"):
        those = [[*run.measure("agreement")] for run in runs if run.levels["framing"] == level]
        assert float(found[level]) == pytest.approx(mean([float(rows[-1]["value"]) for rows in those]), rel=1e-3)


def test_runs_without_what_was_planned_are_told_as_departures(tmp_path: Path) -> None:
    from genai_social_sim.api.freezing import freeze, write
    from genai_social_sim.engine.clock import SystemClock

    (tmp_path / "votes.yaml").write_text(DESIGN, encoding="utf-8")
    write(freeze(Study.load(tmp_path / "votes.yaml"), clock=SystemClock()), tmp_path / "votes.frozen.json")
    runs = votes(tmp_path)
    write_report(runs[1:], tmp_path / "report.html", frozen=tmp_path / "votes.frozen.json")
    text = Elements((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert f"there is no run of it: {runs[0].condition} replicate 0" in text
    write_report(runs[:1], tmp_path / "report.html", frozen=tmp_path / "votes.frozen.json")
    text = Elements((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert f"there is no run of it: {len(runs) - 1} runs, such as" in text
    write_report(runs, tmp_path / "report.html", frozen=tmp_path / "votes.frozen.json")
    assert "None: every planned run is there" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_same_runs_give_the_same_page(tmp_path: Path) -> None:
    runs = votes(tmp_path)
    assert page_of(tmp_path, runs) == page_of(tmp_path, runs)


def test_a_file_that_is_no_page_is_never_written_over(tmp_path: Path) -> None:
    run = talk(tmp_path)
    before = run.path.read_bytes()
    with pytest.raises(RequestError, match="a report is an HTML file"):
        write_report([run], run.path)
    assert run.path.read_bytes() == before


def test_an_older_report_stays_if_a_new_one_cannot_be_made(tmp_path: Path) -> None:
    page = page_of(tmp_path, [talk(tmp_path)])
    (tmp_path / "no.sqlite").write_bytes(b"nothing")
    with pytest.raises(RecordError):
        write_report([tmp_path / "no.sqlite"], tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page


def test_a_notebook_is_shown_the_figures_of_the_measures_that_it_names(tmp_path: Path) -> None:
    found = pictures(votes(tmp_path), "opinion_changes", "agreement")
    assert [each.name for each in found] == [
        "compared-opinion_changes-hall",
        "compared-agreement-hall",
        "rounds-agreement-hall",
    ]
    assert "<svg" in found[0]._repr_svg_()
    assert found[1].save(tmp_path / "agreement.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(RequestError, match="there is no measure 'agreemnet'"):
        pictures([], "agreemnet")


def test_a_figure_over_rounds_has_whole_rounds_on_its_axis(tmp_path: Path) -> None:
    (picture,) = [each for each in pictures(votes(tmp_path), "agreement") if each.name.startswith("rounds")]
    axis = picture._repr_svg_().partition('id="matplotlib.axis_1"')[2].partition('id="matplotlib.axis_2"')[0]
    *rounds, words = re.findall(r"<text[^>]*>([^<]*)</text>", axis)
    assert words == "round"
    assert rounds == [str(number) for number in range(len(rounds))]


def test_figures_are_the_same_files_each_time(tmp_path: Path) -> None:
    runs = votes(tmp_path)
    first = write_report(runs, tmp_path / "report.html", figures=tmp_path / "one").figures
    again = write_report(runs, tmp_path / "report.html", figures=tmp_path / "two").figures
    assert {path.suffix for path in first} == {".svg", ".png"}
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_a_model_that_goes_by_letters_is_told(tmp_path: Path) -> None:
    study = Study.parse("""\
name: letters
model: {backend: scripted, function: first}
agents: [{name: ada}, {name: bo}]
act: {kind: choose, options: [left, right], labels: true}
channels: {hall: {}}
stop: {rounds: 20}
""")
    run = study.run(runs=tmp_path, functions={"first": lambda request: min(request.choices)})
    assert "A is 100% of 40 answers" in page_of(tmp_path, [run])
