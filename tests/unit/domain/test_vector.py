"""A frozen sequence beside a list that does the same."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.vector import Vector

EDGES = [0, 1, 31, 32, 33, 1023, 1024, 1025, 1100]


@pytest.mark.parametrize("length", [*EDGES, 32**3 + 1])
def test_it_holds_what_it_is_given(length: int) -> None:
    vector = Vector.of(range(length))
    assert len(vector) == length
    assert list(vector) == list(range(length))


def test_it_is_copied_and_pickled() -> None:
    vector = Vector.of(range(1100))
    assert copy.deepcopy(vector) == vector == pickle.loads(pickle.dumps(vector))


@given(st.sampled_from(EDGES[1:]), st.data())
def test_changed_copies_are_those_of_a_list_and_the_originals_stay(length: int, data: st.DataObject) -> None:
    vector, model = Vector.of(range(length)), list(range(length))
    kept = [(vector, list(model))]
    for at in data.draw(st.lists(st.integers(0, length - 1), max_size=8)):
        vector = vector.replaced(at, -at)
        model[at] = -at
        kept.append((vector, list(model)))
    for each, expected in kept:
        assert list(each) == expected


@given(st.sampled_from(EDGES), st.data())
def test_several_are_changed_at_once_as_they_are_one_by_one(length: int, data: st.DataObject) -> None:
    before = Vector.of(range(length))
    items = data.draw(st.dictionaries(st.integers(0, length - 1), st.integers(), max_size=40)) if length else {}
    one_by_one = before
    for at, item in items.items():
        one_by_one = one_by_one.replaced(at, item)
    assert before.replaced_all(items) == one_by_one
    assert before == Vector.of(range(length))


@given(st.sampled_from(EDGES), st.integers(1, 70), st.data())
def test_what_is_appended_stands_at_the_end_and_can_be_changed(length: int, more: int, data: st.DataObject) -> None:
    before = grown = Vector.of(range(length))
    for item in range(length, length + more):
        grown = grown.appended(item)
    assert grown == Vector.of(range(length + more))
    assert list(before) == list(range(length))
    at = data.draw(st.integers(0, length + more - 1))
    assert grown.replaced(at, -1)[at] == -1


@pytest.mark.parametrize("at", [-1, 3, 32])
def test_outside_there_is_nothing(at: int) -> None:
    vector = Vector.of("abc")
    with pytest.raises(IndexError):
        vector[at]
    with pytest.raises(IndexError):
        vector.replaced(at, "x")
    with pytest.raises(IndexError):
        vector.replaced_all({at: "x"})


def test_a_changed_copy_shares_all_but_the_way_to_the_change() -> None:
    items = [object() for _ in range(2000)]
    before = Vector.of(items)
    after = before.replaced(5, "x")
    assert all(after._root[slot] is before._root[slot] for slot in range(1, len(before._root)))


def test_vectors_are_equal_if_their_items_are() -> None:
    one, two = Vector.of(range(100)), Vector.of(range(100))
    assert (one, hash(one)) == (two, hash(two))
    assert one != two.replaced(99, 0)
    assert one != Vector.of(range(99))
    assert one != tuple(range(100))
