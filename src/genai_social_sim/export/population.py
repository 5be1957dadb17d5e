"""A recorded study with its population written out: each of its people as if listed by hand, each channel's members.

It is read tolerantly: what is missing or strange is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genai_social_sim.domain.population import Condition, Where, as_text


def written_out(study: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a recorded study, in which `agents` are all agents and all `members` are names."""
    agents = [agent for agent in _list(study.get("agents")) if isinstance(agent, dict)]
    agents += _people(_mapping(study.get("population")))
    channels = {name: _mapping(channel) for name, channel in _mapping(study.get("channels")).items()}
    named = {
        name: {**channel, "members": _members(channel, agents, study.get("protocol"))}
        for name, channel in channels.items()
    }
    return {**study, "agents": agents, "channels": named}


def _people(population: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    drawn = _mapping(population.get("drawn"))
    columns = {name: _list(values) for name, values in _mapping(drawn.get("attributes")).items()}
    own, groups = _list(drawn.get("groups")), [_mapping(group) for group in _list(population.get("groups"))]
    for at, name in enumerate(_list(drawn.get("names"))):
        group = _at(groups, _at(own, at)) or {}
        values = {key: _at(column, at) for key, column in columns.items()}
        yield {
            "name": name,
            "persona": population.get("persona", ""),
            "attributes": {key: value for key, value in values.items() if value is not None},
            "role": group.get("role", population.get("role")),
            "model": group.get("model", population.get("model")),
        }


def _members(channel: Mapping[str, Any], agents: Sequence[Mapping[str, Any]], shared: Any) -> list[str]:
    """Those that are named and then whoever fits; in the order of their names unless their order means something."""
    members = channel.get("members", {"where": {}})
    if not isinstance(members, dict):
        return [*map(str, _list(members))]
    protocol = channel.get("protocol", shared)
    ordered = "round_robin" in (protocol, _mapping(protocol).get("kind"))
    found = dict.fromkeys(map(str, _list(members.get("agents"))))
    if isinstance(members.get("where"), dict):
        where = Where(conditions=tuple([_condition(name, value) for name, value in members["where"].items()]))
        found |= {str(each.get("name")): None for each in agents if where.fits(_mapping(each.get("attributes")))}
    return list(found) if ordered else sorted(found)


def _condition(name: str, value: Any) -> Condition:
    if isinstance(value, dict):
        return Condition(attribute=name, low=value.get("min"), high=value.get("max"))
    return Condition(attribute=name, values=tuple(map(as_text, value if isinstance(value, list) else [value])))


def _at(values: Sequence[Any], position: Any) -> Any:
    return values[position] if isinstance(position, int) and 0 <= position < len(values) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
