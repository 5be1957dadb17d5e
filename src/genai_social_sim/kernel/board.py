"""The state of a forum: its posts, their votes, and what each member has before it. Knows nothing of prompts.

In a simultaneous round what is written and voted counts from the end of the round on; else at once.
"""

from __future__ import annotations

from bisect import insort
from typing import Final, NamedTuple

from genai_social_sim.domain.feed import Feed, numbers_in
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Forum
from genai_social_sim.domain.vector import Vector
from genai_social_sim.kernel.hearing import Spot
from genai_social_sim.kernel.posts import Post, remembered_line
from genai_social_sim.kernel.ranking import Score, score_of
from genai_social_sim.kernel.room import Room

_ACTS: Final = {"reply to": "reply", "upvote": "upvote", "downvote": "downvote"}  # as options begin


class Reader(NamedTuple):
    """What one member has behind it and before it."""

    seen: tuple[int, ...] = ()  # posts that it was shown or wrote, last seen last, at most the channel's window
    feed: Feed | None = None  # that its act in this round followed
    doing: str = ""  # the act whose words are still to come


class Ballot(NamedTuple):
    """A vote."""

    seat: int
    post: int
    up: bool


class Board(NamedTuple):
    """A forum after some of its turns."""

    readers: Vector[Reader]
    posts: Vector[Post] = Vector.of(())
    threads: tuple[tuple[Score, int], ...] = ()  # score and first post of those that can be seen, lowest first
    written: tuple[int, ...] = ()  # posts that can be seen from the end of this round on
    ballots: tuple[Ballot, ...] = ()  # that count from then on

    def post(self, number: int) -> Post:
        """By its number."""
        return self.posts[number - 1]


def begun(room: Room) -> Board:
    """An empty forum."""
    return Board(Vector.of([Reader()] * len(room.members)))


def act_in(words: str, feed: Feed) -> tuple[str, int]:
    """The act that an option names and the post that it is on, 0 for a new thread; ("", 0) if a feed has none such."""
    if words == "post":
        return words, 0
    verb, _, number = words.rpartition(" ")
    post = int(number) if number.isascii() and number.isdecimal() else 0
    return (_ACTS[verb], post) if verb in _ACTS and post in numbers_in(feed) else ("", 0)


def acts_on(forum: Forum, board: Board, feed: Feed, *, seat: int, agent: str) -> tuple[str, ...]:
    """The acts that a member can choose from: nobody votes on its own posts, or twice the same way."""
    found = ["post"] if "post" in forum.acts else []
    for number in numbers_in(feed):
        post = board.post(number)
        found += [f"reply to {number}"] if "reply" in forum.acts else []
        if post.author != agent:
            found += [f"upvote {number}"] if "upvote" in forum.acts and seat not in post.ups else []
            found += [f"downvote {number}"] if "downvote" in forum.acts and seat not in post.downs else []
    return tuple(found)


def opened(room: Room, forum: Forum, board: Board, line: Line, round_no: int, *, for_all: bool = True) -> Board:
    """With a thread that can be seen at once: an opening or a broadcast, or words put into a member's mouth.

    `for_all`: by everybody; else by those who hear who is said to have written it.
    """
    number = len(board.posts) + 1
    post = Post(number, number, None, round_no, remembered_line(room.layout, line, number, None), for_all=for_all)
    return _seen(board._replace(posts=board.posts.appended(post)), forum, (number,))


def took(room: Room, forum: Forum, board: Board, spot: Spot, done: tuple[Line | None, Feed | None]) -> Board:
    """After a turn; `done` is what was said in it, None for a silence, and for an act the feed that it followed."""
    seat, (line, feed) = room.seats[spot.agent], done
    board = _worded(room, board, spot, line) if room.is_words(spot.position) else _acted(board, seat, line, feed)
    if forum.simultaneous and spot.position + 1 < room.turns:
        return board
    return _released(board, forum)


def _acted(board: Board, seat: int, line: Line | None, feed: Feed | None) -> Board:
    words = line.text.value if line is not None else ""
    verb, post = act_in(words, feed or ())
    reader = board.readers[seat]._replace(feed=feed, doing=words if verb in ("post", "reply") else "")
    ballots = board.ballots
    if verb in ("upvote", "downvote"):
        ballots = (*ballots, Ballot(seat, post, verb == "upvote"))
    return board._replace(readers=board.readers.replaced(seat, reader), ballots=ballots)


def _worded(room: Room, board: Board, spot: Spot, line: Line | None) -> Board:
    seat, window = room.seats[spot.agent], room.channel.window
    reader = board.readers[seat]
    shown = numbers_in(reader.feed or ())
    seen = (*[number for number in reader.seen if number not in shown], *shown)
    if line is not None and reader.doing:
        number = len(board.posts) + 1
        _, target = act_in(reader.doing, reader.feed or ())
        thread = board.post(target).thread if target else number
        post = Post(number, thread, target or None, spot.round, remembered_line(room.layout, line, number, target))
        board = board._replace(posts=board.posts.appended(post), written=(*board.written, number))
        seen = (*seen, number)
    seen = seen[len(seen) - window :] if len(seen) > window else seen
    return board._replace(readers=board.readers.replaced(seat, Reader(seen)))


def _released(board: Board, forum: Forum) -> Board:
    """What was written and voted can be seen, and counts."""
    if board.ballots:
        for ballot in board.ballots:
            board = _counted(board, forum, ballot)
        board = board._replace(ballots=())
    return _seen(board, forum, board.written)._replace(written=()) if board.written else board


def _seen(board: Board, forum: Forum, numbers: tuple[int, ...]) -> Board:
    posts, threads = board.posts, [*board.threads]
    for number in numbers:
        post = posts[number - 1]
        if post.parent is None:
            insort(threads, (_score(forum, post), number))
        else:
            first = posts[post.thread - 1]
            posts = posts.replaced(post.thread - 1, first._replace(replies=(*first.replies, number)))
    return board._replace(posts=posts, threads=tuple(threads))


def _counted(board: Board, forum: Forum, ballot: Ballot) -> Board:
    """With a vote, which takes the place of one that the same member gave before."""
    before, voter = board.post(ballot.post), {ballot.seat}
    ups, downs = (before.ups | voter, before.downs - voter) if ballot.up else (before.ups - voter, before.downs | voter)
    after, threads = before._replace(ups=ups, downs=downs), board.threads
    if after.parent is None:
        order = [entry for entry in threads if entry[1] != after.number]
        insort(order, (_score(forum, after), after.number))
        threads = tuple(order)
    return board._replace(posts=board.posts.replaced(after.number - 1, after), threads=threads)


def _score(forum: Forum, post: Post) -> Score:
    return score_of(forum, number=post.number, round_no=post.round, votes=len(post.ups) - len(post.downs))
