"""What prompts say of roles: to others, in parentheses after a name; to the agent itself, after its persona."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from genai_social_sim.domain.ids import RoleId
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


def _filled(template: str, agent: Agent) -> str:
    values = {"name": agent.name, "role": agent.role, "authority": shown_authority(agent.authority)}
    return compile_template(template)(**values).strip()
