"""What probes and interventions refer to: agents, channels, names, values of templates. Shapes were checked before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from genai_social_sim.kernel import templates
from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.change_problems import groups_in, problems_of_changes
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.mentions import SAMPLE, TEMPLATE_REMEDY, no_channel, of_template, problems_of_whom
from genai_social_sim.study.population import MembersDoc, WhereDoc
from genai_social_sim.study.probes import ProbeDoc
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.residents import Resident, Whom, members_of
from genai_social_sim.study.source import Path
from genai_social_sim.study.timing import TimedDoc
from genai_social_sim.study.triggers import WhenDoc
from genai_social_sim.study.words import folded


def problems_of_agenda(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    """All that is wrong with what is planned."""
    if not (study.probes or study.interventions):
        return
    within = {name: members_of(channel.members, everybody) for name, channel in study.channels.items()}
    yield from _names(study)
    for index, probe in enumerate(study.probes):
        yield from _probe(probe, within, everybody, ("probes", index))
    yield from problems_of_changes(study, everybody)
    yield from _triggers(study)


def _triggers(study: StudyDoc) -> Iterator[Problem]:
    """What is waited for and never comes: answers to a probe that is not there, an intervention that is not there."""
    timed: list[tuple[Path, TimedDoc]] = [(("probes", at), probe) for at, probe in enumerate(study.probes)]
    timed += [(("interventions", at), change) for at, change in enumerate(study.interventions)]
    known = [probe.name for probe in study.probes]
    for path, doc in timed:
        for place, name in _probes_in(doc.when, (*path, "when")):
            if name not in known:
                listing = f"The probes are: {listed(known)}." if known else "Write one under `probes:`."
                yield Problem(place, f"there is no probe {name!r}", f"{nearest(name, known)}{listing}")
    names = [change.name for change in study.interventions if change.name is not None]
    for at, probe in enumerate(study.probes):
        for index, name in enumerate(probe.after or ()):
            if name not in names:
                listing = f"Those with a name are: {listed(names)}." if names else "Give it a `name`."
                yield Problem(
                    ("probes", at, "after", index),
                    f"there is no intervention called {name!r}",
                    f"{nearest(name, names)}{listing}",
                )


def _probes_in(when: WhenDoc | None, path: Path) -> Iterator[tuple[Path, str]]:
    """The probes that a trigger names, and where."""
    if when is None:
        return
    for name, part in (
        ("consensus", when.consensus),
        ("share", when.share),
        ("mean", when.mean),
        ("spread", when.spread),
    ):
        if part is not None and part.of is not None:
            yield (*path, name, "of"), part.of
    for name, parts in (("any", when.any_of), ("all", when.all_of)):
        for at, each in enumerate(parts or ()):
            yield from _probes_in(each, (*path, name, at))


def wheres_of_agenda(study: StudyDoc) -> list[tuple[Path, WhereDoc]]:
    """Descriptions of agents by attributes, and where they stand."""
    whom: list[tuple[Path, Whom]] = [(("probes", at, "to"), probe.to) for at, probe in enumerate(study.probes)]
    for at, change in enumerate(study.interventions):
        whom += groups_in(change, ("interventions", at))
    return [((*path, "where"), each.where) for path, each in whom if isinstance(each, MembersDoc) and each.where]


def _names(study: StudyDoc) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, probe in enumerate(study.probes):
        first = seen.setdefault(folded(probe.name), index)
        if first != index:
            other = study.probes[first].name
            text = f"the name {probe.name!r} is taken" + ("" if other == probe.name else f" (it reads like {other!r})")
            yield Problem(("probes", index, "name"), text, f"probes[{first}] has it; give each probe its own name.")


def _probe(
    probe: ProbeDoc, within: Mapping[str, Sequence[str]], everybody: Sequence[Resident], path: Path
) -> Iterator[Problem]:
    try:
        templates.render(probe.text, **SAMPLE)
    except TemplateProblem as fault:
        remedy = f"{TEMPLATE_REMEDY} Known in this one: {', '.join(SAMPLE)}."
        yield Problem((*path, "text"), of_template(fault), remedy)
    if probe.channel is not None and probe.channel not in within:
        yield no_channel(probe.channel, within, (*path, "channel"))
        return
    found = [*problems_of_whom(probe.to, everybody, (*path, "to"))]
    yield from found or _elsewhere(probe, within, everybody, path)


def _elsewhere(
    probe: ProbeDoc, within: Mapping[str, Sequence[str]], everybody: Sequence[Resident], path: Path
) -> Iterator[Problem]:
    """Agents who are named and are not in the channel in which they are asked; or nobody who is."""
    chosen = within if probe.channel is None else {probe.channel: within[probe.channel]}
    there = {member for members in chosen.values() for member in members}
    named, inner = (probe.to.agents, ("agents",)) if isinstance(probe.to, MembersDoc) else (probe.to or (), ())
    words = "is in no channel" if probe.channel is None else f"is not in the channel {probe.channel!r}"
    missing = [(index, agent) for index, agent in enumerate(named) if agent not in there]
    for index, agent in missing:
        remedy = "Ask somebody else, or make it a member." if probe.channel is None else "Name another, or delete it."
        yield Problem((*path, "to", *inner, index), f"{agent!r} {words}, and is asked there", remedy)
    if not missing and not there.intersection(members_of(probe.to, everybody)):
        yield Problem((*path, "to"), "nobody is asked: no member of its channel is meant", "Change `to` or `channel`.")
