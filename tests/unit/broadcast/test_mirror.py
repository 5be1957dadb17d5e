"""The observer that mirrors the record in a topic: over a real server of Kafka's protocol, which hangs or goes away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.support.brokers import BrokerServer

from genai_social_sim import Run, Study
from genai_social_sim.broadcast.mirror import Mirror, MirrorError, written
from genai_social_sim.cli.mirroring import RecordTail, mirroring
from genai_social_sim.domain.events import Noticed
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.budget import BudgetError
from genai_social_sim.errors import RequestError
from genai_social_sim.eventlog.chain import Chain
from genai_social_sim.eventlog.codec import Row
from genai_social_sim.eventlog.reader import SqliteReader
from genai_social_sim.testing.observers import CHECKS

TOPIC = "society"
SCRIPTED = """
name: talk
model: {backend: scripted, words: 8}
agents: [{name: ADA}, {name: "BJÖRN"}]
channels: {hall: {opening: {text: "Bréf 😀"}}}
stop: {turns: 300}
"""
NOWHERE = "kafka://127.0.0.1:1/society"
NOTICE = Noticed(what="stalled", turn=0, detail=Text.of(""))


def mirror(url: str, record: Path, **settings: Any) -> Mirror:
    return Mirror(url, run="talk", tail=RecordTail(record), **{"first": 0} | settings)


def topic_of(broker: BrokerServer) -> str:
    return f"{broker.url}/{TOPIC}"


def see_nothing_until_it_fails(observer: Mirror) -> None:
    while True:
        observer.saw([])


def record_of(study: Study, folder: Path) -> Path:
    return study.record_path(runs=folder)


def consumed(broker: BrokerServer, count: int) -> list[dict[str, Any]]:
    """What the plain client of anybody finds in the topic: `count` messages, and those that should not be there."""
    client = Consumer({"bootstrap.servers": f"127.0.0.1:{broker.port}", "group.id": "any", "log_level": 0})
    partitions = client.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    client.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
    messages = client.consume(count, timeout=20) + client.consume(1, timeout=0.2)
    client.close()
    return [json.loads(message.value() or b"") for message in messages]


def rows_of(path: Path) -> list[tuple[int, str, int | None, float, str]]:
    reader = SqliteReader(path)
    rows = [(row.seq, row.kind, row.turn, row.at, row.chain.hex()) for row in reader.stored()]
    reader.close()
    return rows


def test_a_consumer_sees_every_event_of_the_record_once_and_in_order(kafka: BrokerServer, tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED)
    observer = mirror(topic_of(kafka), record_of(study, tmp_path))
    run = study.run(runs=tmp_path, observers=[observer])
    assert observer.close() == 0
    rows = rows_of(run.path)
    seen = consumed(kafka, len(rows))
    assert [(one["seq"], one["kind"], one["turn"], one["at"], one["chain"]) for one in seen] == rows
    assert {one["run"] for one in seen} == {"talk"}


def test_what_was_mirrored_can_be_proved_without_the_record(kafka: BrokerServer, tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED)
    observer = mirror(topic_of(kafka), record_of(study, tmp_path))
    run = study.run(runs=tmp_path, observers=[observer])
    observer.close()
    chain = Chain()
    for one in consumed(kafka, len(rows_of(run.path))):
        body = json.dumps(one["body"], ensure_ascii=False, separators=(",", ":"))
        row = Row(one["kind"], one["turn"], body, tuple(map(Text.of, one["texts"])))
        assert chain.add(row, one["at"]).hex() == one["chain"]
    assert chain.digest.hex() == run.digest


def test_the_digest_and_the_file_are_those_of_a_run_without_it(kafka: BrokerServer, tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED)
    observer = mirror(topic_of(kafka), record_of(study, tmp_path / "one"))
    run = study.run(runs=tmp_path / "one", observers=[observer])
    beside = sorted(path.suffix for path in run.path.parent.iterdir())
    observer.close()
    plain = study.run(runs=tmp_path / "two")
    assert run.digest == plain.digest
    assert beside == sorted(path.suffix for path in plain.path.parent.iterdir())  # no write-ahead log is left over


def test_a_resumed_run_is_mirrored_from_where_it_went_on(kafka: BrokerServer, tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED, changes=["budget.tokens=2000"])
    path = record_of(study, tmp_path)
    first = mirror(topic_of(kafka), path)
    with pytest.raises(BudgetError):
        study.run(runs=tmp_path, observers=[first])
    assert first.close() == 0
    second = mirror(topic_of(kafka), path, first=len(rows_of(path)))
    with Run(path) as run:
        run.resume(observers=[second])
    second.close()
    rows = rows_of(path)
    assert [one["seq"] for one in consumed(kafka, len(rows))] == [row[0] for row in rows]


def published(broker: BrokerServer, path: Path, first: int, end: int) -> None:
    """Put some events of a record into the topic, as a process did that was killed then."""
    producer, tail = Producer({"bootstrap.servers": f"127.0.0.1:{broker.port}"}), RecordTail(path)
    for event in tail.after(first - 1)[: end - first]:
        producer.produce(TOPIC, key=path.stem, value=written(path.stem, event))
    producer.flush(10)
    tail.let_go()


def interrupted(folder: Path) -> Path:
    """A run that its budget has interrupted."""
    study = Study.parse(SCRIPTED, changes=["budget.tokens=2000"])
    with pytest.raises(BudgetError):
        study.run(runs=folder)
    return record_of(study, folder)


def resumed(broker: BrokerServer, path: Path) -> list[int]:
    """Positions of the events in the topic once the run has come to its end."""
    with mirroring(topic_of(broker), path) as mirrors, Run(path) as run:
        run.resume(observers=mirrors)
    return [one["seq"] for one in consumed(broker, len(rows_of(path)))]


def test_what_a_killed_process_had_committed_and_not_published_is_in_the_topic_after_all(
    kafka: BrokerServer, tmp_path: Path
) -> None:
    path = interrupted(tmp_path)
    published(kafka, path, 0, 15)
    seen = resumed(kafka, path)
    assert seen == [row[0] for row in rows_of(path)]


def test_a_run_that_is_first_mirrored_when_it_goes_on_is_mirrored_whole(kafka: BrokerServer, tmp_path: Path) -> None:
    path = interrupted(tmp_path)
    assert resumed(kafka, path) == [row[0] for row in rows_of(path)]


def test_events_of_another_record_of_the_same_name_do_not_count(kafka: BrokerServer, tmp_path: Path) -> None:
    path, other = interrupted(tmp_path / "one"), interrupted(tmp_path / "two")
    published(kafka, other, 0, 15)
    with mirroring(topic_of(kafka), path) as mirrors, Run(path) as run:
        run.resume(observers=mirrors)
    rows = rows_of(path)
    seen = consumed(kafka, 15 + len(rows))
    assert [(one["seq"], one["chain"]) for one in seen[15:]] == [(row[0], row[4]) for row in rows]


def test_a_mirrored_run_that_was_killed_lacks_nothing_once_it_is_resumed(kafka: BrokerServer, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(SCRIPTED.replace("words: 8", "words: 8, latency: 0.002"), encoding="utf-8")
    command = [sys.executable, "-m", "genai_social_sim.cli"]
    mirrored = ["--mirror", topic_of(kafka), "--runs", str(tmp_path)]
    begun = subprocess.Popen([*command, "run", str(tmp_path / "study.yaml"), *mirrored], stdout=subprocess.PIPE)
    for _ in range(40):
        assert begun.stdout
        begun.stdout.readline()
    begun.kill()
    begun.communicate()
    (path,) = tmp_path.glob("*.sqlite")
    subprocess.run([*command, "resume", str(path), "--quiet", *mirrored[:2]], check=True, capture_output=True)
    rows = rows_of(path)
    seen = [one["seq"] for one in consumed(kafka, len(rows))]
    assert list(dict.fromkeys(seen)) == [row[0] for row in rows], "a gap, or out of order"


def test_a_broker_that_comes_back_in_time_gets_what_waited(kafka: BrokerServer, tmp_path: Path) -> None:
    run = Study.parse(SCRIPTED).run(runs=tmp_path)
    kafka.kill()
    observer = mirror(topic_of(kafka), run.path)
    observer.saw([NOTICE] * len(rows_of(run.path)))
    while observer.why == "it was slow":
        pass
    kafka.start()
    assert observer.close(patience_s=20) == 0


def test_a_broker_that_stays_away_drops_the_mirror_on_the_record(tmp_path: Path) -> None:
    study = Study.parse(SCRIPTED)
    observer = mirror(NOWHERE, record_of(study, tmp_path / "one"), most_behind=10)
    run = study.run(runs=tmp_path / "one", observers=[observer])
    observer.close(patience_s=0.1)
    assert run.digest == study.run(runs=tmp_path / "two").digest
    reader = SqliteReader(run.path)
    (notice,) = [recorded.event for recorded in reader.events(kinds="noticed")]
    reader.close()
    assert isinstance(notice, Noticed)
    assert notice.what == "observer_dropped"
    assert "Mirror: MirrorError: events that the topic lacks: " in notice.detail.value


def test_a_broker_that_takes_nothing_for_too_long_is_an_error_of_the_next_event(tmp_path: Path) -> None:
    run = Study.parse(SCRIPTED).run(runs=tmp_path)
    observer = mirror(NOWHERE, run.path, away_s=0.1)
    observer.saw([NOTICE])
    with pytest.raises(MirrorError, match=r"events that the topic lacks: 1 \(.*refused"):
        see_nothing_until_it_fails(observer)


def test_a_broker_that_hangs_does_not_hold_up_the_end(kafka: BrokerServer, tmp_path: Path) -> None:
    run = Study.parse(SCRIPTED).run(runs=tmp_path)
    kafka.pause()
    observer = mirror(topic_of(kafka), run.path)
    observer.saw([NOTICE])
    assert observer.close(patience_s=0.1) == 1
    kafka.go_on()


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:6379/society", "kafka:///society", "kafka://lab:9092", "kafka://lab/so ciety", "", "lab"]
)
def test_an_address_without_a_topic_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="kafka://HOST:PORT/TOPIC"):
        mirror(url, tmp_path / "none.sqlite")


def test_a_setting_that_the_client_does_not_know_is_refused_and_no_password_is_shown(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no\.such") as refusal:
        mirror("kafka://lab:9092/society?sasl.password=hush&no.such=1", tmp_path / "none.sqlite")
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_it_takes_what_a_run_may_hold(kafka: BrokerServer, tmp_path: Path, check: Any) -> None:
    run = await Study.parse(SCRIPTED).arun(runs=tmp_path)
    opened: list[Mirror] = []

    def new_observer() -> Mirror:
        opened.append(mirror(topic_of(kafka), run.path))
        return opened[-1]

    await check(new_observer)
    assert [one.close() for one in opened] == [0] * len(opened)
