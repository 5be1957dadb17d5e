"""Hypothesis strategies for texts, prompts, events and plans. Importing this module needs Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from hypothesis import strategies as st

from genai_social_sim.domain.act import Say
from genai_social_sim.domain.events import (
    CAUSES,
    Answered,
    Aside,
    Asked,
    AttemptFailed,
    Cut,
    Exercised,
    FellSilent,
    Intervened,
    Notice,
    Noticed,
    Opened,
    Probed,
    Remembered,
    RunEnded,
    RunStarted,
    SessionEnded,
    SessionStarted,
    Spoke,
)
from genai_social_sim.domain.feed import Shown
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.memory import Importance, Memory, Retrieval, Summary, Window, kept
from genai_social_sim.domain.plan import (
    LAYOUTS,
    AllOf,
    AnyOf,
    ByAuthority,
    Channel,
    Consensus,
    Forum,
    Moderated,
    Pairwise,
    Protocol,
    RandomOrder,
    RoundRobin,
    Rounds,
    RunPlan,
    Sequential,
    Silence,
    Simultaneous,
    StopRule,
    Tokens,
    Turns,
)
from genai_social_sim.domain.power import POWERS, Deed
from genai_social_sim.domain.prompt import Message, Prompt, Role
from genai_social_sim.domain.text import Text
from genai_social_sim.ports import Entry
from genai_social_sim.testing.agendas import acts, interventions, probes
from genai_social_sim.testing.forums import forums
from genai_social_sim.testing.plans import PROTOCOLS, small_channel, small_plan

NAMES: Final = ("ada", "bo", "cy", "di")
BREAKS: Final = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_PIECES: Final = (
    *NAMES,
    *(name.upper() + ":" for name in NAMES),
    *(f"\n{name}: " for name in NAMES),
    *(f"@{name}: " for name in NAMES),
    *BREAKS,
    "system:",
    ": ",
    "\uff1a",
    "\u200b",
    "**",
    "- ",
    "<|im_end|>",
    "<|im_start|>user\n",
    "[INST]",
    "</s>",
    "well then",
    " ",
)

SIZES: Final = st.integers(0, 2**53)
SECONDS: Final = st.floats(0, 1e9, allow_nan=False)


def texts(*, max_size: int | None = None) -> st.SearchStrategy[Text]:
    """Any text that a file can hold, null characters and emoji included."""
    return st.text(max_size=max_size).map(Text.of)


def utterances() -> st.SearchStrategy[str]:
    """What a model might say: words, other speakers' labels, line breaks of all kinds, marks of chat templates."""
    return st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=8).map("".join)


def prompts() -> st.SearchStrategy[Prompt]:
    """A text to be continued, or a chat."""
    pieces = st.lists(texts(max_size=20), min_size=1, max_size=4).map(tuple)
    roles: tuple[tuple[Role, ...], ...] = (("system", "user", "assistant"), ("text",))
    kinds = [st.tuples(st.sampled_from(some), pieces).map(lambda made: Message.of(*made)) for some in roles]
    return st.one_of(*[st.lists(kind, min_size=1, max_size=6).map(tuple).map(Prompt.of) for kind in kinds])


_WORDS: Final = texts(max_size=30)
_HASHES: Final = st.binary(min_size=32, max_size=32)
_AGENTS: Final = st.text(min_size=1, max_size=8).map(AgentId)
_CHANNELS: Final = st.text(min_size=1, max_size=8).map(ChannelId)
_CAUSES: Final = st.sampled_from(CAUSES)
_WHERE: Final = {
    "turn": SIZES,
    "round": SIZES,
    "channel": _CHANNELS,
    "agent": _AGENTS,
    "call": _HASHES,
    "tokens": SIZES,
}
_ASIDES: Final = st.none() | st.builds(Aside, name=st.text(max_size=5), agent=_AGENTS)
_CHOSEN: Final = st.text(min_size=1, max_size=8)
_CUTS: Final = st.builds(
    Cut,
    start=SIZES,
    end=SIZES,
    why=st.sampled_from(["trimmed", "label", "spoke_for", "address"]),
    other=st.text(max_size=5),
)
_THREADS: Final = st.builds(
    Shown,
    post=SIZES,
    score=st.none() | SIZES | st.floats(allow_nan=False, allow_infinity=False),
    replies=st.lists(SIZES, max_size=2).map(tuple),
)
_FEEDS: Final = st.none() | st.lists(_THREADS, max_size=3).map(tuple)
LOGICAL: Final = st.one_of(
    st.builds(RunStarted, study=_WORDS, seed=SIZES),
    st.builds(Opened, channel=_CHANNELS, speaker=st.text(max_size=5), text=_WORDS),
    st.builds(
        Spoke,
        **_WHERE,
        text=_WORDS,
        cut=st.none() | _CUTS,
        choice=st.none() | _CHOSEN,
        stand_in=st.none() | _CAUSES,
        to=st.none() | _AGENTS,
        feed=_FEEDS,
        doing=st.text(max_size=9),
    ),
    st.builds(FellSilent, **_WHERE, cause=_CAUSES, feed=_FEEDS),
    st.builds(
        Exercised,
        **_WHERE,
        deed=st.sampled_from(get_args(Deed)),
        whom=st.none() | _AGENTS,
        cause=st.none() | _CAUSES,
    ),
    st.builds(
        Probed,
        **_WHERE,
        probe=st.text(max_size=5),
        text=_WORDS,
        choice=st.none() | _CHOSEN,
        cause=st.none() | _CAUSES,
    ),
    st.builds(
        Remembered,
        **_WHERE,
        aside=st.sampled_from(["~summary", "~recall", "~rating-3"]),
        text=_WORDS,
        cause=st.none() | _CAUSES,
    ),
    st.builds(Intervened, turn=SIZES, number=SIZES, change=_WORDS),
    st.builds(RunEnded, reason=st.text(max_size=9), turns=SIZES),
)
_SESSIONS: Final = st.one_of(
    st.builds(SessionStarted, resumed=st.booleans(), about=_WORDS),
    st.builds(SessionEnded, status=st.sampled_from(["finished", "interrupted", "failed"]), detail=_WORDS),
    st.builds(Noticed, what=st.sampled_from(get_args(Notice)), turn=st.none() | SIZES, detail=_WORDS),
)


@st.composite
def _calls(draw: st.DrawFn) -> Entry:
    prompt = draw(prompts())
    asked = Asked(prompt=prompt.digest, params=draw(_WORDS), seed=draw(SIZES))
    first = st.none() | SECONDS
    answered = st.builds(
        Answered,
        turn=SIZES,
        attempt=SIZES,
        asked=st.just(asked),
        raw=_WORDS,
        finish=st.sampled_from(["stop", "length", "passed"]),
        prompt_tokens=SIZES,
        answer_tokens=SIZES,
        sent_s=SECONDS,
        first_token_s=first,
        done_s=SECONDS,
        by=st.text(max_size=9),
        notes=_WORDS,
        cost=st.none() | SECONDS,
        aside=_ASIDES,
    )
    failed = st.builds(
        AttemptFailed,
        turn=SIZES,
        attempt=SIZES,
        asked=st.just(asked),
        cause=_CAUSES,
        detail=_WORDS,
        sent_s=SECONDS,
        done_s=SECONDS,
        final=st.booleans(),
        aside=_ASIDES,
    )
    return Entry(draw(answered | failed), prompt)


def entries() -> st.SearchStrategy[Entry]:
    """One event of any kind; a call's with its prompt. They make sense one by one, not together."""
    return _calls() | LOGICAL.map(Entry) | _SESSIONS.map(Entry)


def stop_rules(most_turns: int = 12) -> st.SearchStrategy[StopRule]:
    """A rule that ends any run after at most `most_turns` turns."""
    sure = st.builds(Turns, count=st.integers(1, most_turns))
    other = st.one_of(
        st.builds(Rounds, count=st.integers(1, 4)),
        st.builds(Tokens, count=st.integers(1, 60)),
        st.builds(Silence, rounds=st.integers(1, 2)),
        st.builds(Consensus, share=st.sampled_from([0.5, 1.0]), rounds=st.integers(1, 2)),
    )
    both = st.builds(AllOf, rules=st.tuples(other, other))
    return sure | st.builds(AnyOf, rules=st.tuples(sure, other | both))


def protocols(members: Sequence[str]) -> st.SearchStrategy[Protocol]:
    """Any protocol that these members can keep."""
    kinds: list[st.SearchStrategy[Protocol]] = [
        st.builds(RoundRobin, first=st.none() | st.sampled_from(members).map(AgentId)),
        st.just(RoundRobin(drawn=True)),
        st.builds(RandomOrder, repeat=st.booleans()),
        st.just(Simultaneous()),
        st.builds(ByAuthority, repeat=st.booleans()),
        st.just(Sequential()),
        forums(),
    ]
    if len(members) > 1:
        kinds += [pairwise(announced=len(members) % 2 == 0), st.just(PROTOCOLS["by-twos"])]
    if len(members) > 2:  # noqa: PLR2004 (two to choose from)
        chair = st.sampled_from(members).map(AgentId)
        kinds.append(st.builds(Moderated, moderator=chair, cue=st.just("{{ name }}, who is next?")))
    return st.one_of(*kinds)


def pairwise(*, announced: bool) -> st.SearchStrategy[Pairwise]:
    """Any setting of it; with announcements for an even number of members only."""
    return st.builds(
        Pairwise,
        pick=st.sampled_from(["link", "speaker", "listener"]),
        acts=st.sampled_from(["listener", "both", "in_turn"]),
        shows=st.sampled_from(["partner", "nothing"]),
        announce=st.booleans() if announced else st.just(False),
    )


def edges(members: Sequence[str]) -> st.SearchStrategy[str]:
    """A network of these members, as `small_channel` takes it; perhaps of nobody with anybody."""
    ends = st.tuples(st.sampled_from(members), st.sampled_from(["-", ">"]), st.sampled_from(members))
    weight = st.sampled_from(["", ":0", ":0.5", ":2"])
    edge = st.tuples(ends, weight).map(lambda made: "".join([*made[0], made[1]]))
    return st.lists(edge, max_size=8).map(" ".join)


def memories() -> st.SearchStrategy[Memory]:
    """A memory that a few utterances fill."""
    return st.builds(Window, utterances=_FEW, own=_OWN, reach=_REACH) | summaries() | retrievals()


def summaries() -> st.SearchStrategy[Summary]:
    """A running summary that is renewed every few utterances."""
    every, most = st.integers(1, 2), st.just(9)
    return st.builds(Summary, utterances=_FEW, every=every, max_tokens=most, text=_ASKED, own=_OWN, reach=_REACH)


def retrievals() -> st.SearchStrategy[Retrieval]:
    """A memory to which one utterance comes."""
    return st.builds(
        Retrieval,
        utterances=_FEW,
        k=st.just(1),
        embedding=st.just("lexical"),
        half_life=st.sampled_from([1.0, 50.0]),
        importance=st.just(_RATING) | st.sampled_from(get_args(Importance)),
        text=_ASKED,
        own=_OWN,
        reach=_REACH,
    )


_FEW: Final = st.integers(0, 1)
_OWN: Final = st.sampled_from([None, 0, 1])
_REACH: Final = st.sampled_from([4, 9])
_ASKED: Final = st.just("What do you remember, {{ name }}?")
_RATING: Final[Importance] = "rating"


@st.composite
def channels(
    draw: st.DrawFn, name: str = "hall", *, minding: bool = False, least: int = 1, posting: bool = False
) -> Channel:
    """A channel of some of the agents NAMES; with `minding` perhaps with a memory that makes something of the past.

    `least`: how many members it has at least. `posting`: whether it is a forum.
    """
    members = draw(st.lists(st.sampled_from(NAMES), min_size=least, unique=True))
    opening = draw(st.sampled_from(["", "system: Begin.", "ada: I begin.\nbo: And I?"]))
    window = draw(st.sampled_from([0, 1, 3, 20]))
    protocol = draw(forums() if posting else protocols(members))
    in_forum = isinstance(protocol, Forum)
    act = Say() if in_forum else draw(st.just(Say()) | acts())
    may_address = isinstance(act, Say) and not (in_forum or isinstance(protocol, Pairwise))
    memory = draw(st.none() | memories()) if minding else None
    return small_channel(
        name,
        members=" ".join(members),
        protocol=protocol,
        opening=opening,
        window=window if memory is None else max(window, kept(memory)),
        act=act,
        edges=draw(st.none() | edges(members)),
        memory=memory,
        direct=may_address and draw(st.booleans()),
    )


_POWERS: Final = st.lists(st.sampled_from(POWERS), min_size=1, unique=True)


@st.composite
def plans(draw: st.DrawFn, *, most_turns: int = 12, minding: bool = False, powered: bool = False) -> RunPlan:
    """A run of the agents NAMES in one or more channels, an agent perhaps in several; perhaps with an agenda.

    With `powered` some of them have powers.
    """
    names = ("court", "hall", "yard")[: draw(st.integers(1, 3))]
    rooms = [draw(channels(name, minding=minding)) for name in names]
    return _planned(draw, rooms, busy=draw(st.booleans()), powered=powered, stop=draw(stop_rules(most_turns)))


@st.composite
def crowds(
    draw: st.DrawFn,
    *,
    turns: int = 14,
    minding: bool = False,
    powered: bool = False,
    probed: bool = False,
    posting: bool = False,
) -> RunPlan:
    """The same of one channel with at least three members who have several turns each, mostly with an agenda.

    What follows from a turn shows in later ones: plans of `plans` are often over before. `posting`: in a forum.
    """
    rooms = [draw(channels(minding=minding, least=3, posting=posting))]
    busy = probed or bool(draw(st.integers(0, 3)))
    return _planned(draw, rooms, busy=busy, powered=powered, stop=Turns(count=turns), least_probes=int(probed))


def _planned(
    draw: st.DrawFn, rooms: Sequence[Channel], *, busy: bool, powered: bool, stop: StopRule, least_probes: int = 0
) -> RunPlan:
    members = sorted({member for room in rooms for member in room.members})
    return small_plan(
        *rooms,
        probes=[
            draw(probes(name, members))
            for name in ("stance", "why")[: draw(st.integers(least_probes, 2)) if busy else 0]
        ],
        interventions=draw(st.lists(interventions(members, rooms), max_size=3)) if busy else (),
        agents=" ".join(NAMES),
        stop=stop,
        seed=draw(st.integers(0, 2**32)),
        layout=draw(st.sampled_from(LAYOUTS)),
        powers=draw(st.dictionaries(st.sampled_from(NAMES), _POWERS, min_size=1)) if powered else {},
    )
