"""NATS with JetStream: a work queue for each run, a subject for each item, acknowledged when its result is in.

A run's names: streams GSS_T_JOBS (subjects gss.T.jobs.KEY.ITEM) and GSS_T_REPORTS, T being a hash of the run's name,
and its offer under T in the bucket `gss-offers`. A subject holds one message: an item that is there cannot come twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from ssl import SSLCertVerificationError
from typing import Any, Final
from urllib.parse import urlsplit

import nats
import nats.errors
from nats.js import api
from nats.js.errors import (
    APIError,
    BadRequestError,
    BucketNotFoundError,
    Error,
    KeyNotFoundError,
    NoStreamResponseError,
    NotFoundError,
)

from genai_social_sim.errors import BrokerError, FencedError
from genai_social_sim.ports import (
    Arrival,
    CoordinatorEnd,
    Delivery,
    Health,
    Holding,
    Offer,
    Report,
    Unreadable,
    WorkerEnd,
    WorkItem,
)
from genai_social_sim.workers.certificates import remedy_for
from genai_social_sim.workers.parcels import Parcel, parcels
from genai_social_sim.workers.wire import fitting, item_from, item_to, offer_from, offer_to, reports_from

_PATIENCE_S: Final = 5.0
_KEPT_S: Final = 3600.0  # after a coordinator was last heard of, its run's names go
_MOST: Final = 256  # reports that are read at once
_BUCKET: Final = "gss-offers"
_BELL: Final = "gss.bell"
_FULL_SUBJECT: Final = 10077  # the item is there already


def open_transport(url: str) -> NatsTransport:
    """A transport at `nats://` or `tls://`; connects when it is first used."""
    return NatsTransport(url)


def token(run: str) -> str:
    """A run's name as a part of names at the broker."""
    return sha256(run.encode()).hexdigest()[:20]


class NatsTransport:
    """A NATS server or cluster."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.where: Final = f"{parts.scheme}://{parts.hostname or ''}:{parts.port or 4222}"
        self._url = url
        self._client: Any = None
        self._distrust: Exception | None = None  # of the server's certificate
        self._connecting = asyncio.Lock()

    def coordinate(self, run: str) -> CoordinatorEnd:
        """The coordinator's end for one run."""
        return _NatsCoordinator(self, run)

    def serve(self, worker: str) -> WorkerEnd:
        """A worker's end."""
        return _NatsWorker(self)

    async def health(self) -> Sequence[Health]:
        """Version, JetStream, and how large a message may be."""
        from genai_social_sim.workers.jetstream_health import examined

        async with self.talking() as client:
            return await examined(client, self.where)

    async def holding(self, run: str) -> Holding | None:
        """As the run's consumers tell it, one for each model."""
        async with self.talking() as client:
            try:
                found = await client.jetstream(timeout=_PATIENCE_S).consumers_info(_jobs(token(run)))
            except NotFoundError:
                return None
        return Holding(sum(each.num_pending or 0 for each in found), sum(each.num_ack_pending or 0 for each in found))

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            with suppress(nats.errors.Error, OSError, TimeoutError):
                await self._client.close()

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[Any]:
        """The client; what it raises becomes `BrokerError`."""
        try:
            yield await self._connected()
        except (Error, nats.errors.Error, OSError, TimeoutError) as fault:
            told = self._distrust or fault  # the client goes on trying, and says why to its callback alone
            raise BrokerError(
                f"no answer from the broker ({str(told) or type(told).__name__})",
                where=self.where,
                remedy=remedy_for(told, "Is it running, with JetStream? Ask: gss doctor --broker URL"),
            ) from fault

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._client is None or self._client.is_closed:
                async with asyncio.timeout(_PATIENCE_S):
                    self._client = await nats.connect(
                        self._url,
                        max_reconnect_attempts=-1,
                        reconnect_time_wait=0.1,
                        connect_timeout=2,
                        ping_interval=5,
                        max_outstanding_pings=2,
                        error_cb=self._noted,
                        disconnected_cb=_nothing,
                        closed_cb=_nothing,
                        reconnected_cb=_nothing,
                    )
            if not self._client.is_connected:
                raise nats.errors.ConnectionReconnectingError
            self._distrust = None
            return self._client

    async def _noted(self, fault: Exception) -> None:
        """What fails is told by the verb that failed, which does not learn of certificates."""
        if isinstance(fault, SSLCertVerificationError):
            self._distrust = fault


async def _nothing() -> None:
    """What fails is told by the verb that failed."""


class _NatsCoordinator:
    def __init__(self, broker: NatsTransport, run: str) -> None:
        self._broker = broker
        self._token = token(run)
        self._reports: Any = None
        self._announced: Offer | None = None
        self._read = 0  # the last report; in a broker that was wiped they begin anew, and then nothing waits to be read

    async def announce(self, offer: Offer) -> None:
        async with self._broker.talking() as client:
            js = client.jetstream(timeout=_PATIENCE_S)
            bucket = await _bucket(js)
            await self._claim(bucket, offer)
            await self._made(js, offer)
            if offer != self._announced:
                await client.publish(_BELL, b"")
            self._announced = offer

    async def send(self, items: Sequence[WorkItem], *, again: bool = False) -> Sequence[WorkItem]:
        async with self._broker.talking() as client:
            js = client.jetstream(timeout=_PATIENCE_S)
            if again and (await js.stream_info(_reports(self._token))).state.last_seq > self._read:
                return []
            messages = [_fitting(client, item_to(item), f"turn {item.turn}") for item in items]
            added = await asyncio.gather(*[self._sent(js, *pair) for pair in zip(items, messages, strict=True)])
            return [item for item, was_added in zip(items, added, strict=True) if was_added]

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        async with self._broker.talking() as client:
            if self._reports is None:
                js = client.jetstream(timeout=_PATIENCE_S)
                self._reports = await js.pull_subscribe_bind("coordinator", _reports(self._token))
            messages = await _fetched(self._reports, _MOST, longest_s)
            for message in messages:
                await message.ack()
                self._read = message.metadata.sequence.stream
            return [arrival for message in messages for arrival in reports_from(message.data)]

    async def clear(self) -> None:
        async with self._broker.talking() as client:
            js = client.jetstream(timeout=_PATIENCE_S)
            with suppress(BucketNotFoundError, NotFoundError, KeyNotFoundError):
                await (await js.key_value(_BUCKET)).purge(self._token)
            for stream in (_jobs(self._token), _reports(self._token)):
                with suppress(NotFoundError):
                    await js.delete_stream(stream)

    async def _claim(self, bucket: Any, offer: Offer) -> None:
        """Put the offer into the bucket, unless another coordinator's is there; nobody comes between."""
        message = offer_to(offer)
        try:
            entry = await bucket.get(self._token)
        except KeyNotFoundError:
            await bucket.put(self._token, message)
            return
        before = offer_from(entry.value)
        if isinstance(before, Offer) and before.coordinator != offer.coordinator and before.epoch >= offer.epoch:
            raise FencedError(
                f"another coordinator works on this run ({before.coordinator})",
                where=self._broker.where,
                remedy="Let only one process work on a run.",
            )
        await bucket.update(self._token, message, last=entry.revision)

    async def _made(self, js: Any, offer: Offer) -> None:
        """See that the run's streams and consumers are there; a broker that was wiped has lost them."""
        await _stream(js, _jobs(self._token), f"gss.{self._token}.jobs.>", one_each=True)
        await _stream(js, _reports(self._token), f"gss.{self._token}.reports", one_each=False)
        await _consumer(js, _reports(self._token), "coordinator", f"gss.{self._token}.reports", ack_wait_s=2.0)
        for wanted in offer.wanted:
            if wanted.identity:
                subject = f"gss.{self._token}.jobs.{wanted.key}.*"
                await _consumer(js, _jobs(self._token), wanted.key, subject, ack_wait_s=offer.lease_s)

    async def _sent(self, js: Any, item: WorkItem, message: bytes) -> bool:
        subject = f"gss.{self._token}.jobs.{item.key}.{item.turn}-{item.attempt}-{item.digest[:16]}"
        try:
            await js.publish(subject, message, stream=_jobs(self._token))
        except (BadRequestError, APIError) as fault:
            if fault.err_code == _FULL_SUBJECT:
                return False
            raise
        return True


class _NatsWorker:
    def __init__(self, broker: NatsTransport) -> None:
        self._broker = broker
        self._queues: dict[tuple[str, str], Any] = {}
        self._bell: Any = None

    async def offers(self) -> Sequence[Offer | Unreadable]:
        async with self._broker.talking() as client:
            js = client.jetstream(timeout=_PATIENCE_S)
            try:
                bucket = await js.key_value(_BUCKET)
                about = await js.stream_info(f"KV_{_BUCKET}", subjects_filter=">")
            except (BucketNotFoundError, NotFoundError):
                return []
            found = []
            for subject in about.state.subjects or {}:
                with suppress(KeyNotFoundError):
                    found.append(offer_from((await bucket.get(subject.rpartition(".")[2])).value or b""))
            return found

    async def take(self, room: Mapping[tuple[str, str], int], longest_s: float) -> Sequence[Delivery | Unreadable]:
        async with self._broker.talking() as client:
            if not room:
                await self._listen(client, longest_s)
                return []
            js = client.jetstream(timeout=_PATIENCE_S)
            taken: list[Delivery | Unreadable] = []
            for place, most in room.items():
                wait_s = 0.001 if taken else longest_s / len(room)
                taken += [await _delivery(message) for message in await self._fetch(js, place, most, wait_s)]
            return taken

    async def renew(self, deliveries: Sequence[Delivery]) -> None:
        async with self._broker.talking():
            for delivery in deliveries:
                await delivery.token.in_progress()

    async def report(self, told: Sequence[tuple[Report, Delivery | None]]) -> Sequence[bool]:
        async with self._broker.talking() as client:
            js = client.jetstream(timeout=_PATIENCE_S)
            packed = parcels([report for report, _ in told], most=client.max_payload)
            for each in packed:
                _fitting(client, each.message, "a report")
            taken = [False] * len(told)
            for each in packed:
                done = [delivery for number in each.numbers if (delivery := told[number][1]) is not None]
                if await self._reported(js, each, done):
                    for number in each.numbers:
                        taken[number] = True
            return taken

    async def _reported(self, js: Any, parcel: Parcel, done: Sequence[Delivery]) -> bool:
        try:
            await js.publish(f"gss.{token(parcel.run)}.reports", parcel.message)
        except NoStreamResponseError:
            return False
        with suppress(TimeoutError, nats.errors.TimeoutError):  # the results are there; at worst they come twice
            await asyncio.gather(*[delivery.token.ack_sync(timeout=_PATIENCE_S) for delivery in done])
        return True

    async def _fetch(self, js: Any, place: tuple[str, str], most: int, longest_s: float) -> list[Any]:
        run, key = place
        if place not in self._queues:
            try:
                self._queues[place] = await js.pull_subscribe_bind(key, _jobs(token(run)))
            except NotFoundError:
                await asyncio.sleep(min(longest_s, 0.2))
                return []
        return await _fetched(self._queues[place], most, longest_s)

    async def _listen(self, client: Any, longest_s: float) -> None:
        if self._bell is None:
            self._bell = await client.subscribe(_BELL)
        with suppress(TimeoutError, nats.errors.TimeoutError):
            await self._bell.next_msg(timeout=longest_s)


def _fitting(client: Any, message: bytes, what: str) -> bytes:
    remedy = "Raise max_payload in the server's configuration (max_payload: 8MB), then go on: gss resume RUN"
    return fitting(message, client.max_payload, what=what, remedy=remedy)


async def _fetched(subscription: Any, most: int, longest_s: float) -> list[Any]:
    try:
        found: list[Any] = await subscription.fetch(most, timeout=max(0.01, longest_s))
    except (TimeoutError, nats.errors.TimeoutError):
        return []
    return found


async def _delivery(message: Any) -> Delivery | Unreadable:
    item = item_from(message.data)
    if isinstance(item, Unreadable):
        await message.term()
        return item
    return Delivery(item, message.metadata.num_delivered, message)


async def _bucket(js: Any) -> Any:
    try:
        return await js.key_value(_BUCKET)
    except (BucketNotFoundError, NotFoundError):
        return await js.create_key_value(bucket=_BUCKET, ttl=_KEPT_S, history=1)


async def _stream(js: Any, name: str, subject: str, *, one_each: bool) -> None:
    """A work queue: what is acknowledged is gone. `one_each`: a subject holds one message, and refuses a second."""
    await js.add_stream(
        name=name,
        subjects=[subject],
        retention=api.RetentionPolicy.WORK_QUEUE,
        max_msgs_per_subject=1 if one_each else -1,
        discard=api.DiscardPolicy.NEW if one_each else api.DiscardPolicy.OLD,
        discard_new_per_subject=one_each,
        max_age=24 * _KEPT_S,
    )


async def _consumer(js: Any, stream: str, name: str, subject: str, *, ack_wait_s: float) -> None:
    await js.add_consumer(
        stream,
        durable_name=name,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        filter_subject=subject,
        max_ack_pending=100_000,
        max_deliver=-1,
    )


def _jobs(name: str) -> str:
    return f"GSS_{name}_JOBS"


def _reports(name: str) -> str:
    return f"GSS_{name}_REPORTS"
