"""Who takes part in a recorded run, and who hears whom. It knows nothing of what is said."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.events import Event, FellSilent, Intervened, RunStarted, Spoke
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.errors import SocialSimError
from genai_social_sim.export.edges import Networks
from genai_social_sim.export.facts import ChannelFacts, Facts
from genai_social_sim.kernel.room import Room
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.taking import partner_of
from genai_social_sim.study.lowering import from_canonical, lower

RULE: Final = "rule"  # the backend of agents that say states and nothing else


# Their turns are asked one after the other, or in rounds; for the others the plan is put together, which takes time.
_ONE_BY_ONE: Final = ("round_robin", "random", "authority", "sequential", "moderated", "simultaneous")


class Scale(NamedTuple):
    """The ends of a scale."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """A channel: its members, how they act, whom each of them hears (None: everybody) and on which scale they rate."""

    name: str
    members: tuple[str, ...]
    protocol: str
    act: str
    scale: Scale | None
    moderator: str | None
    sources: Mapping[str, tuple[str, ...]] | None


class Society:
    """What the first event of a record says; whatever is missing or strange there is left out."""

    def __init__(self, started: RunStarted) -> None:
        self._started = started
        self.facts = Facts(started)
        self.seed = started.seed
        self.halls = {facts.name: _hall(self.facts, facts) for facts in self.facts.channels()}
        self.last_stated: tuple[object, tuple[str, str] | None] = (None, None)  # of `stances.stated`
        self._networks = Networks(self.facts) if self.facts.edges_change else None
        self._sources: dict[str, Mapping[str, tuple[str, ...]]] = {}  # of networks that change, as they are now
        self.probes = {name: _scale(options) for name, options in self.facts.probes()}

    @cached_property
    def roles(self) -> Mapping[str, str]:
        """The roles of those who have one."""
        return {name: role for name, role, _ in self.facts.posts() if role is not None}

    @cached_property
    def ruled(self) -> frozenset[str]:
        """Agents that follow a rule."""
        return frozenset([name for name, _, backend in self.facts.posts() if backend == RULE])

    @cached_property
    def consensus_share(self) -> float:
        """The share of agreement at which the study stops; 1 if it has no such rule."""
        return _consensus(self.facts.stop) or 1.0

    @cached_property
    def _stage(self) -> Stage | None:
        try:
            return Stage(lower(from_canonical(self._started.study.value), seed=self.seed))
        except (SocialSimError, ValueError, KeyError):  # a protocol that is not installed here, or a strange record
            return None

    def take(self, event: Event) -> None:
        """One more event; those that change edges matter."""
        if self._networks is not None and isinstance(event, Intervened):
            self._networks.change(event)
            self._sources.clear()

    def is_procedure(self, event: Spoke) -> bool:
        """Whether it decides what is done next and nobody hears it: a moderator's choice, an act in a forum."""
        hall = self.halls.get(event.channel)
        return event.feed is not None or (hall is not None and hall.moderator == event.agent)

    def heard(self, event: Spoke | FellSilent) -> Sequence[str] | None:
        """Whom the agent of a turn heard before it: its partner or its neighbours; None: all other members."""
        hall = self.halls.get(event.channel)
        if hall is None:
            return ()
        if hall.protocol == "pairwise":
            return self._partner(event)
        sources = hall.sources if self._networks is None else self._now(event.channel)
        return None if sources is None else sources.get(event.agent, ())

    def _now(self, channel: str) -> Mapping[str, tuple[str, ...]] | None:
        """Whom each member hears now, where edges change; None: everybody."""
        network = self._networks.networks.get(channel) if self._networks is not None else None
        if network is None:
            return None
        if channel not in self._sources:
            self._sources[channel] = _by_listener([(*ends, network.directed) for ends in network.there])
        return self._sources[channel]

    def wave(self, event: Spoke) -> Hashable:
        """What turns have in common that are asked at once, so that none sees what is said in the others."""
        hall = self.halls.get(event.channel)
        stage = self._stage if hall is not None and hall.protocol not in _ONE_BY_ONE else None
        if stage is None:
            return event.round if hall is not None and hall.protocol == "simultaneous" else event.turn
        room = self._room(stage, event)
        return event.round, self._position(room, event) // room.wave(event.round)

    def _partner(self, event: Spoke | FellSilent) -> Sequence[str]:
        stage = self._stage
        if stage is None or self._networks is not None:  # who meets is drawn from edges that are others by now
            return ()
        room = self._room(stage, event)
        partner = partner_of(room, AgentId(event.agent), event.round, self._position(room, event))
        return () if partner is None else (partner,)

    @staticmethod
    def _room(stage: Stage, event: Spoke | FellSilent) -> Room:
        return stage.rooms[stage.channel_index[ChannelId(event.channel)]]

    @staticmethod
    def _position(room: Room, event: Spoke | FellSilent) -> int:
        return event.turn - event.round * room.stride - room.offset


def _hall(facts: Facts, channel: ChannelFacts) -> Hall:
    options = _plain(channel.protocol_options)
    edges = [(edge.speaker, edge.listener, edge.directed) for edge in facts.edges(channel.name)]
    return Hall(
        name=channel.name,
        members=channel.members,
        protocol=channel.protocol or "",
        act=channel.act,
        scale=_scale(channel.act_options),
        moderator=options.get("moderator") if channel.protocol == "moderated" else None,
        sources=None if channel.network is None else _by_listener(edges),
    )


def _by_listener(edges: Iterable[tuple[str, str, bool]]) -> Mapping[str, tuple[str, ...]]:
    """Whom each hears, from edges (speaker, listener, directed)."""
    found: dict[str, list[str]] = {}
    for speaker, listener, directed in edges:
        found.setdefault(listener, []).append(speaker)
        if not directed:
            found.setdefault(speaker, []).append(listener)
    return {listener: tuple(dict.fromkeys(speakers)) for listener, speakers in found.items()}


def _scale(options: str) -> Scale | None:
    told = _plain(options)
    scale = [told.get("min"), told.get("max")] if "min" in told else told.get("scale")
    numbers = [each for each in scale if isinstance(each, int | float)] if isinstance(scale, list) else []
    return Scale(float(min(numbers)), float(max(numbers))) if len(numbers) > 1 else None


def _consensus(stop: object) -> float | None:
    """The share of the first rule of agreement within a stopping rule."""
    if isinstance(stop, list):
        return next((found for each in stop if (found := _consensus(each))), None)
    if not isinstance(stop, dict):
        return None
    rule = stop.get("consensus")
    if isinstance(rule, dict) and isinstance(rule.get("share"), int | float):
        return float(rule["share"])
    return _consensus(stop.get("any")) or _consensus(stop.get("all"))


def _plain(options: str) -> Mapping[str, Any]:
    found = json.loads(options)
    return found if isinstance(found, dict) else {}
