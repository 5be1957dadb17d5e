"""Cases whose answers are means over chance: judges, voters, cascades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from validation.findings import Finding, exact, mean, share
from validation.playing import Said, played, played_until, states

_JUDGES: Final = {3: 0.648, 11: 0.75350}  # Condorcet: sums of the binomial distribution
_VOTERS: Final = {20: 254.133, 50: 1673.956}  # mean steps, of an exact birth-and-death chain
_CASCADES: Final = {"cascade-triangle": 2.25, "cascade-path": 1.75, "cascade-complete": 3.02693}  # chain binomial
# By R, how many each infects on average at first: the root of S = 1 - exp(-R S) is the chance that a cascade is large,
# and the share of all that a large one reaches. Between small and large there is next to nothing on 2000 agents.
_LARGE_CASCADES: Final = {1.5: 0.5828, 2.0: 0.7968}
_SMALL: Final = 100
_REMEMBERED: Final = 500  # of what was said last, by the study's memory: a whole round has to be among it
# Watts (2002): P(global) by mean degree z, as simulations that share no code with ours have it; tolerance .2.
_WATTS: Final = {0.8: 0.0, 2: 0.80, 4: 0.88, 7: 0.02, 9: 0.0}
_WATTS_KNOWN: Final = 0.2
_GLOBAL: Final = 100  # of 1000 agents: one more is a global cascade


def judges(*, runs: int) -> Iterator[Finding]:
    """How often a majority is right."""
    for size, expected in _JUDGES.items():
        right = [
            set(states(said, 1).values()) == {"right"}
            for said in played("majority", f"population.size={size}", runs=runs)
        ]
        yield share("majority", f"share that is right, N={size}", right, expected)


def voters(size: int, *, runs: int) -> Iterator[Finding]:
    """Steps to consensus, and who wins."""
    turns = size + 2 * round(_VOTERS[size])
    found = [*played_until("voter", f"population.size={size}", runs=runs, turns=turns, found=_consensus)]
    yield mean("voter", f"steps to consensus, N={size}", [steps for steps, _ in found], _VOTERS[size])
    yield share("voter", f"share won by yes, N={size}", [winner == "yes" for _, winner in found], 0.5)


def cascades(*, runs: int) -> Iterator[Finding]:
    """How many are reached."""
    for name, expected in _CASCADES.items():
        yield mean(name, "mean final size", [len(said) for said in played(name, runs=runs)], expected)


def large_cascades(*, runs: int) -> Iterator[Finding]:
    """How often one of two thousand sets off a large cascade, and how far that goes."""
    for mean_tries, expected in _LARGE_CASCADES.items():
        sizes, outgrown = [], 0
        for said in played("cascade-large", f"model.p={mean_tries / 2000}", runs=runs):
            sizes.append(len(said))
            outgrown += max(Counter(each.round for each in said).values()) > _REMEMBERED
        reached = [size / 2000 for size in sizes if size > _SMALL]
        large = [size > _SMALL for size in sizes]
        yield exact("cascade-large", f"runs in which a round outgrew the memory, R={mean_tries}", outgrown, 0)
        yield share("cascade-large", f"share of large cascades, R={mean_tries}", large, expected)
        yield mean("cascade-large", f"share reached by large cascades, R={mean_tries}", reached, expected)


def watts(*, runs: int) -> Iterator[Finding]:
    """How often one active agent in a random graph of a thousand is enough for a global cascade."""
    for degree, expected in _WATTS.items():
        reached = [_reached(said) > _GLOBAL for said in played("watts", f"network.p={degree / 999:.9f}", runs=runs)]
        yield share("watts", f"share of global cascades, z={degree}", reached, expected, tolerance=_WATTS_KNOWN)


def _reached(said: list[Said]) -> int:
    return len({each.agent for each in said if each.text == "1"})


def _consensus(said: list[Said]) -> tuple[int, str] | None:
    """Steps until all are of one mind, and of which."""
    minds = states(said, 0)
    size = len(minds)
    yes = [*minds.values()].count("yes")
    for step, each in enumerate(said[size:], start=1):
        yes += (each.text == "yes") - (minds[each.agent] == "yes")
        minds[each.agent] = each.text
        if yes in {0, size}:
            return step, each.text
    return None
