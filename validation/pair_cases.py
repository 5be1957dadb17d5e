"""Cases of agents who meet two at a time: bounded confidence, the naming game."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from validation.findings import Finding, exact, mean
from validation.playing import Said, played, played_until, states

# Deffuant et al. (2000), by simulations that share no code with ours; with the tolerance of what is known "about".
# At .3 about one run in twelve keeps a second camp of 5 % or a little more.
_CLUSTERS: Final = {0.5: (1, 0), 0.4: (1, 0), 0.3: (1, 0.1), 0.2: (2.05, 0.1), 0.1: (4.35, 0.1)}
_NAMES: Final = {50: ((1001, 20), (157.0, 1.2)), 100: ((2498, 19), (402.3, 1.1))}
_DIFFERENT: Final = {50: 25.0, 100: 49.9}  # mean of the most different words at once: half of all begin as a speaker
_GAP: Final = 0.02  # between opinions of different camps, once they have come together
_SMALL: Final = 0.05  # of all agents: a cluster that holds fewer does not count


def deffuant(epsilon: float, *, runs: int, rounds: int) -> Iterator[Finding]:
    """What two who meet keep between them, and how many camps are left; `rounds` are meetings of everybody."""
    changes = (f"model.epsilon={epsilon}", f"stop.rounds={rounds + 1}")
    counts, drift = [], 0.0
    for said in played("deffuant", *changes, runs=runs):
        minds = _minds(said, 0)
        before = sum(minds.values())
        minds |= {each.agent: float(each.text) for each in said[len(minds) :]}
        drift = max(drift, abs(sum(minds.values()) - before))
        counts.append(_clusters(sorted(minds.values())))
    yield exact("deffuant", f"largest change of the sum, eps={epsilon}", drift, 0, allowed=1e-9)
    expected, tolerance = _CLUSTERS[epsilon]
    yield mean("deffuant", f"clusters, eps={epsilon}", counts, expected, tolerance=tolerance)


def naming(size: int, *, runs: int) -> Iterator[Finding]:
    """Meetings until all use one word, and how many words, and different ones, are known at most meanwhile."""
    (games, games_known), (words, words_known) = _NAMES[size]
    turns = 4 * games
    found = [*played_until("naming-game", f"population.size={size}", runs=runs, turns=turns, found=_agreed)]
    yield mean(
        "naming-game", f"meetings to agreement, N={size}", [each[0] for each in found], games, tolerance=games_known
    )
    yield mean("naming-game", f"most words known, N={size}", [each[1] for each in found], words, tolerance=words_known)
    yield mean("naming-game", f"most different words, N={size}", [each[2] for each in found], _DIFFERENT[size])


def _minds(said: list[Said], round_no: int) -> dict[str, float]:
    return {agent: float(text) for agent, text in states(said, round_no).items()}


def _clusters(opinions: list[float]) -> int:
    """Camps that hold enough agents: opinions in order, parted where there is a gap."""
    sizes = [1]
    for one, other in pairwise(opinions):
        if other - one > _GAP:
            sizes.append(0)
        sizes[-1] += 1
    return sum(size >= _SMALL * len(opinions) for size in sizes)


def _agreed(said: list[Said]) -> tuple[int, int, int] | None:
    """Meetings until all know one word and the same; the most words known until then, and the most different ones."""
    size = len({each.agent for each in said})
    known: dict[str, list[str]] = {}
    users: Counter[str] = Counter()
    total = most = different = 0
    for game, (speaker, listener) in enumerate(zip(said[::2], said[1::2], strict=True), start=1):
        word, _, inventory = speaker.text.partition(" of ")
        answer, _, after = listener.text.partition(": ")
        for agent, words in (
            (speaker.agent, [word] if answer == "yes" else inventory.split()),
            (listener.agent, after.split()),
        ):
            total += len(words) - len(known.get(agent, ()))
            users.subtract(known.get(agent, ()))
            users.update(words)
            known[agent] = words
        users = +users
        most, different = max(most, total), max(different, len(users))
        if total == size == len(known) and all(words == [word] for words in known.values()):
            return game, most, different
    return None
