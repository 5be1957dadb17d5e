"""What goes over a channel: readable by the original's programs, and theirs by us."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.broadcast.message import MOST_BYTES, Malformed, Message, read, stamped, written

SAID = Message(channel="hall", sender="ada", text="Hi.", timestamp=stamped(0.5), run="talk", turn=3, round=1)


def test_the_originals_keys_come_first_and_then_ours() -> None:
    keys = ["from", "message", "timestamp", "run", "channel", "turn", "round"]
    assert list(json.loads(written(SAID))) == keys


def test_the_time_is_read_by_the_originals_reader() -> None:
    value = json.loads(written(SAID))
    assert datetime.fromisoformat(value["timestamp"]).timestamp() == 0.5


@given(sender=st.text(min_size=1), text=st.text())
def test_what_was_written_is_read_again_and_is_ascii(sender: str, text: str) -> None:
    message = Message(channel="hall", sender=sender, text=text, timestamp=stamped(1e9), run="talk", turn=0, round=0)
    data = written(message)
    assert data.isascii()
    assert not any(byte < 0x20 for byte in data)
    assert read("hall", data) == message


def test_a_message_of_the_original_has_no_more_than_who_and_what() -> None:
    assert read("general", b'{"from": "BOT1", "message": "Hi."}') == (
        Message(channel="general", sender="BOT1", text="Hi.")
    )
    assert read("general", b'{"message": "Hi.", "turn": "x", "run": 7, "timestamp": null}') == (
        Message(channel="general", sender="unknown", text="Hi.")
    )


MALFORMED = {
    b"": "not JSON",
    b"hello": "not JSON",
    b"\xff\xfe{}": "not JSON",
    b"[" * 100_000: "not JSON",
    b"[1]": "no `message`",
    b'{"from": "a"}': "no `message`",
    b'{"message": 7}': "no `message`",
    b'{"message": "a", "from": ["b"]}': "`from` is no text",
    b'"' + b"x" * MOST_BYTES + b'"': "bytes",
}


@pytest.mark.parametrize(("data", "why"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_what_is_no_message_is_called_so(data: bytes, why: str) -> None:
    found = read("hall", data)
    assert isinstance(found, Malformed)
    assert why in found.why
    assert len(found.begins) <= 200


@given(st.binary())
def test_nothing_that_comes_over_a_channel_is_tripped_over(data: bytes) -> None:
    assert isinstance(read("hall", data), (Message, Malformed))
