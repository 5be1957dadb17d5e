"""What a study may mention: agents, speakers, values of templates; and what is wrong with a mention, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.population import MembersDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.source import Path
from genai_social_sim.study.words import folded

SAMPLE: Final = {
    "name": "A",
    "persona": "",
    "role": "r",
    "authority": 1,
    "others": ["B"],
    "company": "B",
    "others_roles": ["B (r)"],
    "channel": "c",
    "topic": "",
    "study": "s",
    "options": ["1"],
    "letters": False,
    "may_pass": False,
}
TEMPLATE_REMEDY: Final = "Write plain text, or a Jinja2 template such as `{{ name }}`."


def of_template(fault: TemplateProblem) -> str:
    """Why a template does not work."""
    line = f" (line {fault.line} of the template)" if fault.line > 1 else ""
    return f"the template does not work: {fault.reason}{line}"


def problems_of_members(
    members: tuple[str, ...] | MembersDoc | None, names: Mapping[str, str], path: Path
) -> Iterator[Problem]:
    """Names that nobody has, and names that are there twice; `names` are those of all agents."""
    seen = set()
    if isinstance(members, MembersDoc):
        members, path = members.agents, (*path, "agents")
    for index, member in enumerate(members or ()):
        if member not in names:
            remedy = f"{nearest(member, names)}The agents are: {listed(tuple(names))}."
            yield Problem((*path, index), f"there is no agent {member!r}", remedy)
        elif member in seen:
            yield Problem((*path, index), f"{member!r} is listed twice", "Delete one of the two.")
        seen.add(member)


def problems_of_speaker(speaker: str, spoken: Mapping[str, str], path: Path) -> Iterator[Problem]:
    """A name before a text that could be taken for an agent's; `spoken` are all agents by their folded names."""
    agent = spoken.get(folded(speaker), speaker)
    if agent != speaker:
        yield Problem(path, f"{speaker!r} could be taken for the agent {agent!r}", f"Write {agent!r}.")
