"""What is wrong with memories that each by itself is well written: templates, sizes, and channels that do not suit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from genai_social_sim.kernel import templates
from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.document import StudyDoc
from genai_social_sim.study.memory import InteractionsDoc, RetrievalDoc, SummaryDoc
from genai_social_sim.study.mentions import SAMPLE, TEMPLATE_REMEDY, of_template
from genai_social_sim.study.protocols import PairwiseDoc
from genai_social_sim.study.refusals import Problem
from genai_social_sim.study.residents import written_memories
from genai_social_sim.study.source import Path

_MEETINGS: Final = {
    "name": "ADA",
    "interactions": [{"own": "A", "other": "B", "points": 1}],
    "score": 1,
}


def problems_of_memories(study: StudyDoc) -> Iterator[Problem]:
    """All that is wrong."""
    for path, memory in written_memories(study):
        match memory:
            case SummaryDoc(text=text):
                yield from _of_template(text, SAMPLE, path)
            case RetrievalDoc(text=str(text)):
                yield from _of_ratings(memory, text, path)
            case InteractionsDoc(text=text):
                yield from _of_template(text, _MEETINGS, path)
                yield from _of_protocol(study, path)
            case _:
                pass  # has no template
        if isinstance(memory, SummaryDoc | RetrievalDoc) and memory.reach <= memory.utterances:
            text = f"of the {memory.reach} utterances that are kept, the last {memory.utterances} are shown anyway"
            yield Problem((*path, "reach"), text, "Set a larger `reach`, or `kind: window`.")


def _of_ratings(memory: RetrievalDoc, text: str, path: Path) -> Iterator[Problem]:
    if memory.importance != "rating":
        problem = f"nobody is asked this: here importance is {memory.importance!r}"
        yield Problem((*path, "text"), problem, "Set `importance: rating`, or remove the key.")
    yield from _of_template(text, SAMPLE, path)


def _of_template(text: str, known: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    try:
        templates.render(text, **known)
    except TemplateProblem as fault:
        yield Problem((*path, "text"), of_template(fault), f"{TEMPLATE_REMEDY} Known in this one: {', '.join(known)}.")


def _of_protocol(study: StudyDoc, path: Path) -> Iterator[Problem]:
    """Where a channel or the study remembers meetings, there have to be some."""
    channels = [study.channels[str(path[1])]] if path[0] == "channels" else list(study.channels.values())
    meant = [channel for channel in channels if path[0] == "channels" or channel.memory is None]
    protocols = [channel.protocol or study.protocol for channel in meant]
    if not all(isinstance(each, PairwiseDoc) and each.acts == "both" for each in protocols):
        text = "only meetings in which both act at once are remembered so"
        yield Problem(path, text, "Set `protocol: {kind: pairwise, acts: both, shows: nothing}`, or another memory.")
