"""A run by the kernel alone: every turn is answered at once, in logical order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from genai_social_sim.domain.events import FellSilent, Outcome, RunEnded, Spoke
from genai_social_sim.domain.plan import RunPlan
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.run import apply, decide, ending, openings
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start


def spoke(turn: Turn, text: str, *, tokens: int = 0) -> Outcome:
    """What becomes of a turn in which `text` is said; an empty one is a silence."""
    where = {"turn": turn.number, "round": turn.round, "channel": turn.channel, "agent": turn.agent}
    if not text:
        return FellSilent(**where, cause="passed", call=bytes(32), tokens=tokens)  # type: ignore[arg-type]
    return Spoke(**where, text=Text.of(text), call=bytes(32), tokens=tokens)  # type: ignore[arg-type]


@dataclass
class Folded:
    """The turns of a run and what each of them was shown."""

    state: RunState
    turns: list[Turn] = field(default_factory=list)
    shown: list[list[str]] = field(default_factory=list)
    ended: RunEnded | None = None

    @property
    def speakers(self) -> str:
        return " ".join(turn.agent for turn in self.turns)

    def prompt(self, number: int) -> str:
        """The text of a turn's prompt, had it fallen due now."""
        turn = self.turns[number]
        return self.state.stage.prompt(turn, self.state.floors[turn.channel_no]).text


def opened(plan: RunPlan) -> RunState:
    """The state after a run's openings."""
    state = start(Stage(plan))
    for event in openings(state):
        state = apply(state, event)
    return state


def folded(
    plan: RunPlan,
    say: Callable[[Turn], str] = lambda turn: f"{turn.agent} {turn.number}",
    *,
    most: int = 10_000,
    tokens: int = 0,
) -> Folded:
    """A run to its end, or to `most` turns."""
    run = Folded(opened(plan))
    while run.ended is None and len(run.turns) < most:
        number = run.state.progress.turns
        dues = [turn for index in range(len(plan.channels)) for turn in decide(run.state, index)]
        turn = next(turn for turn in dues if turn.number == number)
        heard = run.state.stage.heard(turn, run.state.floors[turn.channel_no])
        run.shown.append([line.text.value for line in heard])
        run.turns.append(turn)
        run.state = apply(run.state, spoke(turn, say(turn), tokens=tokens))
        run.ended = ending(run.state)
    return run
