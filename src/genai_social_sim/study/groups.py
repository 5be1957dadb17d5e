"""Groups of agents in a word: an agent's name, a role, or a value of an attribute; or described like members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.population import as_text
from genai_social_sim.study.population import MembersDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.residents import Resident, members_of
from genai_social_sim.study.source import Path

Group = tuple[str, ...] | MembersDoc


def grouped(group: Group, everybody: Sequence[Resident]) -> tuple[AgentId, ...]:
    """Who is in it, in the order of their names."""
    if isinstance(group, MembersDoc):
        return tuple(sorted(map(AgentId, members_of(group, everybody))))
    return tuple(
        sorted({AgentId(name) for word in group for names in _meanings(word, everybody).values() for name in names})
    )


def problems_of_group(group: Group, everybody: Sequence[Resident], path: Path) -> Iterator[Problem]:
    """Words that mean nobody, or more than one thing."""
    if isinstance(group, MembersDoc):
        if everybody and not members_of(group, everybody):
            yield Problem(path, "nobody is meant by this", "Change `where`, or name `agents`.")
        return
    for word in group:
        found = _meanings(word, everybody)
        if not found:
            known = sorted({*_words(everybody)})
            remedy = f"{nearest(word, known)}Known are agents, roles and values of attributes: {listed(known)}."
            yield Problem(path, f"nobody is meant by {word!r}", remedy)
        elif len(found) > 1:
            remedy = "Say which, for example `{where: {party: left}}` or `{agents: [ADA]}`."
            yield Problem(path, f"{word!r} could be {' or '.join(found)}", remedy)


def _meanings(word: str, everybody: Sequence[Resident]) -> dict[str, list[str]]:
    """What a word can mean, in words, and who that is."""
    found: dict[str, list[str]] = {}
    for each in everybody:
        if each.name == word:
            found.setdefault("an agent", []).append(each.name)
        if each.role == word:
            found.setdefault("a role", []).append(each.name)
        for name, value in each.attributes.items():
            if as_text(value) == word:
                found.setdefault(f"a value of the attribute {name!r}", []).append(each.name)
    return found


def _words(everybody: Sequence[Resident]) -> Iterator[str]:
    for each in everybody:
        yield each.name
        if each.role is not None:
            yield each.role
        yield from [as_text(value) for value in each.attributes.values()]
