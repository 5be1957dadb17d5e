"""What a study may mention: agents, speakers, values of templates; and what is wrong with a mention, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.population import MembersDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.residents import Resident, Whom, members_of
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
    "direct": False,
    "about": "",
}
IN_FORUM: Final = SAMPLE | {"doing": "reply", "post": 1, "author": "B"}  # beside those, in the templates of a forum
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


def no_role(name: str, roles: Collection[str], path: Path) -> Problem:
    """A role that the study does not have."""
    known = f"The roles are: {listed(sorted(roles))}." if roles else "Write it under `roles:`."
    return Problem(path, f"there is no role {name!r}", f"{nearest(name, roles)}{known}")


def no_channel(name: str, channels: Mapping[str, object], path: Path) -> Problem:
    """A channel that the study does not have."""
    remedy = f"{nearest(name, channels)}The channels are: {listed(sorted(channels))}."
    return Problem(path, f"there is no channel {name!r}", remedy)


def problems_of_whom(whom: Whom, everybody: Sequence[Resident], path: Path) -> Iterator[Problem]:
    """Names that nobody has, or a description that fits nobody."""
    names = {each.name: folded(each.name) for each in everybody}
    found = [*problems_of_members(whom, names, path)]
    yield from found
    if not found and everybody and not members_of(whom, everybody):
        yield Problem(path, "nobody is meant by this", "Change `where`, or name `agents`.")
