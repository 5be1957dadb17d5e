"""Protocols as checked documents."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from genai_social_sim.domain.act import LETTERS
from genai_social_sim.domain.plan import POSTING_ACTS, PostingAct, Ranking
from genai_social_sim.study.acts import MOST_OPTIONS
from genai_social_sim.study.base import AnyName, Doc, Slug, from_word
from genai_social_sim.study.words import refusal

DECAY: Final = 5.0  # rounds


class RoundRobinDoc(Doc):
    """Members speak one after the other, in their listed order."""

    kind: Literal["round_robin"] = Field(description="The kind of protocol.", examples=["round_robin"])
    first: AnyName | None = Field(
        default=None,
        description="Who opens each round; the first member if left out. `random`: drawn once for the run.",
        examples=["BOT1"],
    )


class RandomDoc(Doc):
    """Each turn's speaker is drawn."""

    kind: Literal["random"] = Field(description="The kind of protocol.", examples=["random"])
    repeat: bool = Field(
        default=False, description="Whether the same agent may be drawn twice in a row.", examples=[True]
    )


class SimultaneousDoc(Doc):
    """All members act at once and see what was said up to the previous round."""

    kind: Literal["simultaneous"] = Field(description="The kind of protocol.", examples=["simultaneous"])


class AuthorityDoc(Doc):
    """Each turn's speaker is drawn with a chance in proportion to its authority."""

    kind: Literal["authority"] = Field(description="The kind of protocol.", examples=["authority"])
    repeat: bool = Field(
        default=False, description="Whether the same agent may be drawn twice in a row.", examples=[True]
    )


class SequentialDoc(Doc):
    """Each member has one turn a round and hears what was just said; the order is drawn anew for each round."""

    kind: Literal["sequential"] = Field(description="The kind of protocol.", examples=["sequential"])


class PairwiseDoc(Doc):
    """Two members meet at a time, a speaker and a listener who hears it; what they say is heard by them alone."""

    kind: Literal["pairwise"] = Field(description="The kind of protocol.", examples=["pairwise"])
    pick: Literal["link", "speaker", "listener"] = Field(
        default="link",
        description="What is drawn, each as likely as the next: a `link` of the network; or first the `speaker` and "
        "then one who hears it; or first the `listener` and then one whom it hears. Weights of edges weigh links and "
        "partners.",
        examples=["listener"],
    )
    acts: Literal["listener", "both", "in_turn"] = Field(
        default="in_turn",
        description="Who has a turn: the `listener` alone; `both` at once; or both `in_turn`, the speaker first.",
        examples=["both"],
    )
    shows: Literal["partner", "nothing"] = Field(
        default="partner",
        description="What those who act before they hear the other are shown of it: what the `partner` said last, to "
        "whomever, or `nothing`.",
        examples=["nothing"],
    )
    announce: bool = Field(
        default=False,
        description="Whether the first round is one turn for each member, all at once and unheard, to say where it "
        "stands; meetings begin in the second.",
        examples=[True],
    )


class ModeratedDoc(Doc):
    """A moderator chooses who speaks next, then that member speaks."""

    kind: Literal["moderated"] = Field(description="The kind of protocol.", examples=["moderated"])
    moderator: AnyName = Field(
        description="The member that chooses. Its choice is a turn of its own, recorded and heard by nobody.",
        examples=["CHAIR"],
    )
    cue: str | None = Field(
        default=None,
        description="Jinja2 template of what comes after the conversation when it chooses, in place of the prompt's "
        "cue; `options` are the names.",
        examples=["{{ name }}, who speaks next? {{ options | join(', ') }}"],
    )


def _distinct(acts: tuple[str, ...]) -> tuple[str, ...]:
    if len({*acts}) < len(acts) or not acts:
        raise refusal("acts are one or more, each once", f"Write some of: {', '.join(POSTING_ACTS)}.")
    return acts


class ForumDoc(Doc):
    """Threads, replies and votes. In its turn each member is shown a feed of threads, chooses an act, and then writes.

    Choosing and writing are two turns. A network thins out whose posts reach whom.
    """

    kind: Literal["forum"] = Field(description="The kind of protocol.", examples=["forum"])
    ranking: Ranking = Field(
        default="newest",
        description="What stands first in a feed: the thread that was begun last; `top`, votes for its first post less "
        "those against it; `hot`, those on a scale of ten and the round it was begun in, as reddit ranked; or an order "
        "drawn for each agent and round.",
        examples=["hot"],
    )
    feed: int = Field(default=5, ge=1, le=MOST_OPTIONS, description="How many threads a feed shows.", examples=[5])
    replies: int = Field(
        default=2, ge=0, le=MOST_OPTIONS, description="How many of its last replies stand under each.", examples=[2]
    )
    decay: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        description=f"Of `hot`: by how many rounds later a thread has to be begun to rank with ten times the votes; "
        f"{DECAY:g} if left out.",
        examples=[5.0],
    )
    acts: Annotated[tuple[PostingAct, ...], Field(strict=False), AfterValidator(_distinct)] = Field(
        default=POSTING_ACTS,
        description="What can be done: begin a thread (`post`); on a post that is shown `reply`, `upvote`, `downvote`.",
        examples=[["post", "reply", "upvote"]],
    )
    may_pass: bool = Field(
        default=True, description="Whether `pass`, to do nothing, can be chosen too.", examples=[False]
    )
    simultaneous: bool = Field(
        default=False,
        description="Whether all act at once, on what was there when the round began; else one after the other, in an "
        "order drawn for each round.",
        examples=[True],
    )
    shows_votes: bool = Field(
        default=True, description="Whether agents see how many votes a post has.", examples=[False]
    )
    shuffle: bool = Field(
        default=False, description="Whether the order in which acts are shown is drawn each turn.", examples=[True]
    )
    labels: bool = Field(
        default=False,
        description=f"Whether they are shown under letters, drawn each turn; then there may be at most {len(LETTERS)}.",
        examples=[True],
    )
    frame: str | None = Field(
        default=None,
        description="Jinja2 template of what comes before the feed, in place of the prompt's frame; `others` are the "
        "authors of what the feed shows.",
        examples=["{{ name }}, who reads a forum: {{ persona }}"],
    )
    cue: str | None = Field(
        default=None,
        description="Jinja2 template of what comes after it when an act is chosen; `options` are the acts.",
        examples=["{{ name }}, choose: {{ options | join(', ') }}"],
    )
    words: str | None = Field(
        default=None,
        description="Jinja2 template of what comes after it when words are asked for; `doing` is `post` or `reply`, "
        "`post` and `author` are the number and author of what is replied to.",
        examples=["{{ name }}, write your {{ doing }}."],
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.decay is not None and self.ranking != "hot":
            raise refusal("`decay` belongs to `ranking: hot`", "Delete it, or write `ranking: hot`.")
        posts, kinds = self.feed * (1 + self.replies), len({*self.acts} - {"post"})
        acts, most = posts * kinds + ("post" in self.acts), len(LETTERS) if self.labels else MOST_OPTIONS
        if acts > most:
            words = f"{posts} posts (a feed of {self.feed} with {self.replies} replies each) make up to {acts} acts"
            why = "have letters" if self.labels else "can be chosen from"
            raise refusal(f"{words}; at most {most} {why}", "Write a smaller `feed`, fewer `replies` or fewer `acts`.")
        return self


class OwnDoc(Doc):
    """A protocol of your own: a Python class that an installed package offers, or that was offered in Python."""

    kind: Literal["own"] = Field(description="The kind of protocol.", examples=["own"])
    name: Slug = Field(description="The name under which it is offered.", examples=["baton"])
    options: dict[str, Any] = Field(
        default_factory=dict, description="What it is made with.", examples=[{"stubbornness": 0.5}]
    )


AnyProtocol = Annotated[
    RoundRobinDoc
    | RandomDoc
    | SimultaneousDoc
    | AuthorityDoc
    | SequentialDoc
    | PairwiseDoc
    | ModeratedDoc
    | ForumDoc
    | OwnDoc,
    Field(discriminator="kind"),
]
_Word = Literal["round_robin", "random", "simultaneous", "authority", "sequential", "pairwise", "forum"]
ProtocolDoc = Annotated[AnyProtocol, BeforeValidator(from_word, json_schema_input_type=AnyProtocol | _Word)]
