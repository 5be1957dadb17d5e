"""Where a run comes from, as its sessions say it."""

from __future__ import annotations

import json

from genai_social_sim.domain.origin import Assignment, Origin, Parent, assignment_written, parent_written

PLACE = Assignment(
    condition="framing=alarm", levels={"framing": "alarm", "about": "oil"}, replicate=3, design="ab" * 32, position=2
)
PARENT = Parent(id="0123456789abcdef", run="talk", at_turn=5, digest="cd" * 32, changes=("say ada=No.",), resample=2)


def test_what_is_written_of_an_assignment_is_read_back() -> None:
    found = Origin().after(json.dumps(assignment_written(PLACE), sort_keys=True)).assignment
    assert found == PLACE
    assert [*found.levels] == ["framing", "about"]


def test_runs_are_sorted_by_condition_and_replicate_and_those_that_do_not_tell_stay_as_they_are() -> None:
    places = [(1, 0), (0, 10), (None, 3), (0, 9), (None, 1)]
    found = [Assignment(position=position, replicate=replicate) for position, replicate in places]
    found.sort(key=lambda each: each.order)
    assert [(each.position, each.replicate) for each in found] == [(None, 3), (None, 1), (0, 9), (0, 10), (1, 0)]


def test_what_is_written_of_a_parent_is_read_back() -> None:
    assert Origin().after(json.dumps(parent_written(PARENT))).parent == PARENT


def test_a_study_without_conditions_writes_nothing() -> None:
    assert assignment_written(Assignment()) == {}


def test_later_sessions_change_neither_place_nor_id() -> None:
    first = Origin().after(json.dumps(assignment_written(PLACE)), "a" * 64)
    assert first.after('{"settings": {}}', "b" * 64) == first
    assert first.id == "a" * 16


def test_a_fork_has_its_parents_place_and_an_id_of_its_own() -> None:
    parent = Origin().after(json.dumps(assignment_written(PLACE)), "a" * 64)
    fork = parent.after(json.dumps(parent_written(PARENT)), "b" * 64)
    assert (fork.assignment, fork.id, fork.parent) == (PLACE, "b" * 16, PARENT)


def test_the_fork_of_a_fork_names_its_own_parent() -> None:
    other = Parent(id="b" * 16, run="talk-fork5", at_turn=7)
    fork = Origin().after(json.dumps(parent_written(PARENT)), "b" * 64)
    assert fork.after(json.dumps(parent_written(other)), "c" * 64).parent == other


def test_what_no_release_writes_is_passed_over() -> None:
    for about in ("", "[", "7", '{"design": 3, "fork": [1]}'):
        assert Origin().after(about) == Origin()
    odd = Origin().after('{"design": {"levels": 4, "replicate": "x"}, "fork": {"at_turn": null, "changes": 5}}')
    assert odd.assignment == Assignment()
    assert odd.parent == Parent(id="", run="", at_turn=0)


def test_a_fork_of_the_first_release_is_read() -> None:
    about = {"fork": {"of": "ab" * 32, "at_turn": 4, "say": {"ada": "No."}}, "settings": {}}
    parent = Origin().after(json.dumps(about)).parent
    assert parent == Parent(id="", run="", at_turn=4, changes=("say ada=No.",))
