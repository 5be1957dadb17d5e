"""The examination of a backend: what every `LanguageModel` has to keep, whatever it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, get_args

from genai_social_sim.domain.act import Act, Choose, Number, Offer, Rate
from genai_social_sim.domain.dice import call_seed
from genai_social_sim.domain.events import CAUSES, Finish, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.number import Range
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.acts import option_in
from genai_social_sim.kernel.floor import due
from genai_social_sim.kernel.run import apply, openings
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start
from genai_social_sim.ports import Answer, InstantModel, LanguageModel, Request
from genai_social_sim.testing.plans import small_channel, small_plan

OpenModel = Callable[[], LanguageModel | Awaitable[LanguageModel]]
DEADLINE_S: Final = 60.0


def small_request(
    *, round_no: int = 0, attempt: int = 1, persona_first: bool = False, act: Act | None = None
) -> Request:
    """A request as the engine makes it: `ada`, in a channel where `bo` has spoken in each round before."""
    hall = small_channel("hall", members="ada bo", act=act)
    stage = Stage(small_plan(hall, agents="ada bo", layout="persona_first" if persona_first else "script"))
    state = start(stage)
    for event in openings(state):
        state = apply(state, event)
    for number in range(2 * round_no):
        state = apply(state, _said(number))
    (turn,) = due(stage.rooms[0], state.floors[0])
    prompt = stage.prompt(turn, state.floors[0])
    offer = stage.offer(turn)
    return Request(
        turn=turn.number,
        attempt=attempt,
        channel=turn.channel,
        round=turn.round,
        agent=turn.agent,
        persona=stage.agents[turn.agent].persona,
        heard=stage.heard(turn, state.floors[0]),
        prompt=prompt,
        sampling=Sampling(temperature=0.7, max_tokens=16),
        stop=stage.stops(turn),
        seed=call_seed(7, channel=turn.channel, round_no=turn.round, agent=turn.agent, again=0),
        choices=offer.answers if offer else (),
        meanings=offer.meanings if offer else (),
        number=offer.number if offer else None,
    )


def _said(number: int) -> Spoke:
    return Spoke(
        turn=number,
        round=number // 2,
        channel=ChannelId("hall"),
        agent=AgentId(("ada", "bo")[number % 2]),
        text=Text.of(f"Point {number}."),
        call=bytes(32),
        tokens=2,
    )


async def check_answers(open_model: OpenModel) -> None:
    """It answers a request within the deadline, with values that a record can hold."""
    async with _opened(open_model) as model:
        _check_answer(await _asked(model, small_request()))


async def check_answers_both_layouts(open_model: OpenModel) -> None:
    """It takes a text to be continued and a chat."""
    async with _opened(open_model) as model:
        for persona_first in (False, True):
            _check_answer(await _asked(model, small_request(persona_first=persona_first)))


async def check_repeatable(open_model: OpenModel) -> None:
    """The same request, asked again, of another instance and beside others, has the same answer.

    For backends that claim it; one that does not says so in its documentation.
    """
    requests = [small_request(round_no=number) for number in range(3)]
    async with _opened(open_model) as model:
        alone = [(await _asked(model, request)).text for request in requests]
        again = [(await _asked(model, request)).text for request in requests]
    async with _opened(open_model) as model:
        beside = [answer.text for answer in await asyncio.gather(*[_asked(model, each) for each in reversed(requests)])]
    assert alone == again, "the same request had another answer when it was asked again"
    assert alone == beside[::-1], "the same request had another answer beside others, or from another instance"


async def check_choices(open_model: OpenModel) -> None:
    """Asked to choose, it answers; and says how likely the choices were to it on [0, 1], or that it cannot tell."""
    async with _opened(open_model) as model:
        for request in _choosing():
            answer = await _asked(model, request)
            _check_answer(answer)
            for mass in (answer.legal_mass, *answer.notes.get("option_mass", {}).values()):
                assert mass is None or 0 <= mass <= 1, f"a probability is on [0, 1], not {mass!r}"
            assert set(answer.notes.get("option_mass", request.meanings)) == {*request.meanings}


async def check_constrained(open_model: OpenModel) -> None:
    """Asked to choose, it can answer nothing else. For backends that hold a model to its choices."""
    async with _opened(open_model) as model:
        for request in _choosing():
            answer = await _asked(model, request)
            offer = Offer(request.meanings, request.choices, number=request.number)
            legal = request.number or request.choices
            assert option_in(answer.text, offer) is not None, f"{answer.text!r} is none of {legal}"


def _choosing() -> list[Request]:
    acts: tuple[Act, ...] = (
        Choose(options=("open it", "keep it shut"), shuffle=True, labels=True),
        Rate(scale=(-1, 0, 0.5, 1)),
        Number(range=Range(low=-0.5, high=12)),
    )
    return [small_request(persona_first=chat, act=act) for chat in (False, True) for act in acts]


async def check_identity(open_model: OpenModel) -> None:
    """It says what it is in JSON values, and the same each time."""
    async with _opened(open_model) as model:
        first = json.dumps(model.identity(), sort_keys=True, allow_nan=False)
        assert json.loads(first), "the identity is empty"
        await _asked(model, small_request())
        assert json.dumps(model.identity(), sort_keys=True, allow_nan=False) == first, "the identity changed"


async def check_slots(open_model: OpenModel) -> None:
    """It takes at least one call at once, and as many as it says."""
    async with _opened(open_model) as model:
        assert model.slots >= 1, f"a backend of {model.slots} slots can never be asked"
        at_once = [small_request(round_no=number) for number in range(min(model.slots, 4))]
        for answer in await asyncio.gather(*[_asked(model, request) for request in at_once]):
            _check_answer(answer)


async def check_cancelled_call(open_model: OpenModel) -> None:
    """A call that is cancelled ends soon, as cancelled, and the next one is answered."""
    async with _opened(open_model) as model:
        call = asyncio.ensure_future(model.complete(small_request()))
        await asyncio.sleep(0)
        call.cancel()
        done, _ = await asyncio.wait([call], timeout=DEADLINE_S)
        assert done, "a cancelled call did not end"
        if not call.cancelled():
            call.result()  # it may have been answered before; it may not have failed
        _check_answer(await _asked(model, small_request(round_no=1)))


async def check_instant(open_model: OpenModel) -> None:
    """A backend that answers at once gives the answer that it gives to who waits."""
    async with _opened(open_model) as model:
        if isinstance(model, InstantModel):
            request = small_request(round_no=2)
            assert model.answer(request) == await _asked(model, request), "waiting for it gives another answer"


async def check_closed_twice(open_model: OpenModel) -> None:
    """Closing it again is harmless, and so is closing one that was never asked."""
    async with _opened(open_model) as model:
        await model.close()


async def check_failures(open_model: OpenModel) -> None:
    """A call of a backend that is made to fail raises CompletionError with a cause that the record knows."""
    async with _opened(open_model) as model:
        answers = await asyncio.gather(_asked(model, small_request()), return_exceptions=True)
        failure = answers[0]
        assert isinstance(failure, CompletionError), f"it was made to fail and gave back {failure!r}"
        assert failure.cause in CAUSES, f"the record knows no cause {failure.cause!r}"
        assert failure.problem, "a failure says what went wrong"


@asynccontextmanager
async def _opened(open_model: OpenModel) -> AsyncIterator[LanguageModel]:
    made = open_model()
    model = await made if isinstance(made, Awaitable) else made
    try:
        yield model
    finally:
        async with asyncio.timeout(DEADLINE_S):
            await model.close()


async def _asked(model: LanguageModel, request: Request) -> Answer:
    with suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE_S):
            return await model.complete(request)
    raise AssertionError(f"no answer within {DEADLINE_S:g} s")


def _check_answer(answer: Answer) -> None:
    assert isinstance(answer.text, str), f"an answer's text is a string, not {answer.text!r}"
    assert answer.finish in get_args(Finish), f"the record knows no finish {answer.finish!r}"
    for name in ("prompt_tokens", "answer_tokens"):
        count = getattr(answer, name)
        assert type(count) is int, f"{name} is an int, not {count!r}"
        assert count >= 0, f"{name} is {count}"
    first = answer.first_token_s
    assert first is None or 0 <= first < DEADLINE_S, f"first_token_s is in seconds from the call, not {first!r}"
    json.dumps(answer.notes, allow_nan=False)
