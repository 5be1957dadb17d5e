"""Redis 6.2 and newer, and Valkey: one stream with one consumer group for each model that a run wants.

A stream's pending entries are the leases: whoever says nothing for longer than the lease loses its items to another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, NoScriptError, RedisError

from genai_social_sim.errors import BrokerError, FencedError, RequestError
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
from genai_social_sim.workers import redis_scripts as scripts
from genai_social_sim.workers.certificates import remedy_for
from genai_social_sim.workers.parcels import Parcel, loads, parcels
from genai_social_sim.workers.redis_names import held_name, jobs_name, offer_name, reports_name, streams_name
from genai_social_sim.workers.wire import item_from, item_to, offer_from, offer_to, reports_from

_PATIENCE_S: Final = 5.0  # for one answer of the server, beyond what it was told to wait
_KEPT_MS: Final = 3_600_000  # after a coordinator was last heard of, its run's names go
_MOST: Final = 8  # messages with reports that are read at once: what they bring about is sent before more are read
_RUNS: Final = "gss:runs"
_BELL: Final = "gss:bell"
Call = tuple[Sequence[str], Sequence[Any]]  # keys and arguments of a script


@dataclass(frozen=True, slots=True)
class _Entry:
    """What Redis knows a delivery by."""

    stream: str
    id: str


def open_transport(url: str) -> RedisTransport:
    """A transport at `redis://`, `rediss://` or `unix://`; connects when it is first used."""
    return RedisTransport(url)


class RedisTransport:
    """A Redis or Valkey server."""

    def __init__(self, url: str) -> None:
        self.where: Final = _public(url)
        try:
            self._asking = _client(url, _PATIENCE_S)
            self._waiting = _client(url, 4 * _PATIENCE_S)
        except ValueError as fault:
            raise RequestError(
                f"this is no address of a Redis ({fault})",
                where=self.where,
                remedy="For example: redis://localhost:6379/0",
            ) from fault
        self._wanted: list[tuple[str, Sequence[Call], asyncio.Future[list[Any]]]] = []
        self._running: asyncio.Task[None] | None = None
        self._shas = {text: sha1(text.encode(), usedforsecurity=False).hexdigest() for text in _SCRIPTS}

    def coordinate(self, run: str) -> CoordinatorEnd:
        """The coordinator's end for one run."""
        return _RedisCoordinator(self, run)

    def serve(self, worker: str) -> WorkerEnd:
        """A worker's end."""
        return _RedisWorker(self, worker)

    async def health(self) -> Sequence[Health]:
        """Version, persistence, what it does when it is full, and whether it lets us work."""
        from genai_social_sim.workers.redis_health import examined

        async with self.talking():
            return await examined(self._asking, self.where)

    async def holding(self, run: str) -> Holding | None:
        """By the lengths of the run's streams and of what is pending in them."""
        if not await self.ask("EXISTS", offer_name(run)):
            return None
        streams = await self.ask("SMEMBERS", streams_name(run))
        async with self.talking():
            held = sum([await self._asking.xlen(stream) for stream in streams])
            pending = sum([(await self._asking.xpending(stream, scripts.GROUP))["pending"] for stream in streams])
        return Holding(max(0, held - pending), pending)

    async def close(self) -> None:
        """Let go of connections."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._asking.aclose()
        await self._waiting.aclose()

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """Turn what the client raises into `BrokerError`."""
        try:
            yield
        except (AuthenticationError, NoPermissionError) as fault:
            raise BrokerError(
                f"it does not let us in ({fault})",
                where=self.where,
                remedy="Put user and password into the address: redis://USER:PASSWORD@HOST:PORT/0",
            ) from fault
        except (RedisError, OSError, TimeoutError) as fault:
            raise BrokerError(
                f"no answer from the broker ({str(fault) or type(fault).__name__})",
                where=self.where,
                remedy=remedy_for(fault, "Is it running? Ask: gss doctor --broker URL"),
            ) from fault

    async def run(self, text: str, calls: Sequence[Call]) -> list[Any]:
        """Run one script for each (keys, arguments).

        What several ask for at the same moment, or while an answer is awaited, goes in one round trip.
        """
        if not calls:
            return []
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._wanted.append((text, calls, answers))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        async with self.talking():
            for answer in await answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers.result()

    async def _run(self) -> None:
        while self._wanted:
            wanted, self._wanted = self._wanted, []
            try:
                found = await self._answers([(text, call) for text, calls, _ in wanted for call in calls])
            except (RedisError, OSError, TimeoutError) as fault:
                for _, _, answers in wanted:
                    if not answers.done():
                        answers.set_exception(fault)
                continue
            at = 0
            for _, calls, answers in wanted:
                if not answers.done():  # else nobody waits any more
                    answers.set_result(found[at : at + len(calls)])
                at += len(calls)

    async def _answers(self, calls: Sequence[tuple[str, Call]]) -> list[Any]:
        answers = await self._evaluated(calls)
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:  # a server that was restarted
            for text in {calls[at][0] for at in unknown}:
                await self._asking.script_load(text)
            for at, answer in zip(unknown, await self._evaluated([calls[at] for at in unknown]), strict=True):
                answers[at] = answer
        return answers

    async def _evaluated(self, calls: Sequence[tuple[str, Call]]) -> list[Any]:
        pipeline = self._asking.pipeline(transaction=False)
        for text, (keys, arguments) in calls:
            pipeline.execute_command("EVALSHA", self._shas[text], len(keys), *keys, *arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers

    async def ask(self, *words: Any) -> Any:
        """Run one command."""
        async with self.talking():
            return await self._asking.execute_command(*words)

    async def wait(self, longest_s: float, *commands: tuple[Any, ...]) -> list[Any]:
        """Run commands of which the last one blocks for at most that long, in one round trip."""
        async with self.talking(), asyncio.timeout(longest_s + _PATIENCE_S):
            pipeline = self._waiting.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = await pipeline.execute()
            return answers


class _RedisCoordinator:
    def __init__(self, redis: RedisTransport, run: str) -> None:
        self._redis = redis
        self._run = run
        self._last = "0-0"  # the last report that was read

    async def announce(self, offer: Offer) -> None:
        streams = [jobs_name(self._run, each.key) for each in offer.wanted if each.identity]
        own = [offer_name(self._run), reports_name(self._run), held_name(self._run)]
        keys = [*own, _RUNS, _BELL, streams_name(self._run), *streams]
        arguments = [offer_to(offer), offer.epoch, offer.coordinator, self._run, _KEPT_MS]
        (other,) = await self._redis.run(scripts.ANNOUNCE, [(keys, arguments)])
        if other:
            raise FencedError(
                f"another coordinator works on this run ({other.decode('utf-8', 'replace')})",
                where=self._redis.where,
                remedy="Let only one process work on a run.",
            )

    async def send(self, items: Sequence[WorkItem], *, again: bool = False) -> Sequence[WorkItem]:
        added: list[WorkItem] = []
        for part in loads([(item, item_to(item)) for item in items]):
            streams = sorted({jobs_name(self._run, item.key) for item, _ in part})
            arguments: list[Any] = [self._last if again else ""]
            for item, message in part:
                arguments += (3 + streams.index(jobs_name(self._run, item.key)), _name(item), message)
            keys = [held_name(self._run), reports_name(self._run), *streams]
            (kept,) = await self._redis.run(scripts.SEND, [(keys, arguments)])
            added += [item for number, (item, _) in enumerate(part, 1) if number not in kept]
        return added

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        stream = reports_name(self._run)
        read = ("XREAD", "COUNT", _MOST, "BLOCK", max(1, int(longest_s * 1000)), "STREAMS", stream, self._last)
        trim = ("XTRIM", stream, "MINID", _after(self._last))  # what was read is with the engine now
        _, answer = await self._redis.wait(longest_s, trim, read)
        entries = answer[0][1] if answer else []
        if not entries and await self._was_wiped(stream):
            self._last = "0-0"
        if entries:
            self._last = entries[-1][0].decode()
        return [arrival for entry in entries for arrival in reports_from(_first_value(entry))]

    async def clear(self) -> None:
        run = self._run
        keys = [offer_name(run), held_name(run), reports_name(run), streams_name(run), _RUNS]
        await self._redis.run(scripts.CLEAR, [(keys, [run])])

    async def _was_wiped(self, stream: str) -> bool:
        """Whether the stream's entries may begin anew: a server without its data has a clock, but it may be another."""
        if self._last == "0-0":
            return False
        try:
            about = await self._redis.ask("XINFO", "STREAM", stream)
        except BrokerError:
            return True
        found = dict(zip(about[::2], about[1::2], strict=False)) if isinstance(about, list) else about
        last = found.get(b"last-generated-id", b"0-0")
        return _position(last.decode()) < _position(self._last)


class _RedisWorker:
    def __init__(self, redis: RedisTransport, worker: str) -> None:
        self._redis = redis
        self._worker = worker
        self._leases: dict[str, int] = {}  # ms, by run
        self._claimed_at = 0.0

    async def offers(self) -> Sequence[Offer | Unreadable]:
        runs = [run.decode("utf-8", "replace") for run in await self._redis.ask("SMEMBERS", _RUNS)]
        if not runs:
            return []
        messages = await self._redis.ask("MGET", *[offer_name(run) for run in runs])
        gone = [run for run, message in zip(runs, messages, strict=True) if message is None]
        if gone:
            await self._redis.ask("SREM", _RUNS, *gone)
        offers = [offer_from(message) for message in messages if message is not None]
        self._leases = {each.run: int(each.lease_s * 1000) for each in offers if isinstance(each, Offer)}
        return offers

    async def take(self, room: Mapping[tuple[str, str], int], longest_s: float) -> Sequence[Delivery | Unreadable]:
        if not room:
            await self._redis.wait(longest_s, ("XREAD", "BLOCK", max(1, int(longest_s * 1000)), "STREAMS", _BELL, "$"))
            return []
        streams = [jobs_name(*place) for place in room]
        leases = [self._leases.get(run, 1000) for run, _ in room]
        taken = await self._now(streams, leases, list(room.values()))
        if not taken:
            taken = await self._later(streams, min(room.values()), min(longest_s, min(leases) / 2000))
        return [await self._delivery(*each) for each in taken]

    async def renew(self, deliveries: Sequence[Delivery]) -> None:
        calls = [((each.token.stream,), (self._worker, each.token.id)) for each in deliveries]
        await self._redis.run(scripts.RENEW, calls)

    async def report(self, told: Sequence[tuple[Report, Delivery | None]]) -> Sequence[bool]:
        packed = parcels([report for report, _ in told])
        answers = await self._redis.run(scripts.REPORT, [_call_of(each, told) for each in packed])
        taken = {number: bool(answer) for each, answer in zip(packed, answers, strict=True) for number in each.numbers}
        return [taken[number] for number in range(len(told))]

    async def _now(self, streams: list[str], leases: list[int], most: list[int]) -> list[tuple[str, str, bytes, int]]:
        now = asyncio.get_running_loop().time()
        claim = now - self._claimed_at >= min(leases) / 4000
        if claim:
            self._claimed_at = now
        limits = [number for pair in zip(leases, most, strict=True) for number in pair]
        (answer,) = await self._redis.run(scripts.TAKE, [(streams, [self._worker, int(claim), *limits])])
        found = zip(answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True)
        return [(streams[number - 1], entry.decode(), message, count) for number, entry, message, count in found]

    async def _later(self, streams: list[str], most: int, longest_s: float) -> list[tuple[str, str, bytes, int]]:
        block = max(1, int(longest_s * 1000))
        words = ["XREADGROUP", "GROUP", scripts.GROUP, self._worker, "COUNT", most, "BLOCK", block, "STREAMS"]
        try:
            (answer,) = await self._redis.wait(longest_s, (*words, *streams, *(">" for _ in streams)))
        except BrokerError as fault:
            if "NOGROUP" not in str(fault.__cause__):
                raise
            await asyncio.sleep(min(longest_s, 0.2))  # the run has just ended, or the broker was wiped
            return []
        return [
            (stream.decode(), entry[0].decode(), _first_value(entry), 1)
            for stream, entries in answer or ()
            for entry in entries
        ]

    async def _delivery(self, stream: str, entry: str, message: bytes, count: int) -> Delivery | Unreadable:
        item = item_from(message)
        if isinstance(item, Unreadable):
            await self._redis.ask("XACK", stream, scripts.GROUP, entry)
            await self._redis.ask("XDEL", stream, entry)
            return item
        return Delivery(item, count, _Entry(stream, entry))


def _client(url: str, timeout_s: float) -> Any:
    client: Any = Redis.from_url(
        url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),  # what is tried again, and when, is for who asks
        socket_timeout=timeout_s,
        socket_connect_timeout=_PATIENCE_S,
        max_connections=256,
    )
    for command in ("XREAD", "XREADGROUP", "XINFO STREAM", "XINFO", "SMEMBERS", "EVALSHA"):
        client.set_response_callback(command, lambda answer, **_: answer)
    return client


def _call_of(parcel: Parcel, told: Sequence[tuple[Report, Delivery | None]]) -> Call:
    done = [delivery for number in parcel.numbers if (delivery := told[number][1]) is not None]
    streams = sorted({delivery.token.stream for delivery in done})
    arguments: list[Any] = [parcel.message]
    for delivery in done:
        arguments += (3 + streams.index(delivery.token.stream), delivery.token.id, _name(delivery.item))
    return [reports_name(parcel.run), held_name(parcel.run), *streams], arguments


def _first_value(entry: Any) -> bytes:
    """The message in a stream's entry, whatever its fields are called."""
    fields = entry[1]
    return bytes(fields[1]) if fields else b""


def _name(item: WorkItem) -> str:
    return f"{item.turn}.{item.attempt}.{item.digest[:16]}"


def _position(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second)


def _after(entry: str) -> str:
    first, second = _position(entry)
    return f"{first}-{second + 1}"


def _public(url: str) -> str:
    """An address without user and password."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


_SCRIPTS: Final = (scripts.ANNOUNCE, scripts.CLEAR, scripts.SEND, scripts.TAKE, scripts.RENEW, scripts.REPORT)
