"""Protocols between their documents, a plan, and a record; and what they ask of the members of a channel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final, assert_never

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.plan import (
    POSTING_ACTS,
    ByAuthority,
    Forum,
    Layout,
    Moderated,
    OwnProtocol,
    Pairwise,
    Protocol,
    RandomOrder,
    RoundRobin,
    Sequential,
    Simultaneous,
)
from genai_social_sim.kernel.pages import FORUM_CUES, FORUM_FRAMES, FORUM_WORDS
from genai_social_sim.kernel.prompts import MODERATOR_CUES
from genai_social_sim.study.own_protocols import taking_of
from genai_social_sim.study.protocols import (
    DECAY,
    AuthorityDoc,
    ForumDoc,
    ModeratedDoc,
    OwnDoc,
    PairwiseDoc,
    ProtocolDoc,
    RandomDoc,
    RoundRobinDoc,
    SequentialDoc,
    SimultaneousDoc,
)
from genai_social_sim.study.refusals import Problem, listed, nearest
from genai_social_sim.study.source import Path

_FEWEST_MODERATED: Final = 3  # one to choose and two to choose from


def protocol_of(doc: ProtocolDoc, layout: Layout) -> Protocol:  # noqa: C901 (one case for each kind)
    """The value of a plan; raises RequestError if a protocol of one's own cannot be made."""
    match doc:
        case RoundRobinDoc(first="random"):
            return RoundRobin(drawn=True)
        case RoundRobinDoc(first=first):
            return RoundRobin(first=None if first is None else AgentId(first))
        case RandomDoc(repeat=repeat):
            return RandomOrder(repeat=repeat)
        case SimultaneousDoc():
            return Simultaneous()
        case AuthorityDoc(repeat=repeat):
            return ByAuthority(repeat=repeat)
        case SequentialDoc():
            return Sequential()
        case PairwiseDoc(pick=pick, acts=acts, shows=shows, announce=announce):
            return Pairwise(pick=pick, acts=acts, shows=shows, announce=announce)
        case ModeratedDoc(moderator=moderator, cue=cue):
            return Moderated(moderator=AgentId(moderator), cue=MODERATOR_CUES[layout] if cue is None else cue)
        case ForumDoc():
            return _forum(doc, layout)
        case OwnDoc(name=name, options=options):
            written = json.dumps(options, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
            return OwnProtocol(name=name, options=written, taking=taking_of(name, options))
        case _ as unknown:
            assert_never(unknown)


def _forum(doc: ForumDoc, layout: Layout) -> Forum:
    return Forum(
        ranking=doc.ranking,
        feed=doc.feed,
        replies=doc.replies,
        decay=DECAY if doc.decay is None else doc.decay,
        acts=tuple([act for act in POSTING_ACTS if act in doc.acts]),
        may_pass=doc.may_pass,
        simultaneous=doc.simultaneous,
        shows_votes=doc.shows_votes,
        shuffle=doc.shuffle,
        labels=doc.labels,
        frame=FORUM_FRAMES[layout] if doc.frame is None else doc.frame,
        cue=FORUM_CUES[layout] if doc.cue is None else doc.cue,
        words=FORUM_WORDS[layout] if doc.words is None else doc.words,
    )


def protocol_written(protocol: Protocol) -> dict[str, Any]:  # noqa: C901 (one case for each kind)
    """As the record holds it, in the form of a study file."""
    match protocol:
        case RoundRobin(drawn=True):
            return {"kind": "round_robin", "first": "random"}
        case RoundRobin(first=None):
            return {"kind": "round_robin"}
        case RoundRobin(first=first):
            return {"kind": "round_robin", "first": first}
        case RandomOrder(repeat=repeat):
            return {"kind": "random", "repeat": repeat}
        case Simultaneous():
            return {"kind": "simultaneous"}
        case ByAuthority(repeat=repeat):
            return {"kind": "authority", "repeat": repeat}
        case Sequential():
            return {"kind": "sequential"}
        case Pairwise(pick=pick, acts=acts, shows=shows, announce=announce):
            return {"kind": "pairwise", "pick": pick, "acts": acts, "shows": shows, "announce": announce}
        case Moderated(moderator=moderator, cue=cue):
            return {"kind": "moderated", "moderator": moderator, "cue": cue}
        case Forum(ranking=ranking):
            written = asdict(protocol)
            return {"kind": "forum"} | {
                key: value for key, value in written.items() if key != "decay" or ranking == "hot"
            }
        case OwnProtocol(name=name, options=options):
            return {"kind": "own", "name": name, "options": json.loads(options)}
        case _ as unknown:
            assert_never(unknown)


def problems_of_protocol(doc: ProtocolDoc, members: Sequence[str], channel: str, path: Path) -> Iterator[Problem]:
    """What a protocol asks of the members of a channel; `path` is where it stands."""
    match doc:
        case RoundRobinDoc(first="random") if "random" in members:
            text = f"`random` could be the member of the channel {channel!r} or a draw"
            yield Problem((*path, "first"), text, "Give the agent another name.")
        case RoundRobinDoc(first=str(first)) if first != "random" and first not in members:
            yield _no_member(first, members, channel, (*path, "first"))
        case PairwiseDoc():
            yield from _of_pairs(doc, members, channel, path)
        case ModeratedDoc(moderator=moderator):
            if moderator not in members:
                yield _no_member(moderator, members, channel, (*path, "moderator"))
            elif len(members) < _FEWEST_MODERATED:
                text = f"the moderator of the channel {channel!r} has nobody to choose from"
                yield Problem(path, text, "Give it at least two other members, or take another protocol.")
        case _:
            pass  # takes any members


def _of_pairs(doc: PairwiseDoc, members: Sequence[str], channel: str, path: Path) -> Iterator[Problem]:
    if len(members) < 2:  # noqa: PLR2004 (a pair)
        yield Problem(path, f"the channel {channel!r} has too few members to meet", "Give it at least two.")
    if doc.acts == "listener" and doc.shows == "nothing":
        text = "nobody would ever hear anything: only listeners act, and they are shown nothing"
        yield Problem((*path, "shows"), text, "Write `shows: partner`, or `acts: in_turn`.")
    if doc.announce and doc.acts != "listener" and len(members) % 2:
        text = f"with an odd number of members ({len(members)} in {channel!r}) a round of meetings is no turn for each"
        yield Problem((*path, "announce"), text, "Take an even number of members, `acts: listener`, or no `announce`.")


def _no_member(name: str, members: Sequence[str], channel: str, path: Path) -> Problem:
    remedy = f"{nearest(name, members)}Its members are: {listed(members)}."
    return Problem(path, f"{name!r} is no member of the channel {channel!r}", remedy)
