"""How a run went along: how much was said, how long it took and how much it used, over its turns."""

from __future__ import annotations

from typing import Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.web.sources import Record

_PARTS: Final = 120  # into which a run is cut
_OUTCOMES: Final = """
    SELECT e.turn * ?1 / max(?2, ?1) AS part, max(e.turn) + 1, count(*), avg(e.kind = 'fell_silent'),
           avg(e.body ->> 'tokens'), avg(CASE WHEN e.kind = 'spoke' THEN
               (SELECT length(text) FROM texts WHERE id = CAST(e.texts AS INTEGER)) END)
    FROM events AS e
    WHERE e.kind IN ('spoke', 'fell_silent') AND e.seq <= ?3 GROUP BY part ORDER BY part
"""
_CALLS: Final = """
    SELECT turn * ?1 / max(?2, ?1) AS part, avg((body ->> 'done_s') - (body ->> 'sent_s')), avg(kind = 'attempt_failed')
    FROM events WHERE kind IN ('answered', 'attempt_failed') AND body ->> 'aside' IS NULL AND seq <= ?3
    GROUP BY part ORDER BY part
"""


class Trend(TypedDict):
    """Means over parts of the run; each part ends before one of `turns`.

    `silent` and `failed` are shares, of turns and of attempts; `seconds` are from sent to done; `characters` are of
    what was said; `tokens` of prompt and answer together.
    """

    turns: list[int]
    count: list[int]
    silent: list[float]
    tokens: list[float]
    characters: list[float | None]
    seconds: list[float | None]
    failed: list[float | None]


def trend(record: Record) -> Trend:
    """The whole run in at most 120 parts."""
    head = record.head()
    asked = (_PARTS, head.turns, head.seq)
    calls = {part: (seconds, failed) for part, seconds, failed in record.query(_CALLS, *asked)}
    rows = [*record.query(_OUTCOMES, *asked)]
    made = [calls.get(row[0], (None, None)) for row in rows]
    return {
        "turns": [int(row[1]) for row in rows],
        "count": [int(row[2]) for row in rows],
        "silent": [float(row[3]) for row in rows],
        "tokens": [float(row[4] or 0) for row in rows],
        "characters": [None if row[5] is None else float(row[5]) for row in rows],
        "seconds": [None if seconds is None else float(seconds) for seconds, _ in made],
        "failed": [None if failed is None else float(failed) for _, failed in made],
    }
