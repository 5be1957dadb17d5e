"""A run walked through on the real kernel without asking anybody: how many calls it makes and how long prompts are."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from genai_social_sim.domain.events import Consequence, Remembered, Spoke
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Model, RunPlan
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.engine.conductor import Conductor
from genai_social_sim.kernel.errands import without_asking
from genai_social_sim.kernel.feeds import Page
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import RECALL, SUMMARY, is_errand
from genai_social_sim.kernel.run import apply, openings
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import start

_WAVES: Final = 3  # of calls that fall due together, kept from each of these places:
_PLACES: Final = (0.25, 0.75)  # of a run: where prompts still grow, and where memories are full


class Call(NamedTuple):
    """A call as a run would make it."""

    turn: Turn
    prompt: Prompt
    heard: tuple[Line, ...]


class Typical(NamedTuple):
    """What a model is taken to answer: texts, in turn, and tokens of each; and how many characters a token has."""

    texts: Sequence[str]
    tokens: float
    characters: float  # of a token of its prompts; infinite if it does not count them


class Count(NamedTuple):
    """Of the calls of one agent."""

    calls: float = 0.0
    characters: float = 0.0  # of their prompts
    probes: float = 0.0  # of the calls

    def plus(self, other: Count, times: float = 1.0) -> Count:
        """With `times` what another one holds."""
        calls, characters, probes = other
        return Count(self.calls + times * calls, self.characters + times * characters, self.probes + times * probes)


class Walk:
    """A run in which every answer is a typical one of its model.

    Args:
        plan: What is walked through.
        typical: By model.
        most: Turns to take at the most.
    """

    def __init__(self, plan: RunPlan, typical: dict[Model, Typical], most: int) -> None:
        self.stage = Stage(plan)
        self.turns = 0
        self.firsts: dict[Model, Call] = {}  # the first call of each model
        self.places: list[deque[list[Call]]] = [deque(maxlen=_WAVES) for _ in _PLACES]
        self._typical = typical
        self._most = most
        self._waves = 0
        self._counts: dict[AgentId, Count] = {}
        self._late: dict[AgentId, Count] = {}  # of the second half
        self._half = 0  # turns in the first half
        self._go()

    @property
    def at_once(self) -> float:
        """Turns that fall due together, on average."""
        return self.turns / max(1, self._waves)

    def counts(self, turns: float) -> dict[AgentId, Count]:
        """Of a run of so many turns, which goes on as the second half of the walk did."""
        late_turns = self.turns - self._half
        times = (turns - self.turns) / late_turns if late_turns else 0.0
        return {name: count.plus(self._late.get(name, Count()), times) for name, count in self._counts.items()}

    def _go(self) -> None:
        state = start(self.stage)
        for event in openings(state):
            state = apply(state, event)
        conductor = Conductor(state)
        while not conductor.ended:
            within = [turn for turn in conductor.due() if turn.number < self._most + bool(turn.aside)]
            self._waves += any(not turn.aside for turn in within)
            asked = _without_recall(conductor, within)
            calls = [self._call(conductor, turn) for turn in asked]
            for share, waves in zip(_PLACES, self.places, strict=True):
                if self.turns <= share * self._most + len(calls):
                    waves.append(calls)
            for call in calls:
                self._count(call)
                conductor.take(call.turn, self._taken(call))
            if not conductor.settle() and not within:
                break
            self.turns = conductor.state.progress.turns
            if 2 * self.turns <= self._most:
                self._half = self.turns

    def _call(self, conductor: Conductor, turn: Turn) -> Call:
        floor = conductor.state.floors[turn.channel_no]
        return Call(turn, self.stage.prompt(turn, floor), self.stage.view(turn, floor).heard)

    def _count(self, call: Call) -> None:
        agent, count = (
            call.turn.agent,
            Count(1, len(call.prompt.text), bool(call.turn.aside) and not is_errand(call.turn.aside)),
        )
        self.firsts.setdefault(self.stage.agents[agent].model, call)
        self._counts[agent] = self._counts.get(agent, Count()).plus(count)
        if 2 * self.turns >= self._most:
            self._late[agent] = self._late.get(agent, Count()).plus(count)

    def _taken(self, call: Call) -> Consequence:
        turn = call.turn
        if turn.aside and turn.aside != SUMMARY:
            return without_asking(turn)
        typical = self._typical[self.stage.agents[turn.agent].model]
        tokens = round(len(call.prompt.text) / typical.characters + typical.tokens)
        text = Text.of(typical.texts[turn.number % len(typical.texts)])
        if turn.page is not None and not (turn.page.doing or turn.aside):
            return self._acted(turn, turn.page, tokens)
        where = {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": turn.agent}
        if turn.aside:
            return Remembered(**where, aside=turn.aside, text=text, call=b"", tokens=tokens)  # type: ignore[arg-type]
        return Spoke(**where, text=text, call=b"", tokens=tokens)  # type: ignore[arg-type]

    def _acted(self, turn: Turn, page: Page, tokens: int) -> Consequence:
        """An act in a forum: each kind in turn."""
        if not page.acts:
            return without_asking(turn)
        kinds = list(dict.fromkeys([act.partition(" ")[0] for act in page.acts]))
        kind = kinds[turn.number // 2 % len(kinds)]
        act = next(act for act in page.acts if act.startswith(kind))
        where = {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": turn.agent}
        return Spoke(**where, text=Text.of(act), call=b"", tokens=tokens, choice=act, feed=page.feed)  # type: ignore[arg-type]


def _without_recall(conductor: Conductor, turns: Sequence[Turn]) -> list[Turn]:
    """Those of `turns` that ask a model; what an encoder would tell is taken for nothing."""
    for turn in turns:
        if turn.aside == RECALL:
            conductor.take(turn, without_asking(turn))
    return [turn for turn in turns if turn.aside != RECALL]
