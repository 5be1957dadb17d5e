"""How a forum ranks threads. Knows nothing of who sees them."""

from __future__ import annotations

from typing import Final, assert_never

from genai_social_sim.domain.arithmetic import ln
from genai_social_sim.domain.plan import Forum

Score = int | float
_LN10: Final = ln(10.0)
_DIGITS: Final = 7  # after the point, as its source rounds


def score_of(forum: Forum, *, number: int, round_no: int, votes: int) -> Score:
    """What a thread is ranked by, the highest first; of equals the one written last.

    Args:
        forum: Whose ranking it is.
        number: Of the thread's first post.
        round_no: In which that was written.
        votes: For it less those against it.
    """
    match forum.ranking:
        case "newest" | "random":
            return number
        case "top":
            return votes
        case "hot":
            return hot(votes, round_no, decay=forum.decay)
        case _ as unknown:
            assert_never(unknown)


def hot(votes: int, round_no: int, *, decay: float) -> float:
    """Votes, ten times as many of which count one more; and the round, `decay` of which count one more.

    Source: `_hot` in reddit's published source (r2/r2/lib/db/_sorts.pyx), where 45,000 seconds are what `decay` rounds
    are here: a post ranks as high as one with ten times its votes that is so much older.
    """
    sign = (votes > 0) - (votes < 0)
    return round(sign * (ln(float(max(abs(votes), 1))) / _LN10) + round_no / decay, _DIGITS)
