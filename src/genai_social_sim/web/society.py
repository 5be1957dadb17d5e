"""Who takes part in a run: agents with roles and attributes, channels with members."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.errors import RequestError
from genai_social_sim.web.sources import AgentFacts, Facts, Record

_SECOND: Final = """
    SELECT min(turn) FROM (
        SELECT turn, body ->> 'round' AS round FROM events WHERE kind IN ('spoke', 'fell_silent')
        ORDER BY seq LIMIT 50000
    ) WHERE round = 1
"""


class Member(TypedDict):
    """An agent in short."""

    name: str
    role: str | None
    authority: float


class ChannelDocument(TypedDict):
    """A channel; `members` are positions in `agents` of the society."""

    name: str
    members: list[int]
    protocol: str | None
    act: str
    network: str | None


class Society(TypedDict):
    """All agents and channels, as the run began."""

    study: str
    agents: list[Member]
    channels: list[ChannelDocument]
    round_turns: int | None  # turns of a round; null while no second round has begun


class AgentDocument(Member):
    """An agent as its model is told who it is."""

    persona: str | None
    backend: str | None
    attributes: dict[str, Any]


class NoSuchAgentError(RequestError):
    """The run has no agent of this name."""

    code = "no-such-agent"


def round_turns(record: Record) -> int | None:
    """Turns of a round, from the record: the second round begins with that turn."""
    found = next(iter(record.query(_SECOND)), (None,))[0]
    return None if found is None else int(found)


def society(facts: Facts, turns: int | None = None) -> Society:
    """Agents and channels of a run; `turns` of a round."""
    agents = [_member(agent) for agent in facts.agents()]
    seats = {agent["name"]: at for at, agent in enumerate(agents)}
    channels: list[ChannelDocument] = [
        {
            "name": channel.name,
            "members": [seats[name] for name in channel.members if name in seats],
            "protocol": channel.protocol,
            "act": channel.act,
            "network": channel.network,
        }
        for channel in facts.channels()
    ]
    return {"study": facts.name or "", "agents": agents, "channels": channels, "round_turns": turns}


def agent_of(facts: Facts, name: str) -> AgentDocument:
    """One agent; raises NoSuchAgentError."""
    for agent in facts.agents():
        if agent.name == name:
            told = {"persona": agent.persona, "backend": agent.backend, "attributes": dict(agent.values)}
            return {**_member(agent), **told}  # type: ignore[typeddict-item]  # the keys of the document
    raise NoSuchAgentError(f"there is no agent {name!r} in this run")


def _member(agent: AgentFacts) -> Member:
    return {"name": agent.name, "role": agent.role, "authority": agent.authority}
