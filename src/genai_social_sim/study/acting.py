"""What protocol, act and addresses of a channel ask of each other, and what a forum's own templates may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genai_social_sim.kernel import templates
from genai_social_sim.kernel.templates import TemplateProblem
from genai_social_sim.study.acts import NumberDoc, RateDoc, SpeakDoc
from genai_social_sim.study.document import ChannelDoc, StudyDoc
from genai_social_sim.study.mentions import IN_FORUM, TEMPLATE_REMEDY, of_template
from genai_social_sim.study.protocols import ForumDoc, PairwiseDoc, ProtocolDoc
from genai_social_sim.study.refusals import Problem
from genai_social_sim.study.source import Path

_ELSEWHERE = "Give them a channel of their own, with another protocol, for it."


def problems_of_acting(study: StudyDoc) -> Iterator[Problem]:
    """All of them, channel by channel."""
    for name, channel in study.channels.items():
        path: Path = ("channels", name)
        protocol = channel.protocol or study.protocol
        if isinstance(protocol, ForumDoc):
            yield from _of_forum(study, channel, path)
            if channel.protocol is not None:
                yield from _of_templates(channel.protocol, (*path, "protocol"))
        elif channel.direct:
            yield from _of_addresses(study, channel, protocol, path)
    yield from _of_templates(study.protocol, ("protocol",))
    for index, probe in enumerate(study.probes):
        if isinstance(probe.act, RateDoc | NumberDoc) and probe.act.about:
            text = "what a probe asks about stands in its text"
            yield Problem(("probes", index, "act", "about"), text, "Write it into `text`.", at_key=True)


def _of_forum(study: StudyDoc, channel: ChannelDoc, path: Path) -> Iterator[Problem]:
    if channel.direct:
        text = "a forum is read by all whom its network reaches, so that nothing in it is for one alone"
        yield Problem((*path, "direct"), text, _ELSEWHERE, at_key=True)
    if (channel.act or study.act) != SpeakDoc(kind="say"):
        text = "what is done in a forum is chosen among the `acts` of its protocol"
        place = (*path, "act") if channel.act else ("act",)
        yield Problem(place, text, "Delete `act`, or give this channel `act: say`.", at_key=True)


def _of_addresses(study: StudyDoc, channel: ChannelDoc, protocol: ProtocolDoc, path: Path) -> Iterator[Problem]:
    if isinstance(protocol, PairwiseDoc):
        text = "what is said in a meeting is heard by the partner alone as it is"
        yield Problem((*path, "direct"), text, "Delete it, or take another protocol.", at_key=True)
    if not isinstance(channel.act or study.act, SpeakDoc):
        text = "only who says what it likes can address it to somebody"
        yield Problem((*path, "direct"), text, "Delete it, or give this channel `act: say`.", at_key=True)


def _of_templates(protocol: ProtocolDoc, path: Path) -> Iterator[Problem]:
    if not isinstance(protocol, ForumDoc):
        return
    for name in ("frame", "cue", "words"):
        try:
            templates.render(getattr(protocol, name) or "", **IN_FORUM)
        except TemplateProblem as fault:
            remedy = f"{TEMPLATE_REMEDY} Known in this one: {', '.join(IN_FORUM)}."
            yield Problem((*path, name), of_template(fault), remedy)
            return
    if protocol.cue is not None and not _shows_options(protocol.cue):
        text = "this cue does not show the acts that can be chosen"
        yield Problem((*path, "cue"), text, "Put `{{ options | join(', ') }}` into it.")


def _shows_options(cue: str) -> bool:
    one: dict[str, Any] = IN_FORUM | {"options": ["2"]}
    return templates.render(cue, **IN_FORUM) != templates.render(cue, **one)
