"""An observer that mirrors the record in a Kafka topic: each committed event in order, with its place in the chain.

It is only told that there are events. A thread of its own reads them from the record, so that a broker that is slow or
away holds up nothing and takes no memory. One that stays away, or falls too far behind, is an error: the engine drops
the mirror, on the record. It knows nothing of how a record is stored: see `Tail`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from genai_social_sim.domain.events import Event, SessionEnded
from genai_social_sim.errors import BrokerError, RequestError, SocialSimError

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

MOST_BEHIND: Final = 10_000  # events that the topic may lack while the run goes on
AWAY_S: Final = 30.0  # for which a broker may take nothing
_PATIENCE_S: Final = 3.0  # at the end, for a broker that takes nothing
_LOOK_S: Final = 0.5  # until it looks whether somebody wants to stop
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")


class Committed(NamedTuple):
    """An event as it stands in the record. `body` is JSON; `texts` are those that it refers to, in their order."""

    seq: int
    kind: str
    turn: int | None
    at: float  # seconds since the epoch, UTC
    body: str
    texts: tuple[str, ...]
    chain: bytes


class Tail(Protocol):
    """The end of a record that is being written."""

    def after(self, seq: int) -> Sequence[Committed]:
        """The next events with a larger `seq`, in order, some hundreds at most; empty if there are none yet."""

    def let_go(self) -> None:
        """Hold the file no longer, until it is asked again; from any thread."""


class MirrorError(SocialSimError):
    """The broker takes events more slowly than they come, or not at all."""

    code = "mirror"


class Mirror:
    """Publishes events of a record in the topic of `url`, under the key `run`: those it lacks, then what is committed.

    Args:
        url: kafka://HOST:PORT/TOPIC; several hosts are divided by commas, settings of librdkafka follow a `?`.
        run: What the run is called.
        tail: The record.
        first: Position of the first event that is to be mirrored.
        lacking: Events from there on that are in the record already.
        most_behind: Events that the topic may lack while the run goes on.
        away_s: For how long the broker may take nothing.

    Raises:
        RequestError: If the address is none.
        BrokerError: If the client is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        run: str,
        tail: Tail,
        first: int,
        lacking: int = 0,
        most_behind: int = MOST_BEHIND,
        away_s: float = AWAY_S,
    ) -> None:
        self._topic, self._producer = _opened(url, away_s, self._told_away)
        self._run = run
        self._tail = tail
        self._last = first - 1  # position of the last event that was handed to the client
        self._most_behind = most_behind + lacking
        self._seen, self._sent, self._kept = lacking, 0, 0  # events: known of, handed to the client, in the topic
        self._resting = self._closing = False  # resting: the run is about to complete its file, which wants no reader
        self._news = threading.Condition()
        self._reading = threading.Lock()
        self._given_up = threading.Event()
        self._fault = ""  # why it cannot go on
        self._away = ""  # what the client said last of a broker that it does not reach
        self._thread = threading.Thread(target=self._work, name="genai-social-sim-mirror", daemon=True)
        self._thread.start()

    @property
    def why(self) -> str:
        """Why events are missing from the topic."""
        return self._fault or self._away or "it was slow"

    def saw(self, events: Sequence[Event]) -> None:
        """Have them mirrored; raises MirrorError once that cannot be done, or too many wait for it."""
        with self._news:
            self._seen += len(events)
            self._resting = self._resting or any(isinstance(event, SessionEnded) for event in events)
            behind = self._seen - self._kept
            self._news.notify()
        if self._fault or behind > self._most_behind:
            self._given_up.set()
            self._tail.let_go()
            raise MirrorError(f"events that the topic lacks: {behind:,} ({self.why})")
        if self._resting:
            with self._reading:
                self._tail.let_go()

    def close(self, *, patience_s: float = _PATIENCE_S) -> int:
        """Let go, once the topic has every event or takes none for `patience_s`; how many it lacks."""
        with self._news:
            self._closing = True
            self._news.notify()
        before = -1
        while self._thread.is_alive() and before < self._kept:
            before = self._kept
            self._thread.join(patience_s)
        self._given_up.set()
        self._thread.join(2 * _LOOK_S)
        return max(0, self._seen - self._kept)  # the record may be ahead of what it was told

    def _work(self) -> None:
        try:
            while page := self._next():
                self._publish(page)
        except Exception as fault:  # noqa: BLE001 (whatever it is, the run goes on; told when it next sees events)
            self._fault = self._fault or str(fault).rstrip(".")
        finally:
            self._producer.purge()
            self._tail.let_go()

    def _next(self) -> Sequence[Committed]:
        """The next events; none once it is to stop, or to close and nothing is left."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closing or (self._sent < self._seen and not self._resting))
            if self._given_up.is_set() or self._sent >= self._seen:
                return ()
            with self._reading:
                if self._closing or not self._resting:  # looked at again: what rests must not be opened any more
                    return self._tail.after(self._last)

    def _publish(self, page: Sequence[Committed]) -> None:
        for event in page:
            self._producer.produce(
                self._topic, key=self._run, value=written(self._run, event), on_delivery=self._delivered
            )
            self._last = event.seq
        self._sent += len(page)
        while self._producer.flush(_LOOK_S) and not self._given_up.is_set():
            pass
        if self._fault:
            raise MirrorError(self._fault)

    def _delivered(self, fault: KafkaError | None, _: Message) -> None:
        if fault is None:
            self._kept += 1
            self._away = ""
        elif not self._fault:
            self._fault = self._away or fault.str()
            self._producer.purge()  # nothing is to follow a gap

    def _told_away(self, fault: KafkaError) -> None:
        self._away = fault.str()


def written(run: str, event: Committed) -> bytes:
    """The message of an event: a JSON object from which the chain can be computed again."""
    place = {"run": run, "seq": event.seq, "at": event.at, "kind": event.kind, "turn": event.turn}
    texts, chain = json.dumps(event.texts, ensure_ascii=False), event.chain.hex()
    return f'{json.dumps(place)[:-1]}, "body": {event.body}, "texts": {texts}, "chain": "{chain}"}}'.encode()


def address_of(url: str) -> str:
    """The topic of an address; raises RequestError if it is none."""
    parts = urlsplit(url)
    topic = parts.path.removeprefix("/")
    if parts.scheme != "kafka" or not parts.netloc or "@" in parts.netloc or not _TOPIC.fullmatch(topic):
        raise _refused("a mirror needs the address of a topic", parts.scheme)
    return topic


def settings_of(url: str) -> dict[str, Any]:
    """What an address tells any client; raises BrokerError if there is none here."""
    if find_spec("confluent_kafka") is None:
        remedy = "Install its client: pip install 'genai-social-sim[kafka]'"
        raise BrokerError("the client for Kafka is not installed", remedy=remedy)
    parts = urlsplit(url)
    return {"bootstrap.servers": parts.netloc, **dict(parse_qsl(parts.query))}


def _opened(url: str, away_s: float, told_away: Any) -> tuple[str, Producer]:
    """The topic of an address, and a client that connects when it is first used."""
    topic, given = address_of(url), settings_of(url)
    from confluent_kafka import KafkaException, Producer

    settings = {
        "enable.idempotence": True,  # in order, and each once, whatever has to be sent again
        "message.timeout.ms": int(1000 * away_s),
        "log_level": 0,  # what it has to say goes to `error_cb`
    }
    try:
        return topic, Producer(settings | given | {"error_cb": told_away})
    except (KafkaException, TypeError, ValueError) as fault:
        raise _refused(f"the client for Kafka refuses these settings ({_words(fault)})", "kafka") from fault


def _refused(problem: str, scheme: str) -> RequestError:
    """The error for an address that is none; it does not repeat the address, which may hold a password."""
    return RequestError(
        f"{problem}, not {scheme or 'an address without a scheme'}" if scheme != "kafka" else problem,
        where="--mirror",
        remedy="Write kafka://HOST:PORT/TOPIC; settings of librdkafka may follow: ?security.protocol=SSL",
    )


def _words(fault: Exception) -> str:
    error = fault.args[0] if fault.args else fault
    return str(error.str() if hasattr(error, "str") else error).rstrip(".")
