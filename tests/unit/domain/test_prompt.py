"""What a prompt's hash binds, and what is sent of it."""

from __future__ import annotations

import pickle
from copy import deepcopy
from hashlib import sha256

import pytest
from hypothesis import given

from genai_social_sim.domain.prompt import ROLE_LETTERS, Message, Prompt, Role, message_of_one, message_of_three
from genai_social_sim.domain.text import Text
from genai_social_sim.testing.strategies import prompts


def message(role: Role, *pieces: str) -> Message:
    return Message.of(role, tuple(map(Text.of, pieces)))


def digest_by_hand(prompt: Prompt) -> bytes:
    covered = b""
    for each in prompt.messages:
        covered += each.role[0].encode()  # system, user, assistant, text
        covered += len(each.pieces).to_bytes(2, "big")
        covered += b"".join(sha256(piece.value.encode()).digest() for piece in each.pieces)
    return sha256(covered).digest()


@given(prompts())
def test_the_hash_is_the_one_its_docstring_describes(prompt: Prompt) -> None:
    assert prompt.digest == digest_by_hand(prompt)


def test_a_known_prompt_has_a_known_hash() -> None:
    prompt = Prompt.of((message("system", "Be brief."), message("user", "ada: ", "Hi.", "\n")))
    covered = b"s\0\1" + sha256(b"Be brief.").digest()
    covered += b"u\0\3" + sha256(b"ada: ").digest() + sha256(b"Hi.").digest() + sha256(b"\n").digest()
    assert prompt.digest == sha256(covered).digest()


@pytest.mark.parametrize(
    "other",
    [
        (message("user", "a"), message("user", "b")),
        (message("system", "a", "b"),),
        (message("user", "ab"),),
        (message("user", "b", "a"),),
        (message("user", "a", "b", ""),),
        (),
    ],
)
def test_no_other_prompt_has_its_hash(other: tuple[Message, ...]) -> None:
    assert Prompt.of(other).digest != Prompt.of((message("user", "a", "b"),)).digest


def test_a_chat_is_sent_with_roles_that_alternate() -> None:
    prompt = Prompt.of(
        (message("system", "S"), message("user", "a", "b"), message("user", "c"), message("assistant", "d"))
    )
    assert prompt.chat() == [("system", "S"), ("user", "abc"), ("assistant", "d")]
    assert not prompt.is_text


def test_a_plain_text_is_its_pieces_and_nothing_between_them() -> None:
    prompt = Prompt.of((message("text", "A talk.\n\n"), message("text", "ada: ", "Hi.", "\n"), message("text", "bo:")))
    assert prompt.is_text
    assert prompt.text == "A talk.\n\nada: Hi.\nbo:"
    assert prompt.messages[1].content == "ada: Hi.\n"


def test_an_empty_prompt_is_no_text() -> None:
    assert not Prompt.of(()).is_text
    assert Prompt.of(()).digest == sha256(b"").digest()


def test_a_prompt_can_be_copied_and_sent_to_another_process() -> None:
    prompt = Prompt.of((message("user", "ada: ", "Hi."), message("assistant", "Yes.")))
    assert deepcopy(prompt) == pickle.loads(pickle.dumps(prompt)) == prompt


def test_a_message_shows_what_it_says() -> None:
    assert repr(message("user", "ada: ", "Hi.")) == "Message('user', 'ada: Hi.')"


@pytest.mark.parametrize("role", ROLE_LETTERS)
def test_the_quick_ways_to_make_a_message_make_the_same_one(role: Role) -> None:
    one, two, three = map(Text.of, ("ada: ", "Hi.", "\n"))
    assert message_of_one(role, one) == Message.of(role, (one,))
    assert message_of_three(role, (one, two, three)) == Message.of(role, (one, two, three))
