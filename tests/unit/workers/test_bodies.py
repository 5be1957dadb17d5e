"""A request travels whole: the worker's is equal to the coordinator's, and whatever is no request is refused."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.act import Number
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.number import Range
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.prompt import Message, Prompt, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Limits, Request
from genai_social_sim.testing.language_models import small_request
from genai_social_sim.workers.bodies import UnreadableBodyError, body_of, request_of

TEXTS = st.text(max_size=20).map(Text.of)
ROLES: st.SearchStrategy[Role] = st.sampled_from(["system", "user", "assistant", "text"])
MESSAGES = st.tuples(ROLES, st.lists(TEXTS, max_size=4).map(tuple)).map(lambda parts: Message.of(*parts))


@pytest.mark.parametrize("persona_first", [False, True])
def test_a_request_comes_back_equal(*, persona_first: bool) -> None:
    request = small_request(round_no=3, persona_first=persona_first)._replace(limits=Limits(9.0, 1.0, None))
    assert request_of(body_of(request), deadline_s=9.0) == request


@given(
    messages=st.lists(MESSAGES, max_size=5),
    seed=st.integers(0, 2**63),
    choices=st.lists(st.text(max_size=5).map(lambda text: Text.of(text).value), max_size=3),
    temperature=st.none() | st.floats(0, 2),
)
def test_whatever_is_in_it_comes_back_equal(messages: Any, seed: int, choices: Any, temperature: Any) -> None:
    request = small_request()._replace(
        prompt=Prompt.of(tuple(messages)),
        seed=seed,
        choices=tuple(choices),
        sampling=Sampling(temperature=temperature, top_k=3, max_tokens=7),
    )
    assert request_of(body_of(request), deadline_s=120.0) == request


def in_a_forum() -> Request:
    """A request with all that most have nothing of."""
    request = small_request(round_no=1)
    first, *others = request.heard
    seen = (SeenPost(1, 1, None, "ada", "Hi.", 1, 0.5, 2, 0), SeenPost(2, 1, 1, "bo", "Ho.", 1, None, None, None))
    heard = (first._replace(to="bo"), *others)
    number = Number(range=Range(low=-0.5, high=1), may_pass=True)
    return request._replace(feed=seen, doing="choose", heard=heard, number=number)


def test_what_a_forum_shows_whom_words_are_for_and_ranges_come_back_equal() -> None:
    request = in_a_forum()
    assert request_of(body_of(request), deadline_s=120.0) == request


def test_no_field_of_a_request_is_left_behind() -> None:
    request = in_a_forum()._replace(weights=(0.5,), attributes=(("age", 41),))
    head, call, *_ = lines_of(body_of(request))
    beside = {"limits": {"connect_s", "first_token_s"}, "heard": set[str]()}  # the deadline travels beside the body
    wanted = {name for field in Request._fields for name in beside.get(field, {field})}
    assert wanted | {"messages"} == {*head, *call}


def test_what_was_said_travels_once() -> None:
    request = small_request(round_no=4, persona_first=True)
    body = body_of(request).decode()
    assert [body.count(json.dumps(line.text.value)) for line in request.heard] == [1] * len(request.heard)


def test_what_two_requests_have_in_common_is_the_same_bytes() -> None:
    before, after = (body_of(small_request(round_no=number)).split(b"\n") for number in (2, 3))
    assert before[0] != after[0]
    assert set(before[1:]) < set(after)


@pytest.mark.parametrize("length", [10, 10_000])
def test_equal_numbers_of_other_kinds_stay_apart(length: int) -> None:
    request = small_request()._replace(persona="x" * length)
    for attributes in ((("a", 1),), (("a", 1.0),), (("a", True),)):
        (name, value), *_ = request_of(body_of(request._replace(attributes=attributes)), deadline_s=1.0).attributes
        assert (name, type(value)) == ("a", type(attributes[0][1]))


def lines_of(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.split(b"\n")]


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (0, {"turn": -1}),
        (0, {"messages": 99}),
        (0, {"messages": -1}),
        (0, {"prompt": [99]}),
        (0, {"prompt": [-99]}),
        (0, {"unheard_of": 1}),
        (1, {"sampling": {"max_tokens": "many"}}),
        (1, {"agent": None}),
        (2, ["x", ["?"]]),
        (2, ["s", [0]]),
        (2, "s"),
        (-1, [0, "ada", "", "Hi.", ["u", [1]], ["u", [0]]]),
        (-1, [0, "ada", "", "Hi.", ["u", [0]]]),
        (-1, [0, "ada", "", None, ["u", [0]], ["u", [0]]]),
        (-1, {}),
    ],
)
def test_what_is_no_request_is_refused(line: int, change: Any) -> None:
    lines = lines_of(body_of(small_request(round_no=1)))
    lines[line] = {**lines[line], **change} if isinstance(change, dict) and isinstance(lines[line], dict) else change
    with pytest.raises(UnreadableBodyError):
        request_of("\n".join(map(json.dumps, lines)).encode(), deadline_s=1.0)


@given(st.binary(max_size=60), st.integers(0, 900))
def test_no_bytes_raise_anything_else(noise: bytes, at: int) -> None:
    whole = body_of(small_request(round_no=1))
    with contextlib.suppress(UnreadableBodyError):
        request_of(whole[:at] + noise + whole[at + len(noise) :], deadline_s=1.0)
