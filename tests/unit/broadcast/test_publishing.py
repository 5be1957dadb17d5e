"""The observer that publishes: over a real broker that is there, goes away, hangs, or never was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.support.brokers import BrokerServer

from genai_social_sim import Study
from genai_social_sim.broadcast.publishing import LaggingError, Publisher
from genai_social_sim.domain.events import Event, Noticed, Opened, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.clock import SystemClock
from genai_social_sim.errors import RequestError
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.testing.observers import CHECKS

HALL = ChannelId("hall")
SCRIPTED = """
name: talk
model: {backend: scripted, words: 8}
agents: [{name: ADA}, {name: BO}]
channels: {hall: {}}
stop: {turns: 30}
"""
NOWHERE = "redis://127.0.0.1:1"


def spoke(turn: int) -> Spoke:
    return Spoke(
        turn=turn, round=turn, channel=HALL, agent=AgentId("ada"), text=Text.of(f"{turn}"), call=bytes(32), tokens=1
    )


def publisher(url: str, **settings: Any) -> Publisher:
    return Publisher(url, run="talk", clock=SystemClock(), **settings)


@pytest.fixture
def heard(valkey: BrokerServer) -> Iterator[Any]:
    """A subscription of the plain client, as any program of somebody else's has."""
    client: Any = redis.Redis(port=valkey.port)
    subscription = client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(HALL)
    subscription.get_message(timeout=5)
    yield subscription
    subscription.close()
    client.close()


def next_of(subscription: Any) -> dict[str, Any]:
    while (found := subscription.get_message(timeout=5)) is None:
        pass
    value: dict[str, Any] = json.loads(found["data"])
    return value


def test_what_is_said_is_published_in_order_and_nothing_else(valkey: BrokerServer, heard: Any) -> None:
    events: list[Event] = [
        Opened(channel=HALL, speaker="system", text=Text.of("Begin.")),
        spoke(0),
        Noticed(what="stalled", turn=0, detail=Text.of("")),
        spoke(1),
    ]
    observer = publisher(valkey.url)
    observer.saw(events)
    said = [next_of(heard) for _ in range(3)]
    assert [(one["from"], one["message"], one["turn"]) for one in said] == [
        ("system", "Begin.", None),
        ("ada", "0", 0),
        ("ada", "1", 1),
    ]
    assert observer.close() == 0


def test_a_broker_that_comes_back_gets_what_waited(valkey: BrokerServer) -> None:
    observer = publisher(valkey.url)
    valkey.stop()
    observer.saw([spoke(0), spoke(1)])
    while not observer.away:
        pass
    valkey.start()
    assert observer.close(within_s=20) == 0
    assert observer.away == ""


def test_an_observer_of_a_broker_that_is_away_holds_up_nothing_and_fails_in_the_end() -> None:
    observer = publisher(NOWHERE, most_kept=10)
    observer.saw([spoke(turn) for turn in range(10)])
    with pytest.raises(LaggingError, match="10 messages wait for the broker"):
        observer.saw([spoke(10)])
    observer.close()


def test_a_run_goes_on_without_it_and_its_record_says_so(tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED)
    observer = publisher(NOWHERE, most_kept=10)
    run = study.run(runs=tmp_path / "one", observers=[observer])
    observer.close()
    assert run.digest == study.run(runs=tmp_path / "two").digest
    reader = SqliteReader(run.path)
    (notice,) = [recorded.event for recorded in reader.events(kinds="noticed")]
    reader.close()
    assert isinstance(notice, Noticed)
    assert notice.what == "observer_dropped"
    assert "10 messages wait for the broker" in notice.detail.value


def test_it_says_how_much_did_not_get_through_and_why() -> None:
    observer = publisher(NOWHERE)
    observer.saw([spoke(0), spoke(1)])
    while not observer.away:
        pass
    assert observer.close() == 2
    assert "refused" in observer.away


def test_a_broker_that_hangs_does_not_hold_up_the_end(valkey: BrokerServer) -> None:
    observer = publisher(valkey.url)
    valkey.pause()
    observer.saw([spoke(0)])
    assert observer.close(within_s=0.1) == 1
    valkey.go_on()


@pytest.mark.parametrize("url", ["nats://127.0.0.1:4222", "127.0.0.1:6379", ""])
def test_a_broker_without_channels_is_refused(url: str) -> None:
    with pytest.raises(RequestError, match="Redis or Valkey"):
        publisher(url)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_it_takes_what_a_run_may_hold(valkey: BrokerServer, check: Any) -> None:
    opened: list[Publisher] = []

    def new_observer() -> Publisher:
        opened.append(publisher(valkey.url))
        return opened[-1]

    await check(new_observer)
    assert [one.close() for one in opened] == [0] * len(opened)
