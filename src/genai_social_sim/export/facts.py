"""The study as a record holds it, read tolerantly: what is missing is None, nothing is checked again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.events import RunStarted
from genai_social_sim.domain.plan import Sampling
from genai_social_sim.domain.text import Text
from genai_social_sim.export.population import written_out
from genai_social_sim.export.tables import Cell
from genai_social_sim.kernel import templates

_DRAWN: Final = ("population", "network")  # parts of which the seed decides something, which the record holds
_OF_NETWORK: Final = ("kind", "drawn", "edges")
SAMPLING: Final = tuple(Sampling.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """An agent as the study has it; `sampling` in the order of `SAMPLING`."""

    name: str
    persona: str | None
    persona_template: str | None
    backend: str | None
    sampling: tuple[Cell, ...]
    options: str
    attributes: str
    values: Mapping[str, Any]  # of the attributes
    role: str | None
    authority: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """A channel as the study has it. `window` None: unknown."""

    name: str
    members: tuple[str, ...]
    protocol: str | None
    protocol_options: str
    act: str
    act_options: str
    window: int | None
    opening_from: str | None
    opening_text: str | None
    network: str | None = None
    network_options: str = "{}"
    direct: bool = False


class EdgeFacts(NamedTuple):
    """An edge as the run began."""

    speaker: str
    listener: str
    weight: float | None
    directed: bool


class Facts:
    """A study's plain values."""

    def __init__(self, started: RunStarted) -> None:
        try:
            study = json.loads(started.study.value)
        except ValueError:
            study = {}
        self._text = started.study
        self._plain = _mapping(study)
        self._study = written_out(self._plain)

    @property
    def name(self) -> str | None:
        """The study's name."""
        return _text(self._study.get("name"))

    @property
    def digest(self) -> str:
        """SHA-256 of the study, hexadecimal, without the people and networks that the seed of the run drew."""
        return undrawn_digest(self._plain) if _is_drawn(self._plain) else self._text.digest.hex()

    @property
    def names(self) -> list[str]:
        """The agents' names, in their order."""
        return [str(agent.get("name", "")) for agent in self._study["agents"]]

    def agents(self) -> Iterator[AgentFacts]:
        """In their order."""
        shared = _mapping(self._study.get("model"))
        roles = _mapping(self._study.get("roles"))
        return (_agent(agent, shared, roles) for agent in self._study["agents"])

    def posts(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Name, role and backend of each agent; much quicker than all that `agents` tells."""
        shared = _mapping(self._study.get("model"))
        for agent in self._study["agents"]:
            model = _mapping(agent.get("model")) or shared
            yield str(agent.get("name", "")), _text(agent.get("role")), _text(model.get("backend"))

    def probes(self) -> Iterator[tuple[str, str]]:
        """Name of each probe, and how it is answered, as JSON."""
        probes = self._study.get("probes")
        for probe in probes if isinstance(probes, list) else ():
            yield str(_mapping(probe).get("name", "")), written(_kinded(_mapping(probe).get("act")))

    @property
    def stop(self) -> object:
        """The stopping rule."""
        return self._study.get("stop")

    def channels(self) -> Iterator[ChannelFacts]:
        """In the order of their names."""
        channels = _mapping(self._study.get("channels"))
        for name in sorted(channels):
            yield self._channel(name, _mapping(channels[name]))

    def edges(self, channel: str) -> Iterator[EdgeFacts]:
        """Those of a channel's network as the run began; none where everybody hears everybody."""
        found = _mapping(_mapping(_mapping(self._study.get("channels")).get(channel)).get("network"))
        drawn = _mapping(found.get("drawn")) or found
        edges = drawn.get("edges")
        for edge in edges if isinstance(edges, list) else ():
            if isinstance(edge, list) and len(edge) > 1:
                weight = _number(edge[2]) if len(edge) > 2 else 1.0  # noqa: PLR2004 (two ends and a weight)
                yield EdgeFacts(str(edge[0]), str(edge[1]), weight, bool(drawn.get("directed")))

    @property
    def edges_change(self) -> bool:
        """Whether an intervention is planned that changes edges."""
        planned = self._plain.get("interventions")
        kinds = [_mapping(each).get("kind") for each in planned] if isinstance(planned, list) else []
        return any(kind in ("add_edges", "remove_edges", "network") for kind in kinds)

    def _channel(self, name: str, channel: Mapping[str, Any]) -> ChannelFacts:
        protocol = _kinded(channel.get("protocol", self._study.get("protocol")))
        memory = _kinded(channel.get("memory", self._study.get("memory")))
        act = _kinded(channel.get("act", self._study.get("act", "say")))
        opening = _mapping(channel.get("opening"))
        network = _kinded(channel.get("network", self._study.get("network")))
        window = 0 if memory.get("kind") == "none" else memory.get("utterances")
        return ChannelFacts(
            name=name,
            members=tuple(channel["members"]),
            protocol=_text(protocol.get("kind")),
            protocol_options=written({key: value for key, value in protocol.items() if key != "kind"}),
            act=str(act.get("kind", "")),
            act_options=written({key: value for key, value in act.items() if key != "kind"}),
            window=window if isinstance(window, int) else None,
            opening_from=_text(opening.get("from", opening.get("speaker"))),
            opening_text=_text(opening.get("text")),
            network=_text(network.get("kind")),
            direct=channel.get("direct") is True,
            network_options=written({key: value for key, value in network.items() if key not in _OF_NETWORK}),
        )


def undrawn_digest(study: Mapping[str, Any]) -> str:
    """SHA-256 of a study's plain values, hexadecimal, without the people and networks that a seed drew."""
    channels = {name: _undrawn(_mapping(each)) for name, each in _mapping(study.get("channels")).items()}
    return Text.of(written({**_undrawn(study), "channels": channels})).digest.hex()


def _is_drawn(study: Mapping[str, Any]) -> bool:
    parts = [study, *_mapping(study.get("channels")).values()]
    return any("drawn" in _mapping(_mapping(part).get(key)) for part in parts for key in _DRAWN)


def _undrawn(part: Mapping[str, Any]) -> dict[str, Any]:
    """Without what its population and its network drew."""
    kept = {key: {k: v for k, v in _mapping(part[key]).items() if k != "drawn"} for key in _DRAWN if key in part}
    return {**part, **kept}


def currency_in(about: str) -> str | None:
    """The currency that a session counted costs in, from what the record says of it; None if it counted none."""
    try:
        settings = _mapping(_mapping(json.loads(about)).get("settings"))
    except ValueError:
        return None
    return _text(settings.get("currency")) or None


def written(value: object) -> str:
    """Canonical JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _agent(agent: Mapping[str, Any], shared: Mapping[str, Any], roles: Mapping[str, Any]) -> AgentFacts:
    model = _mapping(agent.get("model")) or shared
    template, attributes = _text(agent.get("persona")), _mapping(agent.get("attributes"))
    name, role = str(agent.get("name", "")), _text(agent.get("role"))
    own, of_role = _number(agent.get("authority")), _number(_mapping(roles.get(role or "")).get("authority"))
    return AgentFacts(
        name=name,
        persona=None if template is None else _rendered(template, {**attributes, "name": name}),
        persona_template=template,
        backend=_text(model.get("backend")),
        sampling=tuple([_number(model.get(key)) for key in SAMPLING]),
        options=written({key: value for key, value in model.items() if key != "backend" and key not in SAMPLING}),
        attributes=written(attributes),
        values=attributes,
        role=role,
        authority=next((each for each in (own, of_role) if each is not None), 1.0),
    )


def _rendered(template: str, values: Mapping[str, Any]) -> str | None:
    """As prompts had it; None for a template that this release cannot render."""
    try:
        return templates.render(template, **values).strip()
    except (templates.TemplateProblem, TypeError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _kinded(value: object) -> Mapping[str, Any]:
    return {"kind": value} if isinstance(value, str) else _mapping(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
