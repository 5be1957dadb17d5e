"""Who works on a run beside its own process, as the record tells: workers, model servers and the broker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from typing_extensions import TypedDict  # pydantic knows it on every Python

from genai_social_sim.ports import Holding
from genai_social_sim.web.sources import Record

_MOST: Final = 1_000  # of each
_NOTICES: Final = """
    SELECT e.at, e.body ->> 'what', (SELECT text FROM texts WHERE id = CAST(e.texts AS INTEGER)), e.seq
    FROM events AS e
    WHERE e.kind = 'noticed' AND e.seq > coalesce((SELECT max(seq) FROM events WHERE kind = 'session_started'), -1)
    AND e.body ->> 'what' IN
        ('worker_joined', 'worker_refused', 'worker_missing', 'server_down', 'server_up', 'broker_away', 'broker_back')
    ORDER BY e.seq
"""
_JOINED: Final = re.compile(r"(\S+) answers for (.+) as [0-9a-f]*$")


class Standing(TypedDict):
    """A worker, a server or the broker. `well` is whether it works as far as is known; `words` say more."""

    name: str
    well: bool
    since: float
    words: str


class Queue(TypedDict):
    """What the broker says that it holds of the run: items that wait, and those in workers' hands if it knows that.

    Where it was not asked or does not say, `problem` tells why.
    """

    waiting: int | None
    in_hand: int | None
    problem: str


class Crew(TypedDict):
    """Of the last session: workers that said what they serve, servers that failed or came back, and the broker.

    `missing` is said of models that no worker serves. A worker that leaves says nothing to the record.
    """

    workers: list[Standing]
    missing: list[str]
    servers: list[Standing]
    broker: Standing | None


def queue_of(held: Holding | str) -> Queue:
    """What a broker said that it holds, or why that is not known."""
    if isinstance(held, str):
        return {"waiting": None, "in_hand": None, "problem": held}
    return {"waiting": held.waiting, "in_hand": held.in_hand, "problem": ""}


def crew(record: Record) -> Crew:
    """As of now."""
    workers, servers = dict[str, Standing](), dict[str, Standing]()
    missing: list[str] = []
    broker: Standing | None = None
    for at, what, text in _notices(record):
        words = text.partition("\n")[0]
        match what:
            case "worker_joined" | "worker_refused":
                worker = _worker(what, words, at)
                workers[worker["name"]] = worker
                missing = [] if worker["well"] else missing  # what is still missing is said again
            case "worker_missing":
                missing = [*dict.fromkeys([*missing, words])]
            case "broker_away" | "broker_back":
                broker = {"name": "broker", "well": what == "broker_back", "since": at, "words": words}
            case _:
                name = words.partition(" (")[0]
                servers[name] = {"name": name, "well": what == "server_up", "since": at, "words": words}
    found = ([*workers.values()][:_MOST], [*servers.values()][:_MOST])
    return {"workers": found[0], "missing": missing, "servers": found[1], "broker": broker}


def _notices(record: Record) -> Iterator[tuple[float, str, str]]:
    for at, what, text, _ in record.query(_NOTICES):
        yield float(at), str(what), str(text)


def _worker(what: str, words: str, at: float) -> Standing:
    joined = _JOINED.match(words)
    if what == "worker_joined" and joined:
        return {"name": joined[1], "well": True, "since": at, "words": f"answers for {joined[2]}"}
    name, _, why = words.partition(": ")
    return {"name": name, "well": what == "worker_joined", "since": at, "words": why}
