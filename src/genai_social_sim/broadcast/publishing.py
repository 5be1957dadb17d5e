"""An observer that publishes what is said on Redis Pub/Sub, on the channel of the same name.

A thread of its own does the talking, so that a broker that is slow or away never holds up the run. What it cannot get
rid of is kept up to a limit; beyond that it fails, and the engine drops it, on the record.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final, TypeGuard

from genai_social_sim.broadcast.connection import connected, why_away
from genai_social_sim.broadcast.message import Message, stamped, written
from genai_social_sim.domain.events import Event, Intervened, Opened, Spoke
from genai_social_sim.errors import SocialSimError
from genai_social_sim.ports import Clock

MOST_KEPT: Final = 10_000  # messages that wait for the broker
_AT_ONCE: Final = 500  # in one exchange
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


class LaggingError(SocialSimError):
    """The broker takes messages more slowly than they come, or not at all."""

    code = "lagging"


class Publisher:
    """Tells each committed utterance to whoever subscribed to its channel.

    Args:
        url: Of the broker.
        run: What the run is called, by which viewers tell runs apart.
        clock: For the time stamps.
        most_kept: Messages that may wait for the broker.
    """

    def __init__(self, url: str, *, run: str, clock: Clock, most_kept: int = MOST_KEPT) -> None:
        self._client = connected(url)
        self._run = run
        self._clock = clock
        self._most_kept = most_kept
        self._kept: deque[tuple[str, bytes]] = deque()
        self._news = threading.Condition()
        self._closing = False
        self._given_up = threading.Event()
        self.away = ""  # why the broker does not take anything; empty while it does
        self._thread = threading.Thread(target=self._work, name="genai-social-sim-publisher", daemon=True)
        self._thread.start()

    def saw(self, events: Sequence[Event]) -> None:
        """Publish what was said; raises LaggingError once too much waits."""
        put_in = [event.said if isinstance(event, Intervened) else (event,) for event in events]
        said = [self._message(each) for every in put_in for each in every if _is_said(each)]
        if not said:
            return
        with self._news:
            if len(self._kept) + len(said) > self._most_kept:
                self._kept.clear()
                raise LaggingError(f"{self._most_kept:,} messages wait for the broker ({self.away or 'it is slow'})")
            self._kept.extend(said)
            self._news.notify()

    def close(self, *, within_s: float = 2.0) -> int:
        """Let go, after what waits was published if that can be; how many messages were not."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(within_s)
        self._given_up.set()
        return len(self._kept)

    def _message(self, event: Opened | Spoke) -> tuple[str, bytes]:
        turn = (event.turn, event.round) if isinstance(event, Spoke) else (None, None)
        message = Message(
            channel=event.channel,
            sender=event.agent if isinstance(event, Spoke) else event.speaker,
            text=event.text.value,
            timestamp=stamped(self._clock.now()),
            run=self._run,
            turn=turn[0],
            round=turn[1],
            to=(event.to or "") if isinstance(event, Spoke) else "",
        )
        return event.channel, written(message)

    def _work(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while batch := self._next():
                try:
                    self._publish(batch)
                except Exception as fault:  # noqa: BLE001 (whatever it is, the run goes on; told when it is closed)
                    self.away = why_away(fault)
                    if self._given_up.wait(pause_s):
                        return
                    pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                else:
                    self.away, pause_s = "", _FIRST_PAUSE_S
        finally:
            self._client.close()

    def _next(self) -> list[tuple[str, bytes]]:
        """The oldest messages; none once it is to close and nothing is left."""
        with self._news:
            self._news.wait_for(lambda: self._kept or self._closing)
            return list(islice(self._kept, _AT_ONCE))

    def _publish(self, batch: list[tuple[str, bytes]]) -> None:
        pipeline = self._client.pipeline(transaction=False)
        for channel, message in batch:
            pipeline.publish(channel, message)
        pipeline.execute()
        with self._news:
            for _ in batch:
                if self._kept:
                    self._kept.popleft()


def _is_said(event: Event) -> TypeGuard[Opened | Spoke]:
    """Whether it is an opening or an utterance; an act in a forum is neither."""
    return isinstance(event, Opened) or (isinstance(event, Spoke) and event.feed is None)
