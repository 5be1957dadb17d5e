"""The list of runs and the families in it, as the API tells them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from tests.support.pages import Site, copied, play, served
from tests.support.records import spoiled

from genai_social_sim import Run
from genai_social_sim.api.page import sources
from genai_social_sim.web.folder import Folder
from genai_social_sim.web.summary import Summaries

SMALL: Final = """
name: small
seed: 1
model: {backend: scripted, words: 5}
agents: [{name: ada}, {name: bo}]
channels: {hall: {opening: {text: "Begin."}}}
probes: [{name: mood, every: 1 round, choose: [calm, angry], text: "How are you?"}]
stop: {turns: 6}
"""
FILES: Final = 1_000


def rows_of(site: Site) -> list[dict[str, Any]]:
    """All rows, once every file has been looked at."""
    return list(site.whole("/runs")["runs"])


def test_tokens_are_those_of_the_tables(tmp_path: Path) -> None:
    with Run(play(tmp_path, SMALL)) as run, served(tmp_path) as site:
        (row,) = rows_of(site)
        told = [*run.table("turns"), *run.probes]
        assert row["tokens"] == sum(int(str(each["tokens"])) for each in told) > 0
        assert row["cost"] is None


def test_what_agents_with_powers_were_asked_counts_among_the_tokens(tmp_path: Path) -> None:
    chaired = SMALL.replace("words: 5", "choose: true").replace("{name: ada}", "{name: ada, role: chair}")
    chaired += "roles: {chair: {powers: [mute]}}\n"
    with Run(play(tmp_path, chaired)) as run, served(tmp_path) as site:
        (row,) = rows_of(site)
        told = [*run.table("turns"), *run.probes, *run.table("powers")]
        assert row["tokens"] == sum(int(str(each["tokens"])) for each in told)
        assert any(each["tokens"] for each in run.table("powers"))


def test_what_is_paid_for_has_its_cost_in_the_list(tmp_path: Path) -> None:
    priced = SMALL.replace("words: 5}", "words: 5, price: {prompt: 1.0, answer: 2.0, currency: EUR}}")
    with Run(play(tmp_path, priced)) as run, served(tmp_path) as site:
        assert run.cost is not None
        (row,) = rows_of(site)
        assert (row["cost"], row["currency"]) == (pytest.approx(run.cost.sum), run.cost.currency)


def test_asked_after_a_revision_only_what_changed_comes(tmp_path: Path) -> None:
    play(tmp_path, SMALL)
    with served(tmp_path) as site:
        rows_of(site)
        revision = site.api("/runs")["revision"]
        assert site.api(f"/runs?after={revision}")["runs"] == []
        path = play(tmp_path, SMALL.replace("seed: 1", "seed: 2"))
        page = _changed(site, revision)
        assert ([row["seed"] for row in page["runs"]], page["whole"]) == ([2], False)
        path.unlink()
        page = _changed(site, page["revision"])
        assert ([row["seed"] for row in page["runs"]], page["whole"]) == ([1], True)


def _changed(site: Site, revision: int) -> dict[str, Any]:
    """The next answer in which something changed and nothing is left to be read."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        page: dict[str, Any] = site.api(f"/runs?after={revision}")
        if page["revision"] != revision and not page["unread"]:
            return page
    raise TimeoutError("the list does not change")


def test_a_revision_of_another_server_gets_the_whole_list(tmp_path: Path) -> None:
    play(tmp_path, SMALL)
    with served(tmp_path) as site:
        now = site.api("/runs")["revision"]
        for revision in (0, now + 1000):
            page = site.api(f"/runs?after={revision}")
            assert (page["whole"], len(page["runs"])) == (True, 1)


def test_thousands_of_files_are_listed_while_they_are_read(tmp_path: Path) -> None:
    copied(play(tmp_path, SMALL), FILES)
    with served(tmp_path) as site:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        page = site.api("/runs")
        read = len(page["runs"])
        assert 0 < read < FILES
        assert page["unread"] == FILES - read
        assert {row["status"] for row in page["runs"]} == {"finished"}
        assert len(rows_of(site)) == FILES
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 60_000  # KB


def test_each_answer_brings_a_file_more_however_slow_they_are_read(tmp_path: Path) -> None:
    copied(play(tmp_path, SMALL), 3)
    made = sources()
    ticks = count(0, 100)  # each look at the clock is a hundred seconds later
    slow = replace(made, clock=_Clock(lambda: float(next(ticks)), lambda: 0.0))
    list_of = Summaries(Folder(tmp_path, slow.open, slow.clock.elapsed), slow)
    assert [len(list_of.all()["runs"]) for _ in range(3)] == [1, 2, 3]


class _Clock(NamedTuple):
    elapsed: Callable[[], float]
    now: Callable[[], float]


def test_a_family_is_told_from_any_of_its_members(tmp_path: Path) -> None:
    with Run(play(tmp_path, SMALL)) as run:
        late, early = run.fork(at_turn=4, say={"ada": "No."}), run.fork(at_turn=2)
        grandchild = late.fork(at_turn=5, say={"bo": "Yes."})
    wanted = [
        (run.path.stem, None, None, 0),
        (early.path.stem, 0, 2, 1),
        (late.path.stem, 0, 4, 1),
        (grandchild.path.stem, 2, 5, 2),
    ]
    with served(tmp_path) as site:
        rows_of(site)
        for each, *_ in wanted:
            family = site.api(f"/runs/{each}/family")["members"]
            assert [(row["run"], row["parent"], row["at_turn"], row["depth"]) for row in family] == wanted
        assert family[2]["changes"] == ["say ada=No."]


def test_a_parent_that_is_not_here_still_joins_its_forks(tmp_path: Path) -> None:
    with Run(play(tmp_path, SMALL)) as run:
        forks = [run.fork(at_turn=turn, whole=True).path.stem for turn in (2, 4)]
        run.path.unlink()
    with served(tmp_path) as site:
        rows_of(site)
        family = site.api(f"/runs/{forks[1]}/family")["members"]
    assert [(row["run"], row["name"]) for row in family] == [("", run.path.stem), *[(each, each) for each in forks]]


def test_a_fork_without_its_parent_says_what_it_misses_until_that_is_back(tmp_path: Path) -> None:
    with Run(play(tmp_path, SMALL)) as run:
        fork = run.fork(at_turn=2).path
    made, ticks = sources(), count()
    slow = replace(made, clock=_Clock(lambda: float(next(ticks)), lambda: 0.0))
    list_of = Summaries(Folder(tmp_path, slow.open, slow.clock.elapsed), slow)
    away = run.path.rename(tmp_path / "away.txt")
    row = list_of.one(fork.stem)
    assert (row["status"], f"{run.path.name}: there is no such run file" in row["problem"]) == ("unreadable", True)
    away.rename(run.path)
    assert list_of.one(fork.stem)["status"] == "finished"


def test_a_record_that_was_made_its_own_parent_is_shown_once(tmp_path: Path) -> None:
    with Run(play(tmp_path, SMALL)) as run:
        fork = run.fork(at_turn=2).path
        fork_id = Run(fork).origin.id
        own = f"UPDATE texts SET text = replace(text, '{run.origin.id}', '{fork_id}') WHERE text LIKE '%\"fork\"%'"
    spoiled(fork.read_bytes(), fork, (own, ()))
    with served(tmp_path) as site:
        rows_of(site)
        assert [row["run"] for row in site.api(f"/runs/{fork.stem}/family")["members"]].count(fork.stem) <= 1
