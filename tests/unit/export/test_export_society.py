"""The tidy tables: what a row of each is, also of runs that were killed, resumed or just begun."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.export.records import answered, begun, failed, opened, play, silent, spoke, study_of, written

from genai_social_sim.domain.events import RunEnded, SessionEnded, SessionStarted
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import CompletionError, RequestError
from genai_social_sim.eventlog.codec import encode
from genai_social_sim.export import society
from genai_social_sim.export.source import Source, distinct_labels
from genai_social_sim.export.tables import Cell, ColumnType
from genai_social_sim.export.transcript import kind_of
from genai_social_sim.ports import Answer, Request

SESSION: Final = SessionStarted(resumed=False, about=Text.of('{"python":"3"}'))
PYTHON_TYPES: Final[dict[ColumnType, type | tuple[type, ...]]] = {
    "text": str,
    "json": str,
    "time": str,
    "integer": int,
    "number": (int, float),
    "flag": bool,
}


def say(request: Request) -> Any:
    """Something of each kind: fails once, fails for good, goes on as another, passes, is cut at max_tokens."""
    if request.turn == 1 and request.attempt == 1:
        raise CompletionError("busy", cause="unreachable")
    if request.turn == 2:
        raise CompletionError("gone", cause="refused")
    if request.turn == 3:
        return " Mine.\nada: Hers."
    if request.turn == 4:
        return None
    return Answer(text=f"Turn {request.turn}.", finish="length", prompt_tokens=3, answer_tokens=2, by="here")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Source:
    failure = {"attempts": 2, "backoff": 0.001, "on_failure": {"say": "(away)"}}
    path = tmp_path_factory.mktemp("records") / "mixed.sqlite"
    return play(study_of(turns=6, timeouts=failure), say, path)


@pytest.mark.parametrize("name", [kind.name for kind in (*society.TIDY, *society.ORIGINAL)])
def test_every_cell_is_of_its_columns_type(mixed: Source, name: str) -> None:
    table = society.table(name, mixed)
    for row in table.tuples():
        for column, cell in zip(table.columns, row, strict=True):
            assert cell is None or _is(cell, column.type), (column.name, cell)


def _is(cell: Cell, kind: ColumnType) -> bool:
    if kind == "json":
        json.loads(str(cell))
    if kind == "time":
        assert datetime.fromisoformat(str(cell)).tzinfo is not None
    return isinstance(cell, PYTHON_TYPES[kind]) and isinstance(cell, bool) == (kind == "flag")


def test_utterances_hold_the_transcript_and_what_was_cut_from_it(mixed: Source) -> None:
    rows = society.utterances(mixed).rows()
    assert [(row["turn"], row["speaker"], row["text"]) for row in rows] == [
        (None, "system", "Begin."),
        (0, "ada", "Turn 0."),
        (1, "bo", "Turn 1."),
        (2, "ada", "(away)"),
        (3, "bo", "Mine."),
        (5, "bo", "Turn 5."),
    ]
    assert rows[3]["stand_in"] == "refused"
    assert [rows[4][key] for key in ("cut", "cut_why", "cut_other")] == [True, "spoke_for", "ada"]
    assert rows[4]["raw_text"] == " Mine.\nada: Hers."
    assert rows[1]["raw_text"] is None


def test_turns_hold_silences_too_and_how_many_attempts_were_made(mixed: Source) -> None:
    rows = society.turns(mixed).rows()
    assert [(row["turn"], row["outcome"], row["cause"], row["attempts"]) for row in rows] == [
        (0, "spoke", None, 1),
        (1, "spoke", None, 2),
        (2, "spoke", "refused", 2),
        (3, "spoke", None, 1),
        (4, "silent", "passed", 1),
        (5, "spoke", None, 1),
    ]


def test_calls_hold_every_attempt_with_what_was_asked_and_answered(mixed: Source) -> None:
    rows = society.calls(mixed).rows()
    assert [(row["turn"], row["attempt"], row["outcome"], row["cause"]) for row in rows][:4] == [
        (0, 1, "answered", None),
        (1, 1, "failed", "unreachable"),
        (1, 2, "answered", None),
        (2, 1, "failed", "refused"),
    ]
    first = rows[0]
    assert [first[key] for key in ("agent", "channel", "round")] == ["ada", "hall", 0]
    assert [first[key] for key in ("finish", "truncated", "answered_by")] == ["length", True, "here"]
    assert [first[key] for key in ("prompt_tokens", "answer_tokens", "raw_answer")] == [3, 2, "Turn 0."]
    prompt = mixed.record.prompt(0)  # type: ignore[attr-defined]
    assert first["prompt_hash"] == prompt.digest.hex()
    assert rows[1]["detail"] == "busy"


def test_a_calls_times_count_from_when_it_was_sent() -> None:
    (row,) = society.calls(written(answered(0, times=(1.5, 4.0)), spoke(0, "ada", "a")))
    assert (row["queued_s"], row["total_s"], row["first_token_s"]) == (1.5, 2.5, None)
    (turn,) = society.turns(written(answered(0, times=(1.5, 4.0)), spoke(0, "ada", "a")))
    assert turn["latency_s"] == 4.0


def test_answers_are_joined_with_their_outcome_whatever_lies_between() -> None:
    source = written(answered(1, "second"), answered(0, "first"), spoke(0, "ada", "first"), silent(1, "bo", "empty"))
    assert [(row["agent"], row["raw_answer"]) for row in society.calls(source)] == [("ada", "first"), ("bo", "second")]


def test_calls_of_a_turn_without_an_outcome_are_kept() -> None:
    source = written(begun(), spoke(0, "ada", "a"), failed(1), failed(1, attempt=2, final=True))
    assert [(row["turn"], row["agent"], row["attempt"]) for row in society.calls(source)] == [
        (1, None, 1),
        (1, None, 2),
    ]


def test_agents_stand_with_their_model_and_the_persona_that_prompts_had(mixed: Source) -> None:
    rows = society.agents(mixed).rows()
    assert [(row["agent"], row["persona"]) for row in rows] == [("ada", "You are ada."), ("bo", "You are bo.")]
    assert rows[0]["persona_template"] == "You are {{ name }}."
    assert [rows[0][key] for key in ("backend", "temperature", "top_k", "max_tokens")] == ["scripted", 0.7, None, 100]
    assert rows[0]["model_options"] == '{"function":"say"}'


def test_channels_stand_with_their_members_and_rules(mixed: Source) -> None:
    (row,) = society.channels(mixed).rows()
    assert json.loads(str(row["members"])) == ["ada", "bo"]
    assert [row[key] for key in ("channel", "size", "protocol", "window")] == ["hall", 2, "round_robin", 20]
    assert [row[key] for key in ("opening_from", "opening_text")] == ["system", "Begin."]


def test_a_run_is_one_row_with_its_digest_and_counts(mixed: Source) -> None:
    (row,) = society.runs(mixed).rows()
    assert [row[key] for key in ("run", "name", "status", "digest")] == ["small", "small", "finished", mixed.digest]
    assert [row[key] for key in ("agents", "channels", "turns", "spoke", "silent")] == [2, 1, 6, 5, 1]
    assert [row[key] for key in ("prompt_tokens", "answer_tokens", "sessions")] == [9, 9, 1]
    assert row["ended_why"] == "6 turns"


def test_events_hold_everything_under_the_names_that_records_use(mixed: Source) -> None:
    rows = society.events(mixed).rows()
    recorded = list(mixed.record.events())
    assert [row["kind"] for row in rows] == [encode(one.event).kind for one in recorded]
    assert [row["turn"] for row in rows] == [encode(one.event).turn for one in recorded]
    cut = next(json.loads(str(row["event"]))["cut"] for row in rows if row["turn"] == 3 and row["kind"] == "spoke")
    assert cut == {"start": 1, "end": 6, "why": "spoke_for", "other": "ada"}
    assert kind_of(recorded[-1].event) == "session_ended"


def test_a_killed_session_is_told_from_one_that_ended() -> None:
    again = SessionStarted(resumed=True, about=Text.of("{}"))
    stopped = SessionEnded(status="interrupted", detail=Text.of("Ctrl-C"))
    rows = society.sessions(written(begun(), SESSION, again, stopped, again)).rows()
    assert [(row["session"], row["status"], row["detail"]) for row in rows] == [
        (0, "killed", None),
        (1, "interrupted", "Ctrl-C"),
        (2, "running", None),
    ]


def test_a_run_just_begun_gives_tables_without_rows_and_one_run() -> None:
    source = written(begun(), SESSION)
    (row,) = society.runs(source).rows()
    assert [row[key] for key in ("status", "turns", "ended_at", "digest")] == ["running", 0, None, None]
    assert [len(society.table(name, source)) for name in ("utterances", "turns", "calls")] == [0, 0, 0]


def test_an_empty_record_gives_a_run_that_has_no_status() -> None:
    (row,) = society.runs(written()).rows()
    assert [row[key] for key in ("run", "name", "status", "turns")] == ["r", None, None, 0]


def test_a_study_that_cannot_be_read_costs_its_own_columns_only() -> None:
    events = (begun(), opened(), RunEnded(reason="1 turns", turns=0))
    for study in (
        "",
        "[]",
        "{}",
        '{"agents": 3, "channels": {"hall": 4}}',
        '{"agents": [{"name": 1, "persona": "{{"}]}',
    ):
        started = type(events[0])(study=Text.of(study), seed=1)
        source = written(started, *events[1:])
        assert [len(society.table(name, source).rows()) for name in ("runs", "utterances")] == [1, 1]
        society.agents(source).rows()
        society.channels(source).rows()


def test_a_source_is_read_no_further_than_it_says() -> None:
    whole = written(begun(), opened(), answered(0), spoke(0, "ada", "a"), answered(1), spoke(1, "bo", "b"))
    until = Source(run="r", record=whole.record, last=3)
    assert [row["text"] for row in society.utterances(until)] == ["Begin.", "a"]
    assert [row["seq"] for row in society.events(until)] == [0, 1, 2, 3]


def test_an_unknown_table_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"there is no table 'prompts'\. The tables are: runs, conditions, agents"):
        society.table("prompts")


def test_labels_are_file_names_and_as_many_folders_as_tell_them_apart() -> None:
    paths = [Path("runs/a/x.sqlite"), Path("runs/b/x.sqlite"), Path("runs/b/y.sqlite")]
    assert distinct_labels(paths) == ["a/x", "b/x", "y"]
