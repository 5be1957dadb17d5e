"""Forums as threads: who wrote what in answer to whom, and how agents had voted before a turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, Literal, NamedTuple

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.domain.events import Intervened, Opened, Spoke
from genai_social_sim.domain.feed import Feed
from genai_social_sim.web.history import single
from genai_social_sim.web.sources import Record

_KEPT: Final = 16  # channels
_KINDS: Final = "opened,spoke,intervened"
_EXCERPT: Final = 200  # characters

Order = Literal["new", "old", "top"]


class Post(TypedDict):
    """A post before a turn: `ups` and `downs` are agents whose last vote on it was for or against it.

    `turn` is null for an opening or a broadcast, `parent` for the first post of a thread. `depth` counts from 0.
    """

    number: int
    thread: int
    parent: int | None
    depth: int
    author: str
    turn: int | None
    round: int | None
    seq: int
    at: float
    text: str
    ups: int
    downs: int
    stand_in: str | None


class Threads(TypedDict):
    """Some threads, each with its first post and then its replies, in the order of a conversation; `threads` in all."""

    channel: str
    turn: int
    threads: int
    posts: list[Post]


class Read(TypedDict):
    """A post or an utterance that an agent was shown. `post`, `rank` and `score` are those of a forum's feed."""

    channel: str
    agent: str
    turn: int | None
    text: str
    post: int | None
    rank: int | None
    score: float | None


class _Post(NamedTuple):
    number: int
    thread: int
    parent: int | None
    depth: int
    author: str
    turn: int | None
    round: int | None
    seq: int
    from_turn: int  # from which on it is there


class _Vote(NamedTuple):
    turn: int
    agent: str
    post: int
    up: bool


@dataclass(slots=True)
class _Board:
    """One channel as it grows."""

    seq: int = -1
    posts: list[_Post] = field(default_factory=list)
    votes: list[_Vote] = field(default_factory=list)

    def take(self, seq: int, event: object, channel: str) -> None:
        """An event; one that wrote and voted nothing here is passed over."""
        match event:
            case Opened() if event.channel == channel:
                self._write(event.speaker, seq, None, None)
            case Intervened():
                for said in event.said:
                    if said.channel == channel:
                        self._write(said.speaker, seq, None, None, event.turn)
            case Spoke() if event.channel == channel and event.doing:
                parent = _post_in(event.doing)
                self._write(event.agent, seq, parent, event)
            case Spoke() if event.channel == channel and event.feed is not None:
                post, verb = _post_in(event.text.value), event.text.value.partition(" ")[0]
                if post is not None and verb in ("upvote", "downvote"):
                    self.votes.append(_Vote(event.turn, event.agent, post, verb == "upvote"))
            case _:
                pass

    def _write(self, author: str, seq: int, parent: int | None, spoke: Spoke | None, turn: int = 0) -> None:
        number = len(self.posts) + 1
        above = self.posts[parent - 1] if parent and parent < number else None
        thread, depth = (above.thread, above.depth + 1) if above else (number, 0)
        in_turn, in_round = (spoke.turn, spoke.round) if spoke else (None, None)
        found = above.number if above else None
        from_turn = spoke.turn + 1 if spoke else turn
        self.posts.append(_Post(number, thread, found, depth, author, in_turn, in_round, seq, from_turn))

    def tallied(self, turn: int) -> dict[int, tuple[int, int]]:
        """For and against each post, of votes before a turn."""
        last = {(vote.post, vote.agent): vote.up for vote in self.votes if vote.turn < turn}
        found: dict[int, tuple[int, int]] = {}
        for (post, _), up in last.items():
            ups, downs = found.get(post, (0, 0))
            found[post] = (ups + up, downs + (not up))
        return found


class Boards:
    """Of the forums that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], _Board] = OrderedDict()
        self._lock = Lock()

    def threads(
        self, run: str, record: Record, channel: str, *, turn: int, order: Order, skip: int, limit: int
    ) -> Threads:
        """At most `limit` threads as they stood before a turn, after the first `skip`."""
        with self._lock:
            board = self._of(run, record, channel)
            votes, posts = board.tallied(turn), [post for post in board.posts if post.from_turn <= turn]
        wanted = _ordered(posts, votes, order)
        chosen = wanted[skip : skip + limit]
        told = [_told(record, post, votes) for post in _in_threads(posts, chosen)]
        return {"channel": channel, "turn": turn, "threads": len(wanted), "posts": told}

    def shown(self, run: str, record: Record, channel: str, feed: Feed) -> list[Read]:
        """The posts of a feed, in its order."""
        with self._lock:
            posts = self._of(run, record, channel).posts
        return [
            _read(record, posts[number - 1], channel, rank, thread.score)
            for rank, thread in enumerate(feed, start=1)
            for number in (thread.post, *thread.replies)
            if number <= len(posts)
        ]

    def _of(self, run: str, record: Record, channel: str) -> _Board:
        key = (run, record.origin().id, channel)
        board = self._known.setdefault(key, _Board())
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        last = record.head().seq
        for recorded in record.events(after=board.seq, kinds=_KINDS, upto=last):
            board.take(recorded.seq, recorded.event, channel)
        board.seq = last
        return board


def _post_in(act: str) -> int | None:
    """The post that an act such as `reply to 3` is on."""
    _, _, post = act.rpartition(" ")
    return int(post) if post.isascii() and post.isdecimal() else None


def _ordered(posts: Sequence[_Post], votes: dict[int, tuple[int, int]], order: Order) -> list[int]:
    """Threads by their first post: the newest first, the oldest first, or those with the most votes first."""
    threads = [post.number for post in posts if post.parent is None]
    if order == "top":
        scores = {number: ups - downs for number, (ups, downs) in votes.items()}
        return sorted(threads, key=lambda number: (-scores.get(number, 0), number))
    return threads if order == "old" else threads[::-1]


def _in_threads(posts: Sequence[_Post], threads: Sequence[int]) -> Iterable[_Post]:
    """Each thread in the order in which it is read: replies below what they reply to, the older first."""
    wanted = set(threads)
    below: dict[int | None, list[_Post]] = {}
    for post in posts:
        if post.thread in wanted:
            below.setdefault(post.parent, []).append(post)
    first = {post.number: post for post in below.get(None, ())}
    todo = [first[number] for number in reversed(threads)]
    while todo:
        post = todo.pop()
        yield post
        todo += reversed(below.get(post.number, ()))


def _told(record: Record, post: _Post, votes: dict[int, tuple[int, int]]) -> Post:
    item = single(record, post.seq)
    ups, downs = votes.get(post.number, (0, 0))
    return {
        "number": post.number,
        "thread": post.thread,
        "parent": post.parent,
        "depth": post.depth,
        "author": post.author,
        "turn": post.turn,
        "round": post.round,
        "seq": post.seq,
        "at": item["at"] if item else 0.0,
        "text": item.get("text", "") if item else "",
        "ups": ups,
        "downs": downs,
        "stand_in": item.get("stand_in") if item else None,
    }


def _read(record: Record, post: _Post, channel: str, rank: int, score: float | None) -> Read:
    item = single(record, post.seq)
    text = item.get("text", "") if item else ""
    return {
        "channel": channel,
        "agent": post.author,
        "turn": post.turn,
        "text": text[:_EXCERPT],
        "post": post.number,
        "rank": rank,
        "score": score,
    }
