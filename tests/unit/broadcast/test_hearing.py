"""Listening to channels while brokers and publishers do what they do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from tests.support.brokers import BrokerServer

from genai_social_sim.broadcast.hearing import Away, Heard, Listening, heard
from genai_social_sim.broadcast.message import Malformed, Message, written
from genai_social_sim.errors import BrokerError


def until(kind: type, listening: Iterator[Heard]) -> Heard:
    return next(one for one in listening if isinstance(one, kind))


def test_what_is_published_on_a_channel_is_heard(valkey: BrokerServer) -> None:
    client = redis.Redis(port=valkey.port)
    listening = heard(valkey.url, ["general"])
    assert next(listening) == Listening(again=False)
    client.publish("weather", b'{"message": "elsewhere"}')
    client.publish("general", b"\xff")
    client.publish("general", b'{"from": "BOT1", "message": "Hi."}')
    assert isinstance(next(listening), Malformed)
    assert next(listening) == Message(channel="general", sender="BOT1", text="Hi.")
    client.close()


def test_without_names_all_channels_are_heard_but_our_own_signals(valkey: BrokerServer) -> None:
    client = redis.Redis(port=valkey.port)
    listening = heard(valkey.url, [])
    next(listening)
    client.publish("gss:opening:general", b'{"message": "a signal"}')
    client.publish("any", b'{"message": "Hi."}')
    assert next(listening) == Message(channel="any", sender="unknown", text="Hi.")
    client.close()


def test_what_a_run_sends_again_is_heard_once_and_what_others_repeat_twice(valkey: BrokerServer) -> None:
    client = redis.Redis(port=valkey.port)
    ours = Message(channel="general", sender="ada", text="Hi.", timestamp="now", run="talk", turn=1, round=0)
    theirs = Message(channel="general", sender="BOT1", text="Hi.")
    listening = heard(valkey.url, ["general"])
    next(listening)
    for message in (ours, ours, theirs, theirs):
        client.publish("general", written(message))
    assert [next(listening) for _ in range(3)] == [ours, theirs, theirs]
    client.close()


def test_it_goes_on_once_the_broker_is_back_and_says_so(valkey: BrokerServer) -> None:
    listening = heard(valkey.url, ["general"])
    next(listening)
    valkey.stop()
    assert isinstance(until(Away, listening), Away)
    valkey.start()
    assert next(listening) == Listening(again=True)
    with closing(redis.Redis(port=valkey.port)) as client:
        client.publish("general", b'{"message": "again"}')
    assert next(listening) == Message(channel="general", sender="unknown", text="again")


def test_a_broker_that_was_never_there_is_an_error_with_a_remedy() -> None:
    with pytest.raises(BrokerError) as caught:
        next(heard("redis://me:secret@127.0.0.1:1", ["general"]))
    assert "secret" not in str(caught.value)
    assert "gss doctor" in caught.value.remedy
