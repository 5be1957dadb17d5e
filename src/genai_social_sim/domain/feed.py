"""What an agent is shown of a forum. It knows nothing of how threads are ranked, or of who may see them."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """A thread in a feed: the number of its first post, its score, and which of its replies stand under it.

    Posts of a channel are numbered from 1 in the order in which they were written. `score` is what the feed was ranked
    by; None where the order was drawn.
    """

    post: int
    score: int | float | None
    replies: tuple[int, ...] = ()  # oldest first


Feed = tuple[Shown, ...]  # the first stands first


class SeenPost(NamedTuple):
    """A post as an agent sees it in its feed. `rank` and `score` are those of its thread, from 1."""

    number: int
    thread: int  # number of the first post of its thread: its own, if it is one
    parent: int | None  # what it replies to; None for the first post of a thread
    author: str
    text: str
    rank: int
    score: int | float | None
    ups: int | None  # None where votes are not shown
    downs: int | None


def numbers_in(feed: Feed) -> tuple[int, ...]:
    """The posts that a feed shows, in its order."""
    return tuple([number for thread in feed for number in (thread.post, *thread.replies)])
