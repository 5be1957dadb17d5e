"""How far a topic holds a run already: read from its end, before a run goes on whose process may have been killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from genai_social_sim.broadcast.mirror import address_of, settings_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_PATIENCE_S: Final = 5.0
_MORE_S: Final = 0.5
_PAGE: Final = 1_000
_FARTHEST: Final = 200_000  # messages that are read, from the end of each partition
Holds = Callable[[int, str], bool]  # whether the record has that chain value at that position


def last_mirrored(url: str, *, run: str, holds: Holds) -> int:
    """Position of the last event that the topic of `url` holds; -1 if none is found, or the topic cannot be read.

    Other records may have been mirrored under the same name: only an event that is in this one counts.

    Raises:
        RequestError: If the address is none.
        BrokerError: If the client is not installed.
    """
    topic = address_of(url)
    from confluent_kafka import Consumer, KafkaException

    settings = settings_of(url) | {"group.id": "genai-social-sim", "enable.auto.commit": False, "log_level": 0}
    with closing(Consumer(settings)) as consumer:
        try:
            found = consumer.list_topics(topic, timeout=_PATIENCE_S).topics[topic]
            partitions = sorted(found.partitions or ())
            return max([_in_partition(consumer, topic, number, run, holds) for number in partitions], default=-1)
        except KafkaException:
            return -1


def _in_partition(consumer: Consumer, topic: str, number: int, run: str, holds: Holds) -> int:
    for page in _pages(consumer, topic, number):
        for message in reversed(page):
            if message.key() == run.encode() and (position := _position(message, holds)) is not None:
                return position
    return -1


def _pages(consumer: Consumer, topic: str, number: int) -> Iterator[list[Message]]:
    """The messages of a partition, the last ones first; each page in its order."""
    from confluent_kafka import TopicPartition

    first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_PATIENCE_S)
    first = max(first, end - _FARTHEST)
    beyond = _MORE_S  # what came since, or was not counted: there are servers that count batches
    while end > first:
        begin = max(first, end - _PAGE)
        consumer.assign([TopicPartition(topic, number, begin)])
        yield _read(consumer, end, beyond)
        end, beyond = begin, 0.0


def _read(consumer: Consumer, end: int, beyond: float) -> list[Message]:
    """Messages up to position `end`, and what comes within `beyond` seconds after it."""
    found: list[Message] = []
    while True:
        reached = bool(found) and (found[-1].offset() or 0) >= end - 1
        if reached and not beyond:
            break
        page = consumer.consume(_PAGE, timeout=beyond if reached else _PATIENCE_S)
        if not page:
            break  # a compacted topic has fewer messages than positions
        found += [each for each in page if each.error() is None]
    return found


def _position(message: Message, holds: Holds) -> int | None:
    """Where a message's event stands in the record; None if it is no event of it."""
    try:
        told: Any = json.loads(message.value() or b"")
        seq, chain = told["seq"], told["chain"]
    except (ValueError, TypeError, KeyError):
        return None
    return seq if isinstance(seq, int) and isinstance(chain, str) and holds(seq, chain) else None
