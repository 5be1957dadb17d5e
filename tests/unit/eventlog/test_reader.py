"""Reading while somebody else writes, and what a reader does not stumble over."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support.records import everything, spoiled

from genai_social_sim.errors import EmptyRecordError, RecordError
from genai_social_sim.eventlog import reader as reader_module
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.eventlog.verification import verify
from genai_social_sim.testing.event_logs import small_log

WRITER = dedent("""
    import sys
    from pathlib import Path
    from genai_social_sim.eventlog.writer import SqliteLog
    from genai_social_sim.testing.event_logs import StoppedClock, small_log
    log = SqliteLog(Path(sys.argv[1]), durability="full", clock=StoppedClock(), create=True)
    for entry in small_log(20):
        log.append([entry])
        print(log.seq, flush=True)
        sys.stdin.readline()
    log.close()
""")


def test_a_reader_follows_a_writer_in_another_process(tmp_path: Path) -> None:
    path, expected = tmp_path / "run.sqlite", [entry.event for entry in small_log(20)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "0\n"
        with closing(SqliteReader(path)) as reader:
            version, seen = 0, [recorded.event for recorded in reader.events()]
            while len(seen) < len(expected):
                process.stdin.write("\n")
                process.stdin.flush()
                assert process.stdout.readline() == f"{len(seen)}\n"
                assert reader.version() != version
                version = reader.version()
                seen += [recorded.event for recorded in reader.events(after=len(seen) - 1)]
                assert verify(path).ok
        process.communicate("\n")
    assert seen == expected


def test_what_does_not_exist_is_nothing(tmp_path: Path) -> None:
    with closing(SqliteReader(everything().record(tmp_path / "run.sqlite"))) as reader:
        for turn in (7, -1, 2**63, -(2**70)):
            assert reader.prompt(turn) is None
            assert reader.of_turn(turn) == []
        assert list(reader.events(after=2**63)) == []


def test_events_are_read_a_page_at_a_time_and_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "PAGE", 3)
    monkeypatch.setattr(reader_module, "_MOST_TEXTS", 2)
    with closing(SqliteReader(everything().record(tmp_path / "run.sqlite"))) as reader:
        everybody = list(reader.events())
        assert [recorded.seq for recorded in everybody] == list(range(len(everybody)))
        spoken = list(reader.events(kinds="spoke,fell_silent"))
        assert [recorded.event.turn for recorded in spoken] == list(range(7))  # type: ignore[union-attr]
        of_turn = [type(recorded.event).__name__ for recorded in reader.of_turn(2)]
        assert of_turn == ["AttemptFailed", "Answered", "Spoke"]


def test_an_event_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    record = everything().record(tmp_path / "run.sqlite").read_bytes()
    path = spoiled(record, tmp_path / "x.sqlite", ("UPDATE events SET kind = 'sang' WHERE seq = 4", ()))
    with closing(SqliteReader(path)) as reader, pytest.raises(RecordError, match=r"event 4 cannot be read.*gss verify"):
        list(reader.events())


@pytest.mark.parametrize(
    "spoils",
    [
        "UPDATE texts SET text = 'other' WHERE id = (SELECT CAST(texts AS INTEGER) FROM events WHERE seq = 9)",
        "UPDATE events SET texts = '1x' WHERE seq = 8",
        "UPDATE events SET texts = printf('%.9999c', '9') WHERE seq = 8",
        "UPDATE events SET kind = CAST(x'ff' AS TEXT) WHERE seq = 8",
    ],
)
def test_events_before_one_that_cannot_be_read_are_given_all_the_same(spoils: str, tmp_path: Path) -> None:
    record = everything().record(tmp_path / "run.sqlite").read_bytes()
    given: list[int] = []
    path = spoiled(record, tmp_path / "x.sqlite", (spoils, ()))
    with closing(SqliteReader(path)) as reader, pytest.raises(RecordError):
        given.extend(each.seq for each in reader.events())
    assert given == [*range(8)]  # event 8 is the answer that event 9 says


def test_a_record_without_events_says_so(tmp_path: Path) -> None:
    record = everything().record(tmp_path / "run.sqlite").read_bytes()
    path = spoiled(record, tmp_path / "x.sqlite", ("DELETE FROM head", ()))
    with closing(SqliteReader(path)) as reader, pytest.raises(EmptyRecordError, match="this record holds no events"):
        reader.head()
