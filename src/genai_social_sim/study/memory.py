"""What agents are shown of the past, as checked documents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import AfterValidator, BeforeValidator, Field

from genai_social_sim.domain.memory import ALL_OWN, Importance, Interactions, Memory, Retrieval, Summary, Window, kept
from genai_social_sim.study import words
from genai_social_sim.study.base import Doc, Slug, from_word
from genai_social_sim.study.words import refusal

MOST: Final = 10_000  # utterances that are kept
SUMMARY_TEXT: Final = (
    "Sum up what has been said so far, in at most four sentences and without a line break. Keep who said what, what "
    "was agreed, and what is still open."
)
RATING_TEXT: Final = (
    "On a scale from 1 to 10, where 1 is of no importance at all, such as a greeting, and 10 of the greatest, such as "
    "a decision that changes everything: how important is it for {{ name }} to remember what was said here?"
)
INTERACTIONS_TEXT: Final = (
    "{% for each in interactions %}Round {{ loop.index }}: {{ name }} chose {{ each.own }}, the other chose "
    "{{ each.other }}{% if each.points is not none %}: {{ each.points }} points{% endif %}.\n{% endfor %}"
    "{% if score is not none %}Score of {{ name }} in these rounds: {{ score }} points.{% endif %}"
)
Reach = Annotated[int, Field(ge=1, le=MOST)]
_Points = Annotated[float, Field(ge=-1e9, le=1e9)]
Across = Annotated[int, Field(ge=0, le=MOST)]
ACROSS: Final = (
    "How many of the last utterances of each other channel that it is in are shown as well, as they were at the end of "
    "the round before; as far as they are kept there. Channels then wait for each other after each round."
)
_Weight = Annotated[float, Field(ge=0, le=1e6)]


def _counted(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and 0 <= value <= MOST):
        return value
    raise refusal("this is neither true, false nor a number of utterances", "Write `true`, `false`, or such as `3`.")


Own = Annotated[bool | int, BeforeValidator(_counted)]


class NoMemoryDoc(Doc):
    """An agent is shown nothing of the past."""

    kind: Literal["none"] = Field(description="The kind of memory.", examples=["none"])


class WindowDoc(Doc):
    """An agent is shown the last utterances of the channel; of a forum the last posts that it was shown or wrote.

    In a forum utterances are posts, here and in the other kinds. A post counts once, as that which was last before the
    agent. Those that the feed shows now are not shown twice.
    """

    kind: Literal["window"] = Field(description="The kind of memory.", examples=["window"])
    utterances: int = Field(default=20, ge=0, le=MOST, description="How many utterances a prompt shows.")
    own: Own = Field(
        default=True,
        description="Its own utterances: `true`, they count like others'; `false`, it is shown none of them; a number: "
        "so many of the last ones, beside the `utterances` of others.",
        examples=[3],
    )
    reach: Reach = Field(
        default=200, description="With `own` set apart: how far back it is looked for both, in utterances."
    )
    across: Across = Field(default=0, description=ACROSS)


class SummaryDoc(Doc):
    """An agent is shown a summary that its model keeps up, and what was said after it.

    The summary is made by a call of its own before a turn, once enough utterances are too old to be shown. It is
    recorded like any other call. Until one succeeds, what it would have summed up is shown as it was said. In a forum
    it is made before an act, of posts that the agent was shown or wrote and that its feed does not show now.
    """

    kind: Literal["summary"] = Field(description="The kind of memory.", examples=["summary"])
    utterances: int = Field(
        default=10, ge=0, le=MOST, description="How many of the last utterances are never summed up."
    )
    every: int = Field(default=10, ge=1, le=MOST, description="How many older ones there are when it is renewed.")
    max_tokens: int = Field(default=160, ge=1, le=1_000_000, description="The longest summary, in the model's tokens.")
    text: Annotated[str, AfterValidator(words.some_text)] = Field(
        default=SUMMARY_TEXT,
        description="How the model is asked for it: a text, or a template like those of prompts. The prompt shows the "
        "last summary and the utterances to be added.",
        examples=["What do you remember of this conversation, {{ name }}? Answer in two sentences."],
    )
    own: Own = Field(
        default=True,
        description="Its own utterances: `true`, like others'; `false`, none; a number: only so many of the last ones.",
        examples=[False],
    )
    reach: Reach = Field(
        default=200,
        description="How many utterances are kept at the most until its next turn; what is older then is lost to it.",
    )
    across: Across = Field(default=0, description=ACROSS)


class WeightsDoc(Doc):
    """How much each of three things counts. Each is brought to [0, 1] over all that is looked through."""

    relevance: _Weight = Field(default=1.0, description="How like what was said last.")
    recency: _Weight = Field(default=1.0, description="How lately it was said.")
    importance: _Weight = Field(default=1.0, description="See `importance`.")


class RetrievalDoc(Doc):
    """An agent is shown the last utterances, and of those before the few that come to mind.

    These are the `k` with the greatest sum of relevance, recency and importance (Park et al. 2023, Generative agents).
    Relevance is likeness to what another agent said last, as an encoder tells it before the turn. In a forum it is
    looked up before an act, among the posts that the agent was shown or wrote and that its feed does not show now, by
    likeness to all that the feed shows; and once more before a reply, by likeness to the post that is answered.
    """

    kind: Literal["retrieval"] = Field(description="The kind of memory.", examples=["retrieval"])
    utterances: int = Field(default=5, ge=0, le=MOST, description="How many of the last utterances are shown anyway.")
    k: int = Field(default=5, ge=1, le=MOST, description="How many of those before come to mind.")
    embedding: Slug = Field(
        default="minilm",
        description="What tells likeness: `minilm` by meaning (English; extra `retrieval`), `lexical` by spelling, "
        "which needs nothing installed, or one of your own.",
        examples=["lexical"],
    )
    half_life: float = Field(
        default=50.0, gt=0, le=1e6, description="After so many further utterances one is half as recent."
    )
    importance: Importance = Field(
        default="length",
        description="What makes an utterance important: its `length` in words, its speaker's `authority`, a `rating` "
        "from 1 to 10 by the agent's own model (a recorded call for each utterance that it has to choose among), or "
        "`none`.",
    )
    text: Annotated[str, AfterValidator(words.some_text)] | None = Field(
        default=None,
        description="With `importance: rating`: how the model is asked for it, a text, or a template like those of "
        "prompts. The prompt shows the one utterance.",
        examples=["From 1 to 10, how much does this bear on what {{ name }} wants?"],
    )
    weights: WeightsDoc = Field(
        default_factory=WeightsDoc, description="How much each counts.", examples=[{"recency": 0.5}]
    )
    own: Own = Field(
        default=True,
        description="Its own utterances: `true`, like others'; `false`, none; a number: only so many of the last ones.",
        examples=[False],
    )
    reach: Reach = Field(default=500, description="How many utterances are looked through, the last ones among them.")
    across: Across = Field(default=0, description=ACROSS)


class PayoffsDoc(Doc):
    """Points of a meeting."""

    match: _Points = Field(description="If both chose the same.", examples=[100])
    mismatch: _Points = Field(description="If they did not.", examples=[-50])


class InteractionsDoc(Doc):
    """An agent is shown its own last meetings: what it chose, what the other did, and the points of both together.

    For `protocol: {kind: pairwise, acts: both}`. A meeting in which either said nothing, or nothing that can be read,
    is none.
    """

    kind: Literal["interactions"] = Field(description="The kind of memory.", examples=["interactions"])
    last: int = Field(default=5, ge=1, le=1000, description="How many of the last meetings.")
    payoffs: PayoffsDoc | None = Field(
        default=None, description="The points of a meeting.", examples=[{"match": 100, "mismatch": -50}]
    )
    text: str = Field(
        default=INTERACTIONS_TEXT,
        description="How prompts tell of them: a template over `name`, `interactions` (a list, oldest first, each with "
        "`own`, `other` and `points`) and `score`, the sum of the points; without payoffs there are no points.",
    )


AnyMemory = Annotated[
    WindowDoc | NoMemoryDoc | SummaryDoc | RetrievalDoc | InteractionsDoc, Field(discriminator="kind")
]
MemoryDoc = Annotated[
    AnyMemory,
    BeforeValidator(
        from_word, json_schema_input_type=AnyMemory | Literal["window", "none", "summary", "retrieval", "interactions"]
    ),
]


def memory_of(memory: MemoryDoc) -> Memory:
    """What the document says, as a value."""
    match memory:
        case NoMemoryDoc():
            return Window(utterances=0)
        case WindowDoc(utterances=utterances, reach=reach):
            own, beyond = _own(memory.own), memory.across
            if own is ALL_OWN:
                return Window(utterances=utterances, across=beyond)
            return Window(utterances=utterances, own=own, reach=reach, across=beyond)
        case SummaryDoc(utterances=utterances, every=every, max_tokens=max_tokens, text=text, reach=reach):
            return Summary(
                utterances=utterances,
                every=every,
                max_tokens=max_tokens,
                text=text,
                own=_own(memory.own),
                reach=reach,
                across=memory.across,
            )
        case InteractionsDoc(last=last, text=text, payoffs=payoffs):
            match_, mismatch = (None, None) if payoffs is None else (payoffs.match, payoffs.mismatch)
            return Interactions(last=last, text=text, match=match_, mismatch=mismatch)
        case RetrievalDoc(utterances=utterances, k=k, weights=weights, reach=reach):
            return Retrieval(
                utterances=utterances,
                k=k,
                embedding=memory.embedding,
                half_life=memory.half_life,
                relevance=weights.relevance,
                recency=weights.recency,
                importance=memory.importance,
                weight=weights.importance,
                text=(memory.text or RATING_TEXT) if memory.importance == "rating" else "",
                own=_own(memory.own),
                reach=reach,
                across=memory.across,
            )
        case _ as unknown:
            assert_never(unknown)


def memory_written(memory: Memory) -> dict[str, Any]:
    """A memory as study files have it."""
    if isinstance(memory, Interactions):
        payoffs = {} if memory.match is None else {"payoffs": {"match": memory.match, "mismatch": memory.mismatch}}
        return {"kind": "interactions", "last": memory.last, "text": memory.text, **payoffs}
    beyond = {"across": memory.across} if memory.across else {}
    own = {"own": memory.own is ALL_OWN or memory.own or False, "reach": memory.reach, **beyond}
    match memory:
        case Window(utterances=utterances):
            if memory.own is not ALL_OWN:
                return {"kind": "window", "utterances": utterances, **own}
            return {"kind": "window", "utterances": utterances, **beyond} if utterances or beyond else {"kind": "none"}
        case Summary(utterances=utterances, every=every, max_tokens=max_tokens, text=text):
            how = {"every": every, "max_tokens": max_tokens, "text": text}
            return {"kind": "summary", "utterances": utterances, **how, **own}
        case Retrieval(utterances=utterances, k=k, embedding=embedding, half_life=half_life):
            weights = {"relevance": memory.relevance, "recency": memory.recency, "importance": memory.weight}
            how = {"k": k, "embedding": embedding, "half_life": half_life, "importance": memory.importance}
            asked = {"text": memory.text} if memory.text else {}
            return {"kind": "retrieval", "utterances": utterances, **how, **asked, "weights": weights, **own}
        case _ as unknown:
            assert_never(unknown)


def is_plain(memory: Memory) -> bool:
    """Whether it is the last utterances and nothing else."""
    return isinstance(memory, Window) and memory.own is ALL_OWN and not memory.across


def reach_of(memories: Iterable[Memory]) -> int:
    """How many utterances a channel keeps for these."""
    return max(map(kept, memories), default=0)


def _own(own: bool | int) -> int | None:
    if own is True:
        return ALL_OWN
    return int(own)
