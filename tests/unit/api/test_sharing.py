"""The past of a fork stays in the parent's file, by which the fork is read, proved and gone on with all the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.records import rows, spoiled

from genai_social_sim import Run, Study
from genai_social_sim.engine.budget import BudgetError
from genai_social_sim.errors import PastError, RecordError, RequestError
from genai_social_sim.eventlog import lock
from genai_social_sim.eventlog.ancestry import MOST
from genai_social_sim.eventlog.making_whole import make_whole
from genai_social_sim.eventlog.reader import SqliteReader, Stored
from genai_social_sim.eventlog.verification import verify

STUDY: Final = """
name: shared
seed: 4
model: {backend: scripted, words: 5, faults: {error: 0.2}}
agents: [{name: Ada}, {name: Bo}, {name: Cy}]
channels: {hall: {opening: {text: "Hello."}}}
stop: {turns: 16}
"""
CHANGES: Final[list[dict[str, Any]]] = [{}, {"mute": ["Bo"]}, {"resample": 1}, {"changes": ["stop.turns=20"]}]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with Study.parse(STUDY).run(runs=tmp_path_factory.mktemp("runs")) as run:
        return run.path


@pytest.fixture
def run(played: Path, tmp_path: Path) -> Iterator[Run]:
    with Run(shutil.copy(played, tmp_path)) as run:
        yield run


def stored(path: Path) -> list[Stored]:
    with closing(SqliteReader(path)) as reader:
        return [*reader.stored()]


def own(path: Path, what: str) -> list[tuple[Any, ...]]:
    """What stands in this file itself."""
    return [*rows(path, f"SELECT {what}")]


@pytest.mark.parametrize("change", CHANGES)
def test_a_forks_file_holds_what_came_after_and_the_parents_the_rest(run: Run, change: dict[str, Any]) -> None:
    branch = run.fork(at_turn=12, **change)
    (last,) = own(branch.path, "seq FROM past")[0]
    begun = [seq for (seq,) in own(branch.path, "seq FROM events ORDER BY seq")]
    assert set(begun) - {0} == set(range(last + 1, begun[-1] + 1))
    assert (0 in begun) == ("mute" in change or "resample" in change or "changes" in change)
    assert [row[:-1] for row in stored(branch.path)[1 : last + 1]] == [row[:-1] for row in stored(run.path)[1:][:last]]
    assert own(branch.path, "count(*) FROM texts")[0] < own(run.path, "count(*) FROM texts")[0]
    assert branch.past == (run.path,)
    assert (branch.verify().ok, branch.replay().ok) == (True, True)


def test_no_text_of_the_past_is_stored_again(run: Run) -> None:
    branch = run.fork(at_turn=12, mute=["Bo"])
    mine = {text for (text,) in own(branch.path, "hash FROM texts")}
    with closing(SqliteReader(branch.path)) as reader:
        upto = next(reader.query("SELECT texts FROM past"))[0]
        assert not mine & {text for (text,) in reader.query("SELECT hash FROM past1.texts WHERE id <= ?", upto)}


@pytest.mark.parametrize("change", CHANGES)
def test_making_it_whole_changes_neither_chain_nor_digest(run: Run, tmp_path: Path, change: dict[str, Any]) -> None:
    branch = run.fork(at_turn=12, **change)
    before, verdict = stored(branch.path), branch.verify()
    (last,) = own(branch.path, "seq FROM past")[0]
    head = own(branch.path, "* FROM head")
    assert branch.make_whole() == last + 1 - any(row.seq == 0 for row in before if change)
    run.close()
    run.path.unlink()
    assert own(branch.path, "* FROM head") == head
    assert own(branch.path, "* FROM past") == []
    after = stored(branch.path)
    assert [row[:-1] for row in after] == [row[:-1] for row in before]
    assert after[last + 1 :] == before[last + 1 :]
    assert asdict(branch.verify()) == asdict(verdict) | {"past": ()}
    assert branch.replay().ok
    assert branch.make_whole() == 0


def test_one_that_is_whole_from_the_start_is_the_same_run(run: Run) -> None:
    branch, whole = run.fork(at_turn=12, mute=["Bo"]), run.fork(at_turn=12, mute=["Bo"], whole=True)
    assert (whole.digest, whole.past) == (branch.digest, ())
    branch.make_whole()
    last = own(run.path, "max(seq) FROM events WHERE turn = 11")[0][0]
    links = [[(row.seq, row.chain) for row in stored(each.path)[:last]] for each in (whole, branch)]
    assert links[0] == links[1]
    assert whole.verify().ok


def test_parent_and_fork_can_be_moved_together(run: Run, tmp_path: Path) -> None:
    branch = run.fork(at_turn=12)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (run.path, branch.path):
        path.rename(moved / path.name)
    with Run(moved / branch.path.name) as there:
        assert there.past == (moved / run.path.name,)
        assert there.verify().ok


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (None, "there is no such run file"),
        ("DELETE FROM events WHERE seq > 20", "it ends before that"),
        ("UPDATE events SET chain = zeroblob(32)", "it holds others"),
        ("PRAGMA application_id = 7", "this is no run file of genai-social-sim"),
    ],
)
def test_a_past_that_is_not_there_is_told_with_what_to_do(run: Run, change: str | None, words: str) -> None:
    branch = run.fork(at_turn=12)
    run.close()
    if change is None:
        run.path.unlink()
    else:
        spoiled(run.path.read_bytes(), run.path, (change, ()))
    with pytest.raises(PastError, match=words) as caught:
        Run(branch.path)
    assert str(run.path) in caught.value.problem
    assert (caught.value.where, caught.value.exit_code) == (str(branch.path), 1)
    assert f"gss make-whole {branch.path} --past FILE" in caught.value.remedy
    with pytest.raises(PastError):
        branch.resume()


def test_a_parent_that_was_renamed_is_named_and_the_fork_made_whole(run: Run, tmp_path: Path) -> None:
    branch = run.fork(at_turn=12, mute=["Bo"])
    digest = branch.digest
    run.close()
    moved = run.path.rename(tmp_path / "renamed.sqlite")
    other = Path(shutil.copy(branch.path, tmp_path / "other.sqlite"))
    with pytest.raises(PastError, match="None of the files that were given is it"):
        make_whole(branch.path, [other])
    with Run(branch.path, past=[other, moved]) as there:
        there.make_whole()
    moved.unlink()
    assert (Run(branch.path).digest, verify(branch.path).ok) == (digest, True)


@pytest.mark.parametrize("change", CHANGES[:2])
@pytest.mark.parametrize(
    ("sql", "event"),
    [
        ("UPDATE events SET at = at + 1 WHERE seq = 9", 9),
        (
            "UPDATE texts SET text = 'never said' WHERE id = (SELECT CAST(texts AS INTEGER) FROM events WHERE seq = 9)",
            8,
        ),
        ("DELETE FROM events WHERE seq = 9", 9),
        ("UPDATE events SET body = '{\"seed\":5}' WHERE seq = 0", 0),
    ],
)
def test_verify_finds_what_was_changed_in_the_parents_file(
    run: Run, change: dict[str, Any], sql: str, event: int
) -> None:
    branch = run.fork(at_turn=12, **change)
    assert verify(branch.path).past[0].file == str(run.path)
    run.close()
    spoiled(run.path.read_bytes(), run.path, (sql, ()))
    verdict = verify(branch.path)
    assert (verdict.ok, verdict.event, verdict.file) == (False, event, str(run.path))
    if event:
        with pytest.raises(RecordError):
            make_whole(branch.path)
        assert own(branch.path, "count(*) FROM past") == [(1,)]


def test_a_past_that_was_written_anew_with_sound_links_is_not_this_forks(run: Run, tmp_path: Path) -> None:
    """What the fork says of the last link is put right, too: its own events follow from another past."""
    branch = run.fork(at_turn=12)
    other = Study.parse(STUDY.replace("Hello.", "Good day.")).run(runs=tmp_path / "other")
    (last,) = own(branch.path, "seq FROM past")[0]
    link = own(other.path, f"chain FROM events WHERE seq = {last}")[0]
    spoiled(
        branch.path.read_bytes(),
        branch.path,
        ("UPDATE past SET file = 'other/' || ?, chain = ?", (other.path.name, *link)),
    )
    verdict = verify(branch.path)
    assert (verdict.ok, verdict.event) == (False, last + 1)
    with pytest.raises(RecordError):
        make_whole(branch.path)


def test_the_parent_may_go_on(tmp_path: Path) -> None:
    study = Study.parse(STUDY, changes=['budget={"tokens": 60}'])
    with pytest.raises(BudgetError):
        study.run(runs=tmp_path)
    parent = Run(study.record_path(runs=tmp_path))
    turns = parent.turns
    branch = parent.fork(at_turn=turns, mute=["Bo"])
    digest = branch.digest
    assert 0 < turns < 16
    assert parent.resume().turns == 16
    assert (branch.turns, branch.digest, branch.verify().ok, branch.replay().ok) == (16, digest, True, True)
    assert parent.fork(at_turn=turns).digest == parent.digest


def test_forks_of_forks_lie_in_as_many_files_until_one_has_to_hold_its_past_itself(run: Run) -> None:
    branches = [run]
    for turn in range(1, MOST + 3):
        branches.append(branches[-1].fork(at_turn=turn, resample=int(turn % 3 == 0)))
    assert [len(each.past) for each in branches] == [*range(MOST + 1), 0, 1]
    assert all(each.verify().ok for each in branches)
    assert branches[2].digest == run.digest
    marks = [json.loads(text) for (text,) in own(branches[-2].path, "text FROM texts WHERE text LIKE '{\"fork\"%'")]
    assert f"more than {MOST} run files" in marks[-1]["fork"]["copied"]
    assert [part.file for part in branches[3].verify().past] == [str(each.path) for each in branches[:3]]
    assert branches[-1].past == (branches[-2].path,)


def test_a_fork_of_a_fork_at_an_earlier_turn_needs_the_first_run_alone(run: Run) -> None:
    branch = run.fork(at_turn=12, mute=["Bo"])
    twig = branch.fork(at_turn=5, mute=["Cy"])
    assert twig.past == (run.path,)
    assert twig.parent is not None
    assert twig.parent.id == branch.origin.id
    branch.close()
    branch.path.unlink()
    assert (twig.verify().ok, twig.replay().ok) == (True, True)


def test_a_fork_whose_parent_is_made_whole_needs_the_parent_alone(run: Run) -> None:
    branch = run.fork(at_turn=5, mute=["Bo"])
    twig = branch.fork(at_turn=12, resample=2)
    assert len(twig.past) == 2
    texts = twig.transcript()
    with Run(twig.path) as open_before:
        branch.make_whole()
        run.close()
        run.path.unlink()
        assert open_before.transcript() == texts
    with Run(twig.path) as there:
        assert there.past == (branch.path,)
        assert (there.transcript(), there.verify().ok, there.replay().ok) == (texts, True, True)


def test_a_run_that_somebody_works_on_is_not_made_whole(run: Run) -> None:
    branch = run.fork(at_turn=12)
    with lock.taken(branch.path), pytest.raises(RecordError, match="another process is working on this run"):
        branch.make_whole()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE past SET file = 'fork.sqlite'",
        "UPDATE past SET file = '//elsewhere/share/run.sqlite'",
        "UPDATE past SET file = '/dev/zero'",
        "UPDATE past SET file = printf('%.5000c', 'x')",
        "UPDATE past SET file = CAST('a' || char(0) || 'b' AS TEXT)",
        "UPDATE past SET seq = seq + 1",
        "UPDATE past SET seq = 'many'",
        "UPDATE past SET chain = 'none'",
        "UPDATE past SET texts = 1.5",
    ],
)
def test_what_a_record_says_of_its_past_is_not_trusted(run: Run, tmp_path: Path, change: str) -> None:
    branch = run.fork(at_turn=12)
    fork = spoiled(branch.path.read_bytes(), tmp_path / "fork.sqlite", (change, ()))
    with pytest.raises(RecordError):
        Run(fork)


@pytest.mark.parametrize("change", ["UPDATE past SET texts = texts - 1", "DELETE FROM past"])
def test_verify_finds_a_past_that_was_cut_or_left_out(run: Run, tmp_path: Path, change: str) -> None:
    branch = run.fork(at_turn=12)
    assert not verify(spoiled(branch.path.read_bytes(), tmp_path / "fork.sqlite", (change, ()))).ok


def test_a_refused_fork_leaves_nothing(run: Run) -> None:
    before = sorted(run.path.parent.iterdir())
    with pytest.raises(RequestError):
        run.fork(at_turn=12, say={"Nobody": "Hm."})
    assert sorted(run.path.parent.iterdir()) == before


def test_a_process_that_is_killed_while_it_forks_leaves_no_half_fork(run: Run) -> None:
    killed = """
import os, sys
from genai_social_sim import Run
from genai_social_sim.eventlog.writer import SqliteLog
append = SqliteLog.append
SqliteLog.append = lambda *args: (append(*args), os._exit(9))
Run(sys.argv[1]).fork(at_turn=12, mute=["Bo"])
"""
    done = subprocess.run([sys.executable, "-c", killed, str(run.path)], check=False)
    assert done.returncode == 9
    assert [*run.path.parent.glob("*.sqlite")] == [run.path]
    assert run.fork(at_turn=12, mute=["Bo"]).verify().ok
    assert sorted(run.path.parent.glob("*.making*")) == []


def test_a_stranger_reads_in_the_file_where_the_past_is_and_how_to_read_it(run: Run) -> None:
    branch = run.fork(at_turn=12)
    with closing(sqlite3.connect(branch.path)) as db:
        (about,) = db.execute("SELECT value FROM about WHERE key = 'past'").fetchone()
        assert "ATTACH past.file AS parent" in about
        file, last = db.execute("SELECT file, seq FROM past").fetchone()
        db.execute("ATTACH ? AS parent", (str(branch.path.parent / file),))
        found = db.execute(
            "SELECT seq, body FROM parent.events WHERE seq <= ? UNION ALL SELECT seq, body FROM main.events", (last,)
        ).fetchall()
    assert found == [(row.seq, row.body) for row in stored(branch.path)]
