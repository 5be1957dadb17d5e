"""What a study may not mean, though it can be played: what comes after its end, memories too short for a rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from genai_social_sim.domain.agenda import After, Every, Intervention, Probe, When
from genai_social_sim.domain.memory import Window
from genai_social_sim.domain.plan import Agent, Channel, OwnProtocol, Pairwise, RunPlan
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.study.loading import LoadedStudy
from genai_social_sim.study.refusals import shown
from genai_social_sim.study.source import Path

# Rules that reckon with each whom an agent hears, and not with one of them or with whom it has just heard.
_OF_ALL: Final = frozenset(
    {
        "degroot",
        "friedkin_johnsen",
        "hegselmann_krause",
        "majority",
        "curie_weiss",
        "linear_threshold",
        "independent_cascade",
    }
)


def doubts(loaded: LoadedStudy, plan: RunPlan) -> list[str]:
    """Each in a line: where, what, and what to write instead."""
    found = [*_never(plan), *_forgotten(loaded, plan)]
    return [f"{loaded.marks.where(path)}: {shown(path)}: {words}" for path, words in found]


def _never(plan: RunPlan) -> Iterator[tuple[Path, str]]:
    """Moments that the run does not come to."""
    end = bound(plan.stop, plan.round_size)
    for at, probe in enumerate(plan.probes):
        yield from _beyond(probe, ("probes", at), plan, end)
    for at, change in enumerate(plan.interventions):
        yield from _beyond(change, ("interventions", at), plan, end - 1)  # nothing is changed at the end


def _beyond(planned: Probe | Intervention, path: Path, plan: RunPlan, last: float) -> Iterator[tuple[Path, str]]:
    for when in planned.when:
        if not isinstance(when, After | Every):
            continue
        turns = when.count * (plan.round_size if when.unit == "rounds" else 1)
        if turns > last:
            key = "when" if planned.trigger is not None and isinstance(when, Every) else _key(when)
            end = bound(plan.stop, plan.round_size)
            comes = f"{_said(when)} never comes" if turns > end else f"nothing is changed any more at {_said(when)}"
            remedy = f"Write an earlier moment, or let the run go on beyond turn {end:.0f} (`stop`)."
            yield (*path, key), f"{comes}: the run ends after {end:.0f} turns. {remedy}"


def _key(when: When) -> str:
    return "every" if isinstance(when, Every) else "at"


def _said(when: After | Every) -> str:
    word = when.unit[:-1]
    if isinstance(when, Every):
        return f"`{when.count} {word if when.count == 1 else when.unit}`"
    return f"`{word} {when.count}`" if when.count else "`start`"


def _forgotten(loaded: LoadedStudy, plan: RunPlan) -> Iterator[tuple[Path, str]]:
    """Channels in which an agent that reckons with all whom it hears remembers fewer."""
    agents = {agent.name: agent for agent in plan.agents}
    for channel in plan.channels:
        if isinstance(channel.protocol, Pairwise | OwnProtocol):
            continue
        rows = [(agents[name], _heard(channel, seat)) for seat, name in enumerate(channel.members)]
        needed = [heard + 1 for agent, heard in rows if _reckons(agent) and _window(channel, agent) < heard + 1]
        if needed:
            own = loaded.document.channels[channel.name].memory is not None
            path: Path = ("channels", channel.name, "memory") if own else ("memory",)
            text = f"{len(needed):,} agents of {channel.name} whose rule reckons with all whom they hear forget some"
            yield path, f"{text}. Write `memory: {{kind: window, utterances: {max(needed)}}}`."


def _heard(channel: Channel, seat: int) -> int:
    """How many a member hears."""
    return len(channel.members) - 1 if channel.network is None else len(channel.network.sources[seat])


def _window(channel: Channel, agent: Agent) -> float:
    memory = channel.memory_of(agent)
    if not isinstance(memory, Window):
        return float("inf")
    return memory.utterances + (memory.own is not None)  # its own, which are remembered apart


def _reckons(agent: Agent) -> bool:
    return agent.model.backend == "rule" and json.loads(agent.model.options).get("rule") in _OF_ALL
