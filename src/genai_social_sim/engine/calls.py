"""One model call: from a turn to what is asked, and from what came back to what is recorded.

It knows no order and no log, and waits for nothing: see `engine.waiting`.
"""

from __future__ import annotations

import json
import math
from typing import Final, NamedTuple

from genai_social_sim.domain.events import CAUSES, Answered, Aside, Asked, AttemptFailed, Taken
from genai_social_sim.domain.plan import Timeouts
from genai_social_sim.domain.price import Prices
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.engine.replies import checked
from genai_social_sim.errors import CompletionError
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import RECALL
from genai_social_sim.kernel.state import RunState
from genai_social_sim.ports import Answer, Clock, InstantModel, Limits, Request

_LONGEST_PAUSE_S: Final = 60.0  # or the study's deadline for an answer; whatever a server asks for
_as_json: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_NO_NOTES: Final = Text.of("{}")


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


class Sent(NamedTuple):
    """A call that has been made, and when."""

    job: Job
    prompt: Prompt
    asked: Asked
    at: float


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
            return self.failed(Sent(job, prompt, asked, sent), fault).taken, prompt
        return self._answered(job, asked, answer, sent), prompt

    def begun(self, job: Job, state: RunState) -> tuple[Sent, Request, float]:
        """A call that is made now, what is asked, and how long it may take by the study; 0 if its turn's time is up."""
        prompt, asked, request = self._request(job, state)
        now = self._clock.elapsed()
        job = job if job.began_at is not None else job._replace(began_at=now)
        return Sent(job, prompt, asked, now), request, min(self._limits.answer_s, self._left(job, now))

    def answered(self, sent: Sent, answer: Answer) -> Report:
        """The report on a call that was answered."""
        return Report(sent.job, self._answered(sent.job, sent.asked, answer, sent.at), sent.prompt)

    def failed(self, sent: Sent, fault: CompletionError) -> Report:
        """The report on a call that was not, and whether and when there is another attempt."""
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

    def given_up(self, job: Job, state: RunState, why: str, *, since: float) -> Report:
        """The report on a call, made at `since`, whose backend does not come back even when told to."""
        prompt, asked, _ = self._request(job, state)
        job = job if job.began_at is not None else job._replace(began_at=since)
        return self.failed(Sent(job, prompt, asked, since), CompletionError(why, cause="timeout"))

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
        answer = checked(answer)
        text, finish, by, first = answer.text, answer.finish, answer.by, answer.first_token_s
        return make(Answered, (
            turn.number, attempt, asked, Text.of(text), finish,
            answer.prompt_tokens, answer.answer_tokens,
            _micros(sent - due), None if first is None else _micros(sent - due + first),
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

    def _backoff_s(self, seed: int, attempt: int) -> float:
        """Doubled for each failure, half of it spread by the call's own seed."""
        spread = (seed * 31 + attempt) % 1000 / 1000
        pause = self._timeouts.backoff_s * 2 ** ((attempt - 1) % 16) * (0.5 + spread / 2)
        return min(float(pause), self._longest_s)


def _aside(turn: Turn) -> Aside | None:
    return Aside(turn.aside, turn.agent) if turn.aside else None


def _notes(answer: Answer) -> Text:
    told = dict(answer.notes)
    if answer.legal_mass is not None:
        told["legal_mass"] = answer.legal_mass
    return Text.of(_as_json(told))


def _micros(seconds: float) -> float:
    """Rounded to microseconds, in a fifth of the time of `round`."""
    return math.floor(seconds * 1e6 + 0.5) / 1e6
