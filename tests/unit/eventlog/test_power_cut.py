"""The power is cut at every sync and at random instants: what `durability` promises is there, and nothing else is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from tests.support.power import Disk, watched

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import Event
from genai_social_sim.errors import EmptyRecordError, RecordError
from genai_social_sim.eventlog import store
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.store import Durability
from genai_social_sim.eventlog.verification import verify
from genai_social_sim.eventlog.writer import SqliteLog
from genai_social_sim.ports import Entry
from genai_social_sim.testing.event_logs import StoppedClock, small_log

LOG = small_log(turns=24)


@pytest.fixture(autouse=True)
def _a_short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for six pages before a checkpoint: each instant's disk is written out anew."""
    monkeypatch.setattr(store, "_CHECKPOINT", 6)
    monkeypatch.setattr(store, "_LAID_OUT", 1 << 17)


def written(path: Path, durability: Durability) -> Disk:
    """The log written in ones and twos, with checkpoints on the way; the last of its events after reopening."""
    with watched() as disk:
        for part in (LOG[:30], LOG[30:]):
            log = SqliteLog(path, durability=durability, clock=StoppedClock(), create=True)
            log._db.wal_autocheckpoint(6)
            for at in range(0, len(part), 3):
                append(log, disk, part[at : at + 2])
                append(log, disk, part[at + 2 : at + 3])
            log.close()
    return disk


def append(log: SqliteLog, disk: Disk, entries: list[Entry]) -> None:
    log.append(entries)
    disk.acknowledged.append((len(disk.done), log.seq + 1))


def found(path: Path, *, begun: bool) -> list[Event]:
    """The events of what a cut left. It is sound, or it was `begun` and holds none, or it is not there yet."""
    try:
        with closing(SqliteReader(path)) as reader:
            reader.head()
            events = [recorded.event for recorded in reader.events()]
    except EmptyRecordError:
        return []
    except RecordError:
        assert not begun
        return []
    verdict = verify(path)
    assert verdict.ok, verdict
    return events


def instants(disk: Disk) -> list[int]:
    dice = Dice(1, "instants")
    syncs = [at for at, each in enumerate(disk.done) if each.what == "sync"]
    return sorted({*syncs, *[at + 1 for at in syncs], *[dice.below(len(disk.done) + 1) for _ in range(60)]})


@pytest.mark.parametrize("loose", ["lost", "in part"])
@pytest.mark.parametrize("durability", ["full", "process"])
def test_after_a_power_cut_the_log_is_a_prefix_with_all_that_was_promised(
    durability: Durability, loose: str, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    disk = written(tmp_path / "disk" / "run.sqlite", durability)
    events = [entry.event for entry in LOG]
    for instant in instants(disk):
        folder = tmp_path / str(instant)
        folder.mkdir()
        disk.after_a_cut(instant, folder, Dice(2, instant) if loose == "in part" else None)
        there = found(folder / "run.sqlite", begun=instant >= disk.acknowledged[0][0])
        assert there == events[: len(there)]
        if durability == "full":
            assert len(there) >= disk.promised(instant), f"at {instant} of {len(disk.done)}"


def test_the_disk_under_test_is_one(tmp_path: Path) -> None:
    """It knows of both files and of their syncs, and its last state is the file."""
    disk = written(tmp_path / "run.sqlite", "full")
    assert {each.file for each in disk.done} >= {"run.sqlite", "run.sqlite-wal"}
    assert sum(each.what == "sync" for each in disk.done) > len(LOG) // 3
    assert any(each.data == bytes(1 << 16) for each in disk.done)  # the write-ahead log was laid out on the way
    (tmp_path / "after").mkdir()
    disk.after_a_cut(len(disk.done), tmp_path / "after", None)
    assert (tmp_path / "after" / "run.sqlite").read_bytes() == (tmp_path / "run.sqlite").read_bytes()


def test_a_cut_while_a_record_is_made_leaves_what_can_be_begun_anew(tmp_path: Path) -> None:
    """Although its first page is written without a journal, which would be synced six times for nothing."""
    with (
        watched() as disk,
        closing(SqliteLog(tmp_path / "run.sqlite", durability="full", clock=StoppedClock(), create=True)),
    ):
        made = len(disk.done)
    assert {each.file for each in disk.done[:made]} == {"run.sqlite", "run.sqlite-wal"}
    for instant in range(made + 1):
        folder = tmp_path / str(instant)
        folder.mkdir()
        disk.after_a_cut(instant, folder, Dice(3, instant))
        with closing(SqliteLog(folder / "run.sqlite", durability="process", clock=StoppedClock(), create=True)) as log:
            log.append(LOG[:3])
        assert found(folder / "run.sqlite", begun=True) == [entry.event for entry in LOG[:3]]


def test_without_a_sync_for_each_commit_a_cut_loses_the_last_of_them(tmp_path: Path) -> None:
    """So the test above can fail: durability `process` does lose what `full` must not."""
    disk = written(tmp_path / "run.sqlite", "process")
    lost = 0
    for number, instant in enumerate(instants(disk)):
        folder = tmp_path / str(number)
        folder.mkdir()
        disk.after_a_cut(instant, folder, None)
        lost += len(found(folder / "run.sqlite", begun=False)) < disk.promised(instant)
    assert lost > 10
