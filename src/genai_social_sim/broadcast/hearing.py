"""Listens to channels on a broker, for as long as somebody wants to, whether the broker is there or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from genai_social_sim.broadcast.connection import SILENCE_S, connected, faults, unreachable, why_away
from genai_social_sim.broadcast.message import Malformed, Message, read

OURS: Final = "gss:"  # begins the names of signals that are no channels of a study, whose names hold no colon
_LISTEN_S: Final = 1.0  # until it looks whether somebody wants to stop
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0
_REMEMBERED: Final = 1000  # messages by which one that is sent again is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The broker is there: from now on nothing is missed. `again` after it was away."""

    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """The broker went away, and why."""

    why: str


Heard = Message | Malformed | Listening | Away


def heard(url: str, channels: Sequence[str]) -> Iterator[Heard]:
    """What is published on `channels`, or on all if there are none; it never ends of itself.

    Raises:
        BrokerError: If the broker was not there to begin with.
    """
    known = _Known()
    again = False
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            with closing(connected(url)) as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
                _subscribe(subscription, channels)
                yield Listening(again=again)
                again, pause_s = True, _FIRST_PAUSE_S
                yield from _messages(subscription, known)
        except faults() as fault:
            if not again:
                raise unreachable(url, fault) from fault
            if pause_s == _FIRST_PAUSE_S:
                yield Away(why=why_away(fault))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _subscribe(subscription: Any, channels: Sequence[str]) -> None:
    if channels:
        subscription.subscribe(*channels)
    else:
        subscription.psubscribe("*")
    for _ in channels or ["*"]:
        subscription.get_message(timeout=SILENCE_S)  # the broker says that it did


def _messages(subscription: Any, known: _Known) -> Iterator[Message | Malformed]:
    while True:
        found = subscription.get_message(timeout=_LISTEN_S)
        if found is None or found["type"] not in ("message", "pmessage"):
            continue
        channel = found["channel"].decode("utf-8", "backslashreplace")
        if channel.startswith(OURS):
            continue
        message = read(channel, found["data"])
        if isinstance(message, Malformed) or known.is_new(message):
            yield message


class _Known:
    """Tells messages that a publisher sent again, not knowing whether they had come through."""

    def __init__(self) -> None:
        self._seen: dict[Message, None] = {}

    def is_new(self, message: Message) -> bool:
        if not message.run:
            return True  # somebody else's, who may say the same twice
        if message in self._seen:
            return False
        self._seen[message] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True
