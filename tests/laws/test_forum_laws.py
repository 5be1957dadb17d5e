"""What holds for every forum: a second, naive reading of the log comes to the same feeds, posts and votes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import log10

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.test_laws import FEW, SEEDS, listened, states
from tests.support.scenario import Played

from genai_social_sim.domain.events import FellSilent, Intervened, Opened, Outcome, Spoke
from genai_social_sim.domain.feed import Feed, Shown
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.memory import Retrieval, kept
from genai_social_sim.domain.network import hears
from genai_social_sim.domain.plan import Channel, Forum, RunPlan
from genai_social_sim.ports import Request
from genai_social_sim.testing.agendas import interventions
from genai_social_sim.testing.forums import forums
from genai_social_sim.testing.plans import small_channel, small_plan
from genai_social_sim.testing.strategies import NAMES, edges, memories, stop_rules


@dataclass
class NaivePost:
    number: int
    parent: int | None
    author: str
    for_all: bool
    round: int
    seen: bool


@dataclass
class Naive:
    """A forum as lists, sorted anew for each turn."""

    room: Channel
    posts: list[NaivePost] = field(default_factory=list)
    votes: dict[tuple[int, str], int] = field(default_factory=dict)
    later: dict[tuple[int, str], int] = field(default_factory=dict)
    round: int = 0

    @property
    def forum(self) -> Forum:
        assert isinstance(self.room.protocol, Forum)
        return self.room.protocol

    def put_in(self, speaker: str, *, round_no: int = 0, for_all: bool = True) -> None:
        self.posts.append(NaivePost(len(self.posts) + 1, None, speaker, for_all, round_no, True))

    def before(self, event: Outcome) -> Naive:
        """What counts when a turn begins."""
        if event.round > self.round or not self.forum.simultaneous:
            self.round = event.round
            self.release()
        return self

    def take(self, event: Outcome) -> None:
        if isinstance(event, Spoke) and event.feed is not None:
            verb, _, number = event.text.value.partition(" ")
            if verb in ("upvote", "downvote"):
                self.later[int(number), event.agent] = 1 if verb == "upvote" else -1
        elif isinstance(event, Spoke):
            parent = None if event.doing == "post" else int(event.doing.split()[-1])
            self.posts.append(NaivePost(len(self.posts) + 1, parent, event.agent, False, event.round, False))

    def release(self) -> None:
        self.votes |= self.later
        self.later = {}
        self.posts = [replace(post, seen=True) for post in self.posts]

    def root(self, post: NaivePost) -> int:
        return post.number if post.parent is None else self.root(self.posts[post.parent - 1])

    def score(self, post: NaivePost) -> int | float:
        votes = sum(vote for (number, _), vote in self.votes.items() if number == post.number)
        if self.forum.ranking == "top":
            return votes
        if self.forum.ranking == "hot":
            sign = 1 if votes > 0 else -1 if votes < 0 else 0
            return round(sign * log10(max(abs(votes), 1)) + post.round / self.forum.decay, 7)
        return post.number

    def feed(self, agent: AgentId) -> list[Shown]:
        """All threads that an agent may see, in order."""

        def reaches(post: NaivePost) -> bool:
            carried = post.for_all or hears(self.room.network, speaker=AgentId(post.author), listener=agent)
            return post.seen and carried

        roots = [post for post in self.posts if post.parent is None and reaches(post)]
        ranked = sorted(roots, key=lambda post: (self.score(post), post.number), reverse=True)
        found = []
        for post in ranked:
            under = [each.number for each in self.posts if each.parent and reaches(each)]
            mine = [number for number in under if self.root(self.posts[number - 1]) == post.number]
            shown = tuple(mine[max(0, len(mine) - self.forum.replies) :])
            found.append(Shown(post.number, self.score(post), shown))
        return found


def acts(plan: RunPlan, played: Played) -> Iterator[tuple[Naive, Outcome, Feed]]:
    """Each act in the one forum of a plan, with the forum as it was before it."""
    forum = Naive(plan.channels[0])
    for state, event in zip(states(played), played.events, strict=False):
        forum.room = state.stage.plan.channels[0]
        match event:
            case Opened(speaker=speaker):
                forum.put_in(speaker)
            case Intervened(turn=turn):
                for said in event.said:
                    for_all = '"kind":"broadcast"' in event.change.value
                    forum.put_in(said.speaker, round_no=turn // plan.round_size, for_all=for_all)
            case Spoke(feed=feed) | FellSilent(feed=feed):
                if feed is not None:
                    yield forum.before(event), event, feed
                forum.take(event)
            case _:
                pass


@st.composite
def forum_plans(draw: st.DrawFn) -> RunPlan:
    members = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    memory = draw(st.none() | memories())
    window = draw(st.sampled_from([0, 2, 20]))
    room = small_channel(
        "hall",
        members=" ".join(sorted(members)),
        protocol=draw(forums()),
        opening=draw(st.sampled_from(["", "system: Begin."])),
        window=window if memory is None else max(window, kept(memory)),
        memory=memory,
        edges=draw(st.none() | edges(members)),
    )
    agents = [AgentId(name) for name in sorted(members)]
    return small_plan(
        room,
        agents=" ".join(NAMES),
        stop=draw(stop_rules(24)),
        seed=draw(SEEDS),
        interventions=draw(st.lists(interventions(agents, [room]), max_size=2)),
    )


@given(forum_plans(), SEEDS)
def test_what_was_shown_at_which_rank_is_what_a_naive_reading_of_the_log_comes_to(plan: RunPlan, seed: int) -> None:
    played, seen = listened(plan, seed)
    asked = {(request.turn, request.doing): request for request in seen if not request.aside}
    for forum, event, feed in acts(plan, played):
        everything = forum.feed(event.agent)
        if forum.forum.ranking == "random":
            known = {thread.post: thread.replies for thread in everything}
            assert [(each.post, each.replies) for each in feed] == [(each.post, known[each.post]) for each in feed]
            assert len({each.post for each in feed}) == len(feed) == min(len(everything), forum.forum.feed)
        else:
            assert list(feed) == everything[: forum.forum.feed]
        request = asked[event.turn, "choose"]
        shown = [number for thread in feed for number in (thread.post, *thread.replies)]
        assert [post.number for post in request.feed] == shown
        assert [line.text.value for line in request.heard][len(request.heard) - len(shown) :] == [
            post.text for post in request.feed
        ]


@FEW
@given(forum_plans(), SEEDS)
def test_words_are_written_before_the_feed_that_their_act_followed(plan: RunPlan, seed: int) -> None:
    played, seen = listened(plan, seed)
    asked = {request.turn: request for request in seen if not request.aside}
    acts_of: dict[str, Request] = {}
    for event in played.of(Spoke, FellSilent):
        request = asked.get(event.turn)
        if event.feed is not None and request is not None:
            acts_of[event.agent] = request
        elif request is not None:
            act = acts_of[event.agent]
            assert request.feed == act.feed
            if not isinstance(plan.channels[0].memory, Retrieval):  # which is asked anew for what is answered
                assert request.heard == act.heard


@FEW
@given(forum_plans(), SEEDS)
def test_nobody_votes_on_what_it_wrote_itself_or_acts_on_what_it_is_not_shown(plan: RunPlan, seed: int) -> None:
    for request in listened(plan, seed)[1]:
        if request.doing != "choose":
            continue
        shown = {post.number: post for post in request.feed}
        for act in request.meanings:
            verb, _, number = act.rpartition(" ")
            assert act in ("post", "pass") or int(number) in shown
            assert verb not in ("upvote", "downvote") or shown[int(number)].author != request.agent
