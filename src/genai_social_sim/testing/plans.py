"""Small plans in few words. It knows nothing of study files: what it makes needs no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from genai_social_sim.domain.act import Act, Say
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.plan import (
    Agent,
    Channel,
    Layout,
    Model,
    Opening,
    PromptStyle,
    Protocol,
    RandomOrder,
    RoundRobin,
    RunPlan,
    Simultaneous,
    StopRule,
    Timeouts,
    Turns,
)
from genai_social_sim.kernel.prompts import CUES_WITH_OPTIONS, DEFAULT_CUES, DEFAULT_FRAMES

PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "round-robin": RoundRobin(),
    "random": RandomOrder(),
    "random-with-repeats": RandomOrder(repeat=True),
    "simultaneous": Simultaneous(),
}


def small_channel(
    name: str,
    *,
    members: str,
    protocol: str | Protocol = "round-robin",
    opening: str = "system: Begin.",
    window: int = 20,
    act: Act | None = None,
) -> Channel:
    """A channel; `members` are names between blanks, `opening` is "SPEAKER: text" or empty for none; no `act`: Say."""
    speaker, _, text = opening.partition(": ")
    return Channel(
        name=ChannelId(name),
        members=tuple(map(AgentId, members.split())),
        protocol=PROTOCOLS[protocol] if isinstance(protocol, str) else protocol,
        opening=Opening(speaker=speaker, text=text) if opening else None,
        window=window,
        act=act or Say(),
    )


def small_plan(
    *channels: Channel,
    agents: str = "ada bo cy",
    stop: StopRule | int = 6,
    seed: int = 7,
    layout: Layout = "script",
    timeouts: Timeouts | None = None,
    models: Mapping[str, Model] | None = None,
    style: PromptStyle | None = None,
) -> RunPlan:
    """A plan.

    Args:
        channels: None for one, `hall`, with every agent in it, in turn.
        agents: Names between blanks; the persona of NAME is "I am NAME."
        stop: A number is one of turns.
        seed: Of the run.
        layout: Of the prompts, with its own templates.
        timeouts: None for one attempt and no back-off.
        models: By agent; others have backend `scripted`.
        style: Other templates than those of `layout`.
    """
    names = sorted(agents.split())
    given = models or {}
    held = _in_order(channels) or (small_channel("hall", members=agents),)
    cues = DEFAULT_CUES if all(channel.act == Say() for channel in held) else CUES_WITH_OPTIONS
    return RunPlan(
        name="small",
        seed=seed,
        agents=tuple(
            Agent(name=AgentId(name), persona=f"I am {name}.", model=given.get(name, Model(backend="scripted")))
            for name in names
        ),
        channels=held,
        prompt=style or PromptStyle(layout=layout, frame=DEFAULT_FRAMES[layout], cue=cues[layout]),
        stop=Turns(count=stop) if isinstance(stop, int) else stop,
        timeouts=timeouts or Timeouts(attempts=1, backoff_s=0.0),
    )


def _in_order(channels: Sequence[Channel]) -> tuple[Channel, ...]:
    return tuple(sorted(channels, key=lambda channel: channel.name))
