"""One model call, from a turn to a recorded answer or failure. It knows no order and no log."""

from __future__ import annotations

import asyncio
import json
import math
from operator import index
from typing import Final, NamedTuple, get_args

from genai_social_sim.domain.events import CAUSES, Answered, Aside, Asked, AttemptFailed, Finish, Taken
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import RECALL
from genai_social_sim.kernel.state import RunState
from genai_social_sim.ports import Answer, Clock, InstantModel, LanguageModel, Limits, Request

_LONGEST_PAUSE_S: Final = 60.0  # or the study's deadline for an answer; whatever a server asks for
_as_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_NO_NOTES: Final = Text.of("{}")
_FINISHES: Final = get_args(Finish)


class Job(NamedTuple):
    """A turn to be answered, its attempt (from 1), when the turn fell due and when its first attempt began."""

    turn: Turn
    attempt: int
    due_at: float
    began_at: float | None = None


class Report(NamedTuple):
    """What came of a job, and the prompt that was sent.

    `peace_s`: how long the server wants to be left alone. `pause_s`: how long its turn waits for another attempt.
    """

    job: Job
    taken: Taken
    prompt: Prompt
    peace_s: float = 0.0
    pause_s: float = 0.0


class Caller:
    """Makes calls for the turns of one plan."""

    def __init__(self, timeouts: Timeouts, clock: Clock, prices: Prices) -> None:
        self._timeouts = timeouts
        self._clock = clock
        self._prices = prices.of
        self._limits = Limits(timeouts.answer_s, timeouts.connect_s, timeouts.first_token_s)
        self._longest_s = max(_LONGEST_PAUSE_S, timeouts.answer_s, timeouts.backoff_s)

    def at_once(self, model: InstantModel, job: Job, state: RunState) -> tuple[Taken, Prompt]:
        """Ask a backend that answers without waiting."""
        prompt, asked, request = self._request(job, state)
        sent = self._clock.elapsed()
        try:
            answer = model.answer(request)
        except CompletionError as fault:
            return self._failed(_Sent(job, prompt, asked, sent), fault).taken, prompt
        return self._answered(job, asked, answer, sent), prompt

    async def waiting(self, model: LanguageModel, job: Job, state: RunState) -> Report:
        """Ask and wait, at most as long as the study allows for an answer and for the turn."""
        prompt, asked, request = self._request(job, state)
        now = self._clock.elapsed()
        job = job if job.began_at is not None else job._replace(began_at=now)
        limit = min(self._limits.answer_s, self._left(job, now))
        if not limit:
            return self._failed(_Sent(job, prompt, asked, now), _too_late())
        try:
            async with asyncio.timeout(limit):
                answer = await model.complete(request)
        except TimeoutError:
            fault = CompletionError(f"no answer within {limit:g} s", cause="timeout")
            return self._failed(_Sent(job, prompt, asked, now), fault)
        except CompletionError as fault:
            return self._failed(_Sent(job, prompt, asked, now), fault)
        return Report(job, self._answered(job, asked, answer, now), prompt)

    async def trusting(self, model: LanguageModel, job: Job, state: RunState) -> Report:
        """Ask a backend that holds the deadline itself, and wait as long as it takes."""
        prompt, asked, request = self._request(job, state)
        now = self._clock.elapsed()
        job = job if job.began_at is not None else job._replace(began_at=now)
        limit = min(self._limits.answer_s, self._left(job, now))
        if not limit:
            return self._failed(_Sent(job, prompt, asked, now), _too_late())
        try:
            answer = await model.complete(request._replace(limits=self._limits._replace(answer_s=limit)))
        except CompletionError as fault:
            return self._failed(_Sent(job, prompt, asked, now), fault)
        return Report(job, self._answered(job, asked, answer, now), prompt)

    def given_up(self, job: Job, state: RunState, why: str, *, since: float) -> Report:
        """The report on a call, made at `since`, whose backend does not come back even when told to."""
        prompt, asked, _ = self._request(job, state)
        job = job if job.began_at is not None else job._replace(began_at=since)
        return self._failed(_Sent(job, prompt, asked, since), CompletionError(why, cause="timeout"))

    def _left(self, job: Job, now: float) -> float:
        """Seconds that are left of a turn's whole time."""
        whole = self._timeouts.turn_s
        if whole is None:
            return math.inf
        return whole if job.began_at is None else max(0.0, whole - (now - job.began_at))

    def _request(self, job: Job, state: RunState) -> tuple[Prompt, Asked, Request]:
        number, channel, channel_no, round_no, _, name, aside, page, _ = turn = job.turn
        stage, floor = state.stage, state.floors[channel_no]
        agent, _, stops, params, offer, _ = part = stage.part(turn)
        prompt, heard = stage.shown(turn, floor, part)
        seed, sampling = stage.seed(turn), stage.sampling(turn) if aside else agent.model.sampling
        answers, meanings = (offer.answers, offer.meanings) if offer is not None else ((), ())
        weights = stage.weights(turn, heard) if stage.weighted else ()
        feed, doing = ((), "") if page is None or aside else (stage.feed(turn, floor), page.doing or "choose")
        request = make(Request, (
            number, job.attempt, channel, round_no, name, agent.persona, heard, prompt, sampling, stops, seed,
            self._limits, answers, meanings, weights, aside, agent.attributes, feed, doing,
            None if offer is None else offer.number,
        ))  # fmt: skip
        return prompt, make(Asked, (prompt.digest, params, seed)), request

    def _answered(self, job: Job, asked: Asked, answer: Answer, sent: float) -> Answered:
        turn, attempt, due, _ = job
        text, finish, by, first = answer.text, answer.finish, answer.by, answer.first_token_s
        _check(text, finish, first, answer)
        return make(Answered, (
            turn.number, attempt, asked, Text.of(text), finish,
            index(answer.prompt_tokens), index(answer.answer_tokens),
            _micros(sent - due), None if first is None else _micros(sent - due + float(first)),
            _micros(self._clock.elapsed() - due),
            by if by.isascii() else Text.of(by).value,
            _notes(answer) if answer.notes or answer.legal_mass is not None else _NO_NOTES,
            self._cost(job, answer) if self._prices else None,
            Aside(turn.aside, turn.agent) if turn.aside else None,
        ))  # fmt: skip

    def _cost(self, job: Job, answer: Answer) -> float | None:
        """None without a price, or if the backend does not count tokens: what is not known is not taken for nothing."""
        if job.turn.aside == RECALL:
            return 0.0
        price = self._prices.get(job.turn.agent)
        counted = answer.prompt_tokens or answer.answer_tokens or not answer.text
        if price is None or not (counted or price.free):
            return None
        return price.of(prompt_tokens=answer.prompt_tokens, answer_tokens=answer.answer_tokens)

    def _failed(self, sent: _Sent, fault: CompletionError) -> Report:
        job, now = sent.job, self._clock.elapsed()
        peace = min(fault.retry_after_s or 0.0, self._longest_s)
        pause = max(peace, self._backoff_s(sent.asked.seed, job.attempt))
        again = fault.retry and job.attempt % self._timeouts.attempts and self._left(job, now) > pause
        failure = AttemptFailed(
            turn=job.turn.number,
            attempt=job.attempt,
            asked=sent.asked,
            cause=fault.cause if fault.cause in CAUSES else "error",
            detail=Text.of(str(fault)),
            sent_s=_micros(sent.at - job.due_at),
            done_s=_micros(now - job.due_at),
            final=not (again or fault.cause == "denied"),  # which says nothing of the turn: it is asked on resume
            aside=_aside(job.turn),
        )
        return Report(job, failure, sent.prompt, peace, pause)

    def _backoff_s(self, seed: int, attempt: int) -> float:
        """Doubled for each failure, half of it spread by the call's own seed."""
        spread = (seed * 31 + attempt) % 1000 / 1000
        pause = self._timeouts.backoff_s * 2 ** ((attempt - 1) % 16) * (0.5 + spread / 2)
        return min(float(pause), self._longest_s)


def _too_late() -> CompletionError:
    return CompletionError("the time of the whole turn was up before it could be asked again", cause="timeout")


def _aside(turn: Turn) -> Aside | None:
    return Aside(turn.aside, turn.agent) if turn.aside else None


class _Sent(NamedTuple):
    job: Job
    prompt: Prompt
    asked: Asked
    at: float


def _check(text: object, finish: object, first: float | None, answer: Answer) -> None:
    """A backend's reply is looked at once, here: one that no record could hold is a bug of the backend."""
    if not isinstance(text, str) or finish not in _FINISHES or not (first is None or math.isfinite(first)):
        raise TypeError(f"a backend gave back what no record can hold: {answer!r}")


def _notes(answer: Answer) -> Text:
    told = dict(answer.notes)
    if answer.legal_mass is not None:
        told["legal_mass"] = answer.legal_mass
    return Text.of(_as_json(told))


def _micros(seconds: float) -> float:
    """Rounded to microseconds, in a fifth of the time of `round`."""
    return math.floor(seconds * 1e6 + 0.5) / 1e6
