"""Reads from a model how it chooses in each state of its memory, once; `backend: response_table` then draws from that.

States are those of `memory: {kind: interactions}`: all ways in which 0 to `last` meetings can have gone. Each is asked
in every order in which the options can be shown and, with `labels`, under every assignment of the letters (of more than
3 options, in as many orders as there are options). What a model likes about places and letters evens out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import permutations, product
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.act import LETTERS, Choose, Offer
from genai_social_sim.domain.dice import MAX_CALL_SEED
from genai_social_sim.domain.events import NO_CALL, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.memory import Interactions
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.errors import RequestError
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.interactions import told
from genai_social_sim.kernel.memory import View
from genai_social_sim.kernel.outcome import chosen
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.ports import Answer, Limits, Request

_ALL_ORDERS: Final = 3  # options of which all orders are asked
MOST: Final = 200_000  # questions
Meetings = tuple[tuple[str, str], ...]


class Question(NamedTuple):
    """A state, and an order of the options with, perhaps, letters. `draw`: which repetition it is, from 0."""

    state: Meetings
    offer: Offer
    draw: int = 0


class Told(NamedTuple):
    """What an answer tells: how much each option was wanted, if that was told, else which one was named, if any."""

    masses: Mapping[str, float] | None
    legal_mass: float | None
    choice: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one state is answered. `legal_mass`: on all options together, the mean over orders; None if never told.

    `unread`: answers that named no option, where answers had to be counted.
    """

    state: str
    probabilities: Mapping[str, float]
    legal_mass: float | None
    calls: int
    unread: int


class Tabulation:
    """What is asked of one agent of a plan's first channel.

    Args:
        plan: Of the study.
        agent: Whose persona and model; None for the first member.

    Raises:
        RequestError: If the agent does not choose, does not remember meetings, or there are too many states.
    """

    def __init__(self, plan: RunPlan, *, agent: str | None = None) -> None:
        self._stage: Final = Stage(plan)
        self._channel: Final = plan.channels[0]
        members = self._channel.members
        if agent is not None and agent not in members:
            raise RequestError(f"{agent!r} is no member of {self._channel.name}", remedy=f"Name one: {members[0]}.")
        self._agent: Final = self._stage.agents[AgentId(agent) if agent else members[0]]
        self._other: Final = next(member for member in members if member != self._agent.name)
        self.model: Final = self._agent.model
        memory, act = self._channel.memory_of(self._agent), self._channel.act
        if not isinstance(memory, Interactions) or not isinstance(act, Choose) or act.may_pass:
            raise RequestError(
                "only choices, without a pass, by what became of the last meetings can be tabulated",
                remedy="Set `memory: {kind: interactions, last: 3}` and `act: {kind: choose, options: [...]}`.",
            )
        self._memory: Final = memory
        self.options: Final = act.options
        self.offers: Final = tuple(_offers(act))
        self.count: Final = sum(len(act.options) ** (2 * length) for length in range(memory.last + 1))
        if self.count * len(self.offers) > MOST:
            raise RequestError(
                f"{self.count:,} states in {len(self.offers)} orders each are too many questions",
                remedy=f"At most {MOST:,} are asked: set a smaller `memory.last`.",
            )

    def states(self) -> Iterator[Meetings]:
        """All ways in which no meeting, one, and so on can have gone."""
        pairs = list(product(self.options, repeat=2))
        for length in range(self._memory.last + 1):
            yield from product(pairs, repeat=length)

    def request(self, question: Question) -> Request:
        """What the model is sent."""
        turn = self._turn
        words = [(who, said) for pair in question.state for who, said in zip(self._both, pair, strict=True)]
        lines = tuple([self._stage.line(_said(turn, who, said)) for who, said in words])
        seen = View((), note=told(self._memory, lines, self._agent.name), noted=lines)
        prompt, params = self._stage.prompt_of_offer(turn, seen, question.offer)
        drawn = sha256(prompt.digest + params.digest + str(question.draw).encode()).digest()
        return Request(
            turn=0,
            attempt=1,
            channel=self._channel.name,
            round=0,
            agent=self._agent.name,
            persona=self._agent.persona,
            heard=lines,
            prompt=prompt,
            sampling=self.model.sampling,
            stop=self._stage.stops(turn),
            seed=int.from_bytes(drawn[:8], "big") % MAX_CALL_SEED,
            limits=Limits(answer_s=self._stage.plan.timeouts.answer_s),
            choices=question.offer.answers,
            meanings=question.offer.meanings,
            attributes=self._agent.attributes,
        )

    def told(self, answer: Answer, question: Question) -> Told:
        """What an answer tells; it is read as that of a turn is."""
        offer, masses = question.offer, answer.notes.get("option_mass")
        found = masses if isinstance(masses, Mapping) else {}
        wanted = {option: float(found[option]) for option in offer.options if found.get(option) is not None}
        whole = len(wanted) == len(offer.options) and sum(wanted.values()) > 0
        return Told(wanted if whole else None, answer.legal_mass, chosen(self._stage, self._turn, answer.text, offer))

    def row(self, state: Meetings, answers: Sequence[tuple[Question, Told]]) -> Row:
        """What the answers in one state come to; raises RequestError if none of them named an option."""
        by_offer: dict[Offer, list[Told]] = {}
        for question, answer in answers:
            by_offer.setdefault(question.offer, []).append(answer)
        shares = [found for each in by_offer.values() if (found := self._shares(each)) is not None]
        if not shares:
            raise RequestError(
                f"in the state {written(state)} no answer named an option",
                remedy="Try another model, or a backend that holds answers to the options.",
            )
        masses = [told.legal_mass for _, told in answers if told.legal_mass is not None]
        return Row(
            state=written(state),
            probabilities={option: sum(each[option] for each in shares) / len(shares) for option in self.options},
            legal_mass=sum(masses) / len(masses) if masses else None,
            calls=len(answers),
            unread=sum(told.masses is None and told.choice is None for _, told in answers),
        )

    @property
    def _turn(self) -> Turn:
        return Turn(0, self._channel.name, 0, 0, 0, self._agent.name)

    @property
    def _both(self) -> tuple[AgentId, AgentId]:
        return self._agent.name, self._other

    def _shares(self, answers: Sequence[Told]) -> Mapping[str, float] | None:
        """Of each option in one order, at the study's temperature."""
        masses = answers[0].masses
        if masses is not None:
            return _tempered(masses, self.model.sampling.temperature)
        named = [told.choice for told in answers if told.choice is not None]
        return {option: named.count(option) / len(named) for option in self.options} if named else None


def written(state: Meetings) -> str:
    """A state as tables name it."""
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"))


def _tempered(masses: Mapping[str, float], temperature: float | None) -> dict[str, float]:
    """Masses at temperature 1 as probabilities at another; at 0 the greatest takes all."""
    most = max(masses.values())
    if temperature == 0:
        weights = {option: float(mass == most) for option, mass in masses.items()}
    else:
        power = 1 / (1.0 if temperature is None else temperature)
        weights = {option: (mass / most) ** power for option, mass in masses.items()}
    return {option: weight / sum(weights.values()) for option, weight in weights.items()}


def _offers(act: Choose) -> Iterator[Offer]:
    orders = _orders(act.options)
    letters = _orders(LETTERS[: len(act.options)]) if act.labels else [()]
    return (Offer(order, named) for order in orders for named in letters)


def _orders(items: Sequence[str]) -> list[tuple[str, ...]]:
    """All orders of a few; of more, each rotated through the places."""
    if len(items) <= _ALL_ORDERS:
        return list(permutations(items))
    return [(*items[at:], *items[:at]) for at in range(len(items))]


def _said(turn: Turn, who: AgentId, words: str) -> Spoke:
    where: dict[str, Any] = {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": who}
    return Spoke(**where, text=Text.of(words), call=NO_CALL, tokens=0, choice=words)
