"""Coordinator and workers over a broker inside the process, in virtual time: what doubles, lies or stays away."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.support.virtual_time import LoopClock, in_virtual_time

from genai_social_sim.domain.events import Noticed
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.errors import BrokerError, CompletionError, FencedError
from genai_social_sim.ports import Arrival, CoordinatorEnd, Hello, Request, Wanted, WorkResult
from genai_social_sim.testing.language_models import small_request
from genai_social_sim.workers.coordinator import RemoteModel, Terms, coordinating
from genai_social_sim.workers.local import LocalTransport
from genai_social_sim.workers.trust import Trust
from genai_social_sim.workers.worker import Worker, WorkerTerms

WANTED = Wanted(backend="scripted", options='{"words": 5, "latency": 0.2}')
TERMS = Terms(lease_s=3.0, slots=4)


class Wrapped:
    """A coordinator's end whose arrivals, or whose being there, a test decides."""

    def __init__(self, end: CoordinatorEnd) -> None:
        self._end = end
        self.away = False
        self.change: Callable[[list[Arrival]], list[Arrival]] = list

    def __getattr__(self, name: str) -> Any:
        async def verb(*given: Any, **named: Any) -> Any:
            if self.away:
                raise BrokerError("it is switched off")
            return await getattr(self._end, name)(*given, **named)

        return verb

    async def receive(self, longest_s: float) -> Sequence[Arrival]:
        if self.away:
            raise BrokerError("it is switched off")
        return self.change(list(await self._end.receive(longest_s)))


class Trial:
    """A broker, a worker and a coordinator with one model, and what was noticed."""

    def __init__(self, broker: LocalTransport, model: RemoteModel, end: Wrapped, worker: Worker) -> None:
        self.broker, self.model, self.end, self.worker = broker, model, end, worker
        self.noticed: list[Noticed] = []
        model.report_to(self.noticed.append)

    def said(self, what: str) -> list[str]:
        return [notice.detail.value for notice in self.noticed if notice.what == what]

    async def ask(self, round_no: int = 0, attempt: int = 1) -> str:
        return (await self.model.complete(request(round_no, attempt))).text


def request(round_no: int, attempt: int = 1) -> Request:
    return small_request(round_no=round_no, attempt=attempt)


@asynccontextmanager
async def trial(wanted: Wanted = WANTED, *, epoch: int = 1, trust: Trust | None = None) -> AsyncIterator[Trial]:
    broker = LocalTransport(LoopClock())
    end = Wrapped(broker.coordinate("run"))
    worker = Worker(broker.serve("w"), WorkerTerms(name="w", trust=trust or Trust()), clock=LoopClock())
    working = asyncio.create_task(worker.work())
    try:
        async with coordinating(
            end,
            run="run",
            epoch=epoch,
            goes_on=epoch > 1,
            coordinator="c",
            wanted=[wanted],
            terms=TERMS,
            clock=LoopClock(),
            settled=lambda turn: turn == 2,
        ) as (model,):
            yield Trial(broker, model, end, worker)
    finally:
        working.cancel()
        await asyncio.wait([working])


def test_answers_that_come_twice_and_in_any_order_count_once() -> None:
    async def work() -> None:
        async with trial() as made:
            made.end.change = lambda arrivals: [*reversed(arrivals), *arrivals]
            texts = await asyncio.gather(*[made.ask(number) for number in range(4)])
            made.end.change = list
            assert texts == [await made.ask(number) for number in range(4)]
            assert len(made.said("result_unused")) == 4

    in_virtual_time(work())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"digest": "0" * 64}, "it echoes another request"),
        ({"identity": "0" * 64}, "another model gave it"),
        ({"turn": 77}, "nobody asked for it"),
        ({"run": "elsewhere"}, "it is of another run"),
    ],
)
def test_a_forged_answer_is_dropped_and_the_true_one_used(change: dict[str, Any], why: str) -> None:
    def forged(arrivals: list[Arrival]) -> list[Arrival]:
        lies = [replace(each, **change, worker="liar") for each in arrivals if isinstance(each, WorkResult)]
        return [*lies, *arrivals]

    async def work() -> None:
        async with trial() as made:
            made.end.change = forged
            await made.ask()
            told = [*made.said("message_dropped"), *made.said("result_unused")]
            assert any("liar" in words and why in words for words in told)

    in_virtual_time(work())


def test_agents_who_are_asked_aside_between_the_same_turns_get_their_own_answers() -> None:
    async def work() -> None:
        async with trial() as made:
            asked = [request(0)._replace(agent=AgentId(name), aside="stance", seed=at) for at, name in enumerate("abc")]
            made.end.change = lambda arrivals: [*reversed(arrivals)]
            together = await asyncio.gather(*[made.model.complete(each) for each in asked])
            alone = [await made.model.complete(each._replace(attempt=2)) for each in asked]
            assert [each.text for each in together] == [each.text for each in alone]
            assert len({each.text for each in together}) == 3

    in_virtual_time(work())


def test_strangers_cannot_fill_the_record() -> None:
    async def work() -> None:
        async with trial() as made:
            made.end.change = lambda arrivals: [
                *(
                    replace(each, turn=1000 + number)
                    for each in arrivals
                    for number in range(3000)
                    if isinstance(each, WorkResult)
                ),
                *arrivals,
            ]
            await made.ask()
            assert len(made.said("message_dropped")) < 20

    in_virtual_time(work())


def test_a_failure_comes_back_as_the_failure_that_it_was() -> None:
    async def work() -> None:
        async with trial(replace(WANTED, options='{"words": 5, "faults": {"error": 1}}')) as made:
            with pytest.raises(CompletionError, match="a scripted fault"):
                await made.ask()

    in_virtual_time(work())


def test_the_deadline_holds_at_the_worker() -> None:
    async def work() -> None:
        async with trial(replace(WANTED, options='{"words": 5, "latency": 500}')) as made:
            began = LoopClock().elapsed()
            with pytest.raises(CompletionError, match="no answer within 120 s") as caught:
                await made.ask()
            assert caught.value.cause == "timeout"
            assert 120 <= LoopClock().elapsed() - began < 125

    in_virtual_time(work())


def test_a_broker_that_stays_away_for_an_hour_costs_nothing_but_an_hour() -> None:
    async def work() -> None:
        async with trial() as made:
            asked = asyncio.create_task(made.ask())
            made.end.away = True
            await asyncio.sleep(3600)
            assert not asked.done()
            made.end.away = False
            assert await asked
            assert (made.said("broker_away"), made.said("broker_back")) == (
                ["it is switched off"],
                ["it answers again"],
            )

    in_virtual_time(work())


def test_what_the_broker_forgot_is_handed_out_again() -> None:
    async def work() -> None:
        async with trial() as made:
            made.worker.leave()
            await asyncio.sleep(5)
            asked = asyncio.create_task(made.ask())
            await asyncio.sleep(1)
            made.broker.wipe()
            other = Worker(made.broker.serve("other"), WorkerTerms(name="other"), clock=LoopClock())
            working = asyncio.create_task(other.work())
            assert await asked
            assert made.said("sent_again") == ["the broker had forgotten attempt 1"]
            working.cancel()
            await asyncio.wait([working])

    in_virtual_time(work())


def test_it_is_said_once_that_no_worker_is_there() -> None:
    async def work() -> None:
        async with trial() as made:
            made.worker.leave()
            await asyncio.sleep(20)
            asked = asyncio.create_task(made.ask())
            await asyncio.sleep(60)
            (words,) = made.said("worker_missing")
            assert "gss worker --broker URL" in words
            asked.cancel()

    in_virtual_time(work())


def test_a_worker_with_another_model_is_refused_and_nobody_is_answered_by_it() -> None:
    async def work() -> None:
        async with trial() as made:
            impostor = Hello(run="run", worker="impostor", key=WANTED.key, identity={"weights": "sha256:0"}, slots=1)
            await made.broker.serve("impostor").report([(impostor, None)])
            await made.ask()
            (words,) = made.said("worker_refused")
            assert "impostor" in words
            assert "another model" in words

    in_virtual_time(work())


def test_a_late_result_of_a_turn_that_the_record_holds_is_named() -> None:
    async def work() -> None:
        async with trial(epoch=2) as made:
            made.end.change = lambda arrivals: [
                *(replace(each, turn=2) for each in arrivals if isinstance(each, WorkResult)),
                *arrivals,
            ]
            await made.ask()
            (words,) = made.said("result_unused")
            assert "answered already" in words

    in_virtual_time(work())


def test_a_coordinator_that_another_one_replaced_stops_asking() -> None:
    async def work() -> None:
        async with trial() as made:
            new = made.broker.coordinate("run")
            (offer,) = await made.broker.serve("x").offers()
            await new.announce(replace(offer, epoch=2, coordinator="new"))  # type: ignore[arg-type]
            await asyncio.sleep(5)
            with pytest.raises(FencedError, match="another coordinator works on this run"):
                await made.ask()
        assert list(made.broker.runs) == ["run"], "it cleared what is the new one's"

    in_virtual_time(work())


def test_a_run_that_waits_for_its_first_worker_says_what_it_lacks_and_who_refused() -> None:
    async def work() -> None:
        broker, said = LocalTransport(LoopClock()), list[str]()
        waiting = coordinating(
            broker.coordinate("run"),
            run="run",
            epoch=1,
            goes_on=False,
            coordinator="c",
            wanted=[WANTED],
            terms=TERMS,
            clock=LoopClock(),
            say=said.append,
        )
        entering = asyncio.create_task(waiting.__aenter__())
        await asyncio.sleep(9)
        assert "none serves scripted" in said[0]
        terms = WorkerTerms(name="picky", trust=Trust(backends=["embedded"]))
        working = asyncio.create_task(Worker(broker.serve("picky"), terms, clock=LoopClock()).work())
        await asyncio.sleep(4)
        assert "picky: it does not serve scripted" in said[1]
        for task in (entering, working):
            task.cancel()
        await asyncio.wait([entering, working])

    in_virtual_time(work())
