"""What prompts say of roles: to others, in parentheses after a name; to the agent itself, after its persona."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from genai_social_sim.domain.ids import AgentId, RoleId
from genai_social_sim.domain.plan import Agent, Role
from genai_social_sim.kernel.templates import compile_template

TOLD: Final = {"nothing": "", "name": "{{ role }}", "authority": "{{ role }}, authority {{ authority }}"}
DEFAULT_BRIEF: Final = "Role: {{ role }}."


def told(agent: Agent, roles: Mapping[RoleId, Role]) -> str:
    """The agent's name, with what others are told of its role."""
    words = _filled(roles[agent.role].told, agent) if agent.role is not None else ""
    return f"{agent.name} ({words})" if words else agent.name


def briefed(agent: Agent, roles: Mapping[RoleId, Role]) -> str:
    """The agent's persona, with what it is told of its role."""
    brief = _filled(roles[agent.role].brief, agent) if agent.role is not None else ""
    return f"{agent.persona} {brief}".strip() if brief else agent.persona


def shown_authority(authority: float) -> int | float:
    """As prompts print it: a whole number without a point."""
    return int(authority) if authority.is_integer() else authority


def of_roles(
    agent: Agent, others: Sequence[AgentId], agents: Mapping[AgentId, Agent], roles: Sequence[Role]
) -> dict[str, Any]:
    """What templates are given of an agent, its role and those of its company."""
    role, authority = agent.role or "", shown_authority(agent.authority)
    if not roles:
        persona, company, others_roles = agent.persona, ", ".join(others), list[str]()
    else:
        table = {role.name: role for role in roles}
        words = [told(agents[other], table) for other in others]
        persona, company = briefed(agent, table), ", ".join(words)
        others_roles = [each for each, other in zip(words, others, strict=True) if each != other]
    return {
        "role": role,
        "authority": authority,
        "persona": persona,
        "company": company,
        "others_roles": others_roles,
    }


def _filled(template: str, agent: Agent) -> str:
    values = {"name": agent.name, "role": agent.role, "authority": shown_authority(agent.authority)}
    return compile_template(template)(**values).strip()
