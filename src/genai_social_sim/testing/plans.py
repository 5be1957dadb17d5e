"""Small plans in few words. It knows nothing of study files: what it makes needs no check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from genai_social_sim.domain.act import Act, Say
from genai_social_sim.domain.agenda import Intervention, Probe
from genai_social_sim.domain.ids import AgentId, ChannelId, RoleId
from genai_social_sim.domain.memory import Memory
from genai_social_sim.domain.network import Edge, Network
from genai_social_sim.domain.plan import (
    Agent,
    ByAuthority,
    Channel,
    Forum,
    Layout,
    Model,
    Moderated,
    Opening,
    OwnProtocol,
    Pairwise,
    PromptStyle,
    Protocol,
    RandomOrder,
    Role,
    RoundRobin,
    RunPlan,
    Sequential,
    Simultaneous,
    StopRule,
    Timeouts,
    Turns,
)
from genai_social_sim.domain.power import Power
from genai_social_sim.domain.taking import Moment
from genai_social_sim.kernel.pages import FORUM_CUES, FORUM_FRAMES, FORUM_WORDS
from genai_social_sim.kernel.prompts import CUES_WITH_OPTIONS, DEFAULT_CUES, DEFAULT_FRAMES


class ByTwos:
    """A protocol as a user may write it: two drawn members act at once; a round has as many such pairs as members."""

    def turns(self, members: int) -> int:
        """Two for each pair."""
        return 2 * members

    def at_once(self, members: int) -> int:
        """A pair."""
        return 2

    def who(self, moment: Moment) -> Sequence[AgentId]:
        """Any two."""
        return moment.dice("pair").shuffled(moment.members)[:2]


def small_forum(**settings: Any) -> Forum:
    """A forum with the templates of a chat, which do for any layout."""
    layout: Layout = "persona_first"
    return Forum(frame=FORUM_FRAMES[layout], cue=FORUM_CUES[layout], words=FORUM_WORDS[layout], **settings)


PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "round-robin": RoundRobin(),
    "random": RandomOrder(),
    "random-with-repeats": RandomOrder(repeat=True),
    "simultaneous": Simultaneous(),
    "authority": ByAuthority(),
    "sequential": Sequential(),
    "pairwise": Pairwise(),
    "pairwise-listener": Pairwise(acts="listener", pick="listener"),
    "pairwise-both": Pairwise(acts="both", shows="nothing"),
    "pairwise-announced": Pairwise(acts="both", announce=True),
    "moderated": Moderated(moderator=AgentId("ada"), cue="{{ name }}, who is next?"),
    "forum": small_forum(),
    "forum-simultaneous": small_forum(simultaneous=True, ranking="top", feed=2, replies=1),
    "by-twos": OwnProtocol(name="by-twos", taking=ByTwos()),
}


def small_channel(
    name: str,
    *,
    members: str,
    protocol: str | Protocol = "round-robin",
    opening: str = "system: Begin.",
    window: int = 20,
    act: Act | None = None,
    edges: str | None = None,
    memory: Memory | None = None,
    direct: bool = False,
) -> Channel:
    """A channel; no `act`: Say.

    Args:
        name: Of the channel.
        members: Names between blanks.
        protocol: By its name in `PROTOCOLS`, or itself.
        opening: "SPEAKER: text", or empty for none.
        window: Utterances that a prompt shows; with a memory, those that are kept for it.
        act: What members do.
        edges: A network, as `ada-bo` (they hear each other) or `ada>bo` (bo hears ada, in a network with direction),
            between blanks, each perhaps with a weight, `ada>bo:0.5`; None: everybody hears everybody.
        memory: What members are shown of the past; None: the last `window` utterances.
        direct: Whether words can be addressed to one member alone.
    """
    speaker, _, text = opening.partition(": ")
    return Channel(
        name=ChannelId(name),
        members=tuple(map(AgentId, members.split())),
        protocol=PROTOCOLS[protocol] if isinstance(protocol, str) else protocol,
        opening=Opening(speaker=speaker, text=text) if opening else None,
        window=window,
        act=act or Say(),
        direct=direct,
        network=None if edges is None else small_network(members, edges),
        memory=memory,
    )


def small_network(members: str, edges: str) -> Network:
    """A network, written as for `small_channel`; with direction if one of its edges has one."""
    found = []
    for edge in edges.split():
        ends, _, weight = edge.partition(":")
        speaker, _, listener = ends.replace(">", "-").partition("-")
        found.append(Edge(AgentId(speaker), AgentId(listener), float(weight or 1)))
    return Network.of(tuple(map(AgentId, members.split())), found, directed=">" in edges)


def small_plan(
    *channels: Channel,
    agents: str = "ada bo cy",
    stop: StopRule | int = 6,
    seed: int = 7,
    layout: Layout = "script",
    timeouts: Timeouts | None = None,
    models: Mapping[str, Model] | None = None,
    style: PromptStyle | None = None,
    probes: Sequence[Probe] = (),
    interventions: Sequence[Intervention] = (),
    powers: Mapping[str, Sequence[Power]] = MappingProxyType({}),
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
        probes: Questions that are asked aside.
        interventions: Planned changes.
        powers: By agent; who has some has a role of its own, of which nobody is told.
    """
    names = sorted(agents.split())
    given = models or {}
    held = _in_order(channels) or (small_channel("hall", members=agents),)
    cues = DEFAULT_CUES if all(channel.act == Say() for channel in held) else CUES_WITH_OPTIONS
    return RunPlan(
        name="small",
        seed=seed,
        agents=tuple(
            Agent(
                name=AgentId(name),
                persona=f"I am {name}.",
                model=given.get(name, Model(backend="scripted")),
                role=RoleId(f"of {name}") if name in powers else None,
            )
            for name in names
        ),
        channels=held,
        prompt=style or PromptStyle(layout=layout, frame=DEFAULT_FRAMES[layout], cue=cues[layout]),
        stop=Turns(count=stop) if isinstance(stop, int) else stop,
        timeouts=timeouts or Timeouts(attempts=1, backoff_s=0.0),
        probes=tuple(probes),
        interventions=tuple(interventions),
        roles=_roles(powers),
    )


def _roles(powers: Mapping[str, Sequence[Power]]) -> tuple[Role, ...]:
    """One for each holder, and that of a chair, which nobody has at first; none if there are no powers."""
    chair: Mapping[str, Sequence[Power]] = {"chair": ("mute", "close")} if powers else {}
    given = {**{f"of {name}": held for name, held in powers.items()}, **chair}
    rows = sorted(given.items())
    return tuple([Role(name=RoleId(name), told="", brief="", powers=tuple(held)) for name, held in rows])


def _in_order(channels: Sequence[Channel]) -> tuple[Channel, ...]:
    return tuple(sorted(channels, key=lambda channel: channel.name))
