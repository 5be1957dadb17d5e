"""Stopping rules: what has been counted, whether a rule holds, and how far a channel may run ahead of it.

A rule on counts (turns, rounds) holds after exactly that turn. A rule on outcomes (tokens, silence) is looked
at after each *wave*: after every turn if one channel speaks in turn, else after each round of all channels. So
no turn is ever asked that is not in the run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple, assert_never

from genai_social_sim.domain.events import Outcome, Spoke
from genai_social_sim.domain.plan import AllOf, AnyOf, Consensus, Rounds, RunPlan, Silence, StopRule, Tokens, Turns
from genai_social_sim.domain.tuples import make
from genai_social_sim.kernel.agreement import consensus_rules

LOOKAHEAD_ROUNDS: Final = 64  # a fast channel waits for a slow one after that, so that waiting answers stay few


class Progress(NamedTuple):
    """What the stopping rules look at, counted in logical order."""

    turns: int = 0
    tokens: int = 0
    quiet: int = 0  # turns since somebody last said something
    agreed: tuple[int, ...] = ()  # for each rule of agreement, for how many rounds in a row it has been met
    closing: str = ""  # the rule that holds, in words: no turn follows; empty while the run goes on
    ended: str = ""  # the same once the run has ended


def counted(progress: Progress, outcomes: Sequence[Outcome]) -> Progress:
    """`progress` after more turns."""
    turns, tokens, quiet, agreed, _, _ = progress
    for outcome in outcomes:
        tokens += outcome.tokens
        quiet = 0 if isinstance(outcome, Spoke) else quiet + 1
    return make(Progress, (turns + len(outcomes), tokens, quiet, agreed, "", ""))


def reached(plan: RunPlan, progress: Progress) -> str:
    """The rule that holds now, in words; empty if the run goes on."""
    wave = _single_file(plan) or progress.turns % plan.round_size == 0
    return _holds(plan.stop, plan, progress, wave=wave)


def bound(rule: StopRule, round_size: int) -> int | float:
    """The number of turns after which the run is over whatever is said; infinite if there is none."""
    match rule:
        case Turns(count=count):
            return count
        case Rounds(count=count):
            return count * round_size
        case AnyOf(rules=rules):
            return min(bound(each, round_size) for each in rules)
        case AllOf(rules=rules):
            return max(bound(each, round_size) for each in rules)
        case Tokens() | Silence() | Consensus():
            return math.inf
        case _ as unknown:
            assert_never(unknown)


def on_outcomes(rule: StopRule) -> bool:
    """Whether the rule depends on what is answered."""
    match rule:
        case Turns() | Rounds():
            return False
        case Tokens() | Silence() | Consensus():
            return True
        case AnyOf(rules=rules) | AllOf(rules=rules):
            return any(on_outcomes(each) for each in rules)
        case _ as unknown:
            assert_never(unknown)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _single_file(plan: RunPlan) -> bool:
    return len(plan.channels) == 1 and plan.channels[0].waves == (1, 1)


def _holds(rule: StopRule, plan: RunPlan, progress: Progress, *, wave: bool) -> str:
    match rule:
        case Turns(count=count):
            return _many(count, "turn") if progress.turns >= count else ""
        case Rounds(count=count):
            return _many(count, "round") if progress.turns >= count * plan.round_size else ""
        case Tokens(count=count):
            return _many(count, "token") if wave and progress.tokens >= count else ""
        case Silence(rounds=rounds):
            return f"silence of {_many(rounds, 'round')}" if wave and progress.quiet >= rounds * plan.round_size else ""
        case Consensus(share=share, rounds=rounds):
            at = consensus_rules(plan.stop).index(rule)
            met = progress.agreed[at] if progress.agreed else 0
            return f"consensus of {share:g} for {_many(rounds, 'round')}" if wave and met >= rounds else ""
        case AnyOf(rules=rules):
            return next((held for each in rules if (held := _holds(each, plan, progress, wave=wave))), "")
        case AllOf(rules=rules):
            all_held = [_holds(each, plan, progress, wave=wave) for each in rules]
            return " and ".join(all_held) if all(all_held) else ""
        case _ as unknown:
            assert_never(unknown)
