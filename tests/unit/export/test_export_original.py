"""The original's two tables: what each of their numbers counts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.export.records import answered, begun, failed, opened, play, silent, spoke, study_of, written

from genai_social_sim.export import society
from genai_social_sim.export.source import Source
from genai_social_sim.ports import Request


def analytics(source: Source) -> dict[str, dict[str, Any]]:
    return {str(row["Bot"]): row for row in society.analytics(source)}


def test_the_columns_of_the_original_come_first_and_in_its_order() -> None:
    names = [column.name for column in society.chat().columns]
    assert names[:3] == ["channel", "sender", "message"]
    assert names[3:7] == ["id", "turn", "round", "timestamp"]
    names = [column.name for column in society.analytics().columns]
    theirs = "Bot Channel Generations Turns MessagesReceived MessagesIgnored AvgProcessingTime"
    assert names[:7] == theirs.split()
    assert names[-1] == "run"


def small_run() -> Source:
    # Window 2. What each prompt holds (0 is the opening): ada 0, bo 0 1, ada 1 2; bo's turn 3 sees 2 3.
    return written(
        begun(window=2),
        opened(),
        answered(0, "one two three", tokens=(10, 3), times=(0.0, 2.0)),
        spoke(0, "ada", "one two three"),
        failed(1),
        answered(1, "four", attempt=2, tokens=(20, 1), times=(3.0, 4.0), finish="length"),
        spoke(1, "bo", "four"),
        answered(2, "five six\nbo: seven", tokens=(30, 6), times=(1.0, 5.0)),
        spoke(2, "ada", "five six", in_round=1, cut=(0, 8, "spoke_for")),
        answered(3, "", tokens=(40, 0), times=(0.0, 0.5), finish="passed"),
        silent(3, "bo", in_round=1),
    )


def test_a_small_run_counted_by_hand() -> None:
    assert analytics(small_run())["ada"] == {
        "Bot": "ada",
        "Channel": "hall",
        "Generations": 2,
        "Turns": 2,
        "MessagesReceived": 2,  # the opening, "four"
        "MessagesIgnored": 0,
        "AvgProcessingTime": 3.0,  # of 2 s and 4 s
        "Silences": 0,
        "StandIns": 0,
        "Failures": 0,
        "Retries": 0,
        "Truncated": 0,
        "SpokeFor": 1,
        "PromptTokens": 40,
        "AnswerTokens": 9,
        "Words": 5,
        "Characters": 21,
        "run": "r",
    }
    bo = analytics(small_run())["bo"]
    assert (bo["Generations"], bo["Turns"], bo["Silences"]) == (2, 1, 1)
    assert (bo["MessagesReceived"], bo["MessagesIgnored"]) == (3, 0)
    assert bo["AvgProcessingTime"] == 0.75  # of 1 s and 0.5 s
    assert (bo["Failures"], bo["Retries"], bo["Truncated"]) == (1, 1, 1)
    assert (bo["PromptTokens"], bo["AnswerTokens"], bo["Words"]) == (60, 1, 1)


def test_what_left_the_window_before_its_next_turn_was_ignored() -> None:
    source = written(
        begun("ada bo cy", window=1),
        opened(),
        spoke(0, "ada", "a"),  # saw the opening
        spoke(1, "bo", "b"),  # saw a, not the opening
        spoke(2, "cy", "c"),  # saw b, neither the opening nor a
        spoke(3, "ada", "d", in_round=1),  # saw c, not b
    )
    found = {name: (row["MessagesReceived"], row["MessagesIgnored"]) for name, row in analytics(source).items()}
    assert found == {
        "ada": (3, 1),  # of the opening, b, c it missed b
        "bo": (4, 3),  # of the opening, a, c, d it saw a; c and d came after its last turn
        "cy": (4, 3),  # of the opening, a, b, d it saw b
    }


def test_without_a_memory_everything_is_ignored() -> None:
    source = written(begun(window=0), opened(), spoke(0, "ada", "a"), spoke(1, "bo", "b"))
    assert [row["MessagesIgnored"] for row in society.analytics(source)] == [2, 2]


def test_who_never_had_a_turn_received_everything_and_has_no_mean() -> None:
    row = analytics(written(begun("ada bo"), opened(), spoke(0, "ada", "a")))["bo"]
    assert (row["Generations"], row["MessagesReceived"], row["MessagesIgnored"]) == (0, 2, 2)
    assert row["AvgProcessingTime"] is None


def test_an_opening_in_a_members_own_name_is_not_received_by_it() -> None:
    rows = analytics(written(begun(), opened(speaker="ada"), spoke(0, "ada", "a"), spoke(1, "bo", "b")))
    assert (rows["ada"]["MessagesReceived"], rows["bo"]["MessagesReceived"]) == (1, 2)


def test_words_in_place_of_a_failed_answer_are_a_turn_but_no_generation() -> None:
    source = written(
        begun(), failed(0), failed(0, attempt=2, final=True), spoke(0, "ada", "(away)", stand_in="timeout")
    )
    row = analytics(source)["ada"]
    assert (row["Turns"], row["StandIns"], row["Generations"], row["Failures"], row["Retries"]) == (1, 1, 0, 2, 1)


PROTOCOLS = ["round_robin", "random", {"kind": "random", "repeat": True}, "simultaneous"]


@settings(max_examples=60)
@given(
    protocol=st.sampled_from(PROTOCOLS),
    window=st.integers(0, 6),
    turns=st.integers(1, 25),
    size=st.integers(1, 5),
    opening=st.sampled_from([None, "system", "a0"]),
    mute=st.sets(st.integers(0, 24)),
)
def test_ignored_is_what_no_prompt_showed(
    protocol: Any, window: int, turns: int, size: int, opening: str | None, mute: set[int]
) -> None:
    heard: dict[str, set[int]] = {f"a{number}": set() for number in range(size)}

    def say(request: Request) -> str | None:
        heard[request.agent] |= {line.turn for line in request.heard if line.speaker != request.agent}
        return None if request.turn in mute else f"turn {request.turn}"

    hall: dict[str, Any] = {"protocol": protocol, "memory": {"kind": "window", "utterances": window}}
    if opening:
        hall["opening"] = {"from": opening, "text": "Begin."}
    source = play(study_of(" ".join(heard), turns=turns, channels={"hall": hall}), say)
    said = [(row["turn"], row["speaker"]) for row in society.utterances(source)]
    for agent, row in analytics(source).items():
        others = [turn for turn, speaker in said if speaker != agent]
        committed = {turn for turn in heard[agent] if turn == -1 or turn in others}
        assert row["MessagesReceived"] == len(others)
        assert row["MessagesIgnored"] == len(others) - len(committed)


def test_a_message_has_an_id_of_its_own_across_runs() -> None:
    one, two = (written(begun(), opened(), spoke(0, "ada", "a"), run=run) for run in ("one", "two"))
    assert [row["id"] for row in society.chat(one, two)] == ["one:1", "one:2", "two:1", "two:2"]
    assert [row["message"] for row in society.chat(one)] == ["Begin.", "a"]


@pytest.mark.parametrize("table", [society.chat, society.analytics])
def test_a_record_without_a_readable_study_still_counts(table: Any) -> None:
    source = written(spoke(0, "ada", "a"), silent(1, "bo"))
    assert len(table(source)) >= 1
    assert [row["MessagesIgnored"] for row in society.analytics(source)] == [None, None]
