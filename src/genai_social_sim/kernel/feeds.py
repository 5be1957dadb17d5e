"""What a member of a forum has before it when its turn comes: the feed that it is shown, and what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genai_social_sim.domain.act import LETTERS, Choose, Offer
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.feed import Feed, SeenPost, Shown, numbers_in
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import hears
from genai_social_sim.domain.plan import Forum
from genai_social_sim.kernel.acts import offer_of
from genai_social_sim.kernel.board import Board, act_in, acts_on
from genai_social_sim.kernel.posts import Post
from genai_social_sim.kernel.ranking import Score
from genai_social_sim.kernel.room import Room


class Page(NamedTuple):
    """What an agent has before it: its feed, and the acts to choose from, or the one whose words are asked for."""

    feed: Feed
    authors: tuple[AgentId, ...]  # whose posts it shows, other than the agent's own
    acts: tuple[str, ...] = ()
    doing: str = ""
    to: tuple[int, str] = (0, "")  # number and author of what it replies to


def page_of(room: Room, forum: Forum, board: Board, agent: AgentId, where: tuple[int, int]) -> Page | None:
    """The page of a turn at `where`, its round and position; None if there are no words to be asked for."""
    seat, (round_no, position) = room.seats[agent], where
    if not room.is_words(position):
        feed = feed_of(room, forum, board, agent, round_no)
        return Page(feed, _authors(room, board, feed, agent), acts_on(forum, board, feed, seat=seat, agent=agent))
    reader = board.readers[seat]
    if reader.feed is None or not reader.doing:
        return None
    _, number = act_in(reader.doing, reader.feed)
    to = (number, board.post(number).author) if number else (0, "")
    return Page(reader.feed, _authors(room, board, reader.feed, agent), (), reader.doing, to)


def offer_on(forum: Forum, page: Page | None, seed: int, *where: str | int) -> Offer | None:
    """What can be done at a place in the run; where nothing can, to pass is left. None: words are asked for, if any."""
    if page is None or page.doing:
        return None
    labels, may_pass = forum.labels and len(page.acts) <= len(LETTERS), forum.may_pass or not page.acts
    act = Choose(options=page.acts, shuffle=forum.shuffle, labels=labels, may_pass=may_pass)
    return offer_of(act, seed, *where)


def feed_of(room: Room, forum: Forum, board: Board, agent: AgentId, round_no: int) -> Feed:
    """The threads that a member is shown, those whose authors it hears, each with the last replies that it may see."""
    found = []
    for score, number in _ranked(room, forum, board, agent, round_no):
        first = board.post(number)
        if _reaches(room, first, agent):
            found.append(Shown(number, score, _replies(room, forum, board, first, agent)))
            if len(found) == forum.feed:
                break
    return tuple(found)


def posts_on(board: Board, forum: Forum, feed: Feed) -> tuple[SeenPost, ...]:
    """The posts of a feed as an agent sees them."""
    found = []
    for rank, shown in enumerate(feed, start=1):
        for number in (shown.post, *shown.replies):
            post = board.post(number)
            votes = (len(post.ups), len(post.downs)) if forum.shows_votes else (None, None)
            what = (number, post.thread, post.parent, post.author, post.text.value)
            found.append(SeenPost(*what, rank, shown.score, *votes))
    return tuple(found)


def _ranked(
    room: Room, forum: Forum, board: Board, agent: AgentId, round_no: int
) -> Iterator[tuple[Score | None, int]]:
    if forum.ranking != "random":
        yield from reversed(board.threads)
        return
    dice = Dice(room.seed, "feed", room.channel.name, round_no, agent)
    moved: dict[int, int] = {}  # a shuffle from the front, of which only what it moved is kept
    for at in range(len(board.threads)):
        pick = at + dice.below(len(board.threads) - at)
        yield None, board.threads[moved.get(pick, pick)][1]
        moved[pick] = moved.pop(at, at)


def _replies(room: Room, forum: Forum, board: Board, first: Post, agent: AgentId) -> tuple[int, ...]:
    found: list[int] = []
    for number in reversed(first.replies):
        if len(found) == forum.replies:
            break
        if _reaches(room, board.post(number), agent):
            found.append(number)
    return tuple(found[::-1])


def _reaches(room: Room, post: Post, agent: AgentId) -> bool:
    """Whether the network carries a post to a member; openings and broadcasts reach everybody."""
    return post.for_all or hears(room.network, speaker=AgentId(post.author), listener=agent)


def _authors(room: Room, board: Board, feed: Feed, agent: AgentId) -> tuple[AgentId, ...]:
    names = {board.post(number).author for number in numbers_in(feed)}
    return tuple(sorted([AgentId(name) for name in names if name in room.seats and name != agent]))
