"""The shape of a network in numbers. It knows nothing of what is said."""

from __future__ import annotations

from typing import NamedTuple

from genai_social_sim.domain.network import Network


class Topology(NamedTuple):
    """Degrees count those that a member hears; clustering and components leave directions and weights aside.

    `clustering` is the mean over all members of the share of pairs of neighbours that are neighbours (0 for a member
    with fewer than two), the average local clustering coefficient.

    Source: Watts and Strogatz (1998).
    """

    members: int
    edges: int
    least_degree: int
    mean_degree: float
    most_degree: int
    clustering: float
    components: int
    largest_component: int  # members in it


def topology(network: Network) -> Topology:
    """Measure a network."""
    size = len(network.members)
    near: list[set[int]] = [set() for _ in range(size)]
    for listener, sources in enumerate(network.sources):
        near[listener].update(sources)
        for speaker in sources:
            near[speaker].add(listener)
    degrees = [len(sources) for sources in network.sources]
    components = _components(near)
    return Topology(
        members=size,
        edges=sum(degrees) if network.directed else sum(degrees) // 2,
        least_degree=min(degrees),
        mean_degree=round(sum(degrees) / size, 6),
        most_degree=max(degrees),
        clustering=round(sum(_clustering(near, seat) for seat in range(size)) / size, 6),
        components=len(components),
        largest_component=max(components),
    )


def _clustering(near: list[set[int]], seat: int) -> float:
    mine = near[seat]
    if len(mine) < 2:  # noqa: PLR2004 (a pair)
        return 0.0
    twice = sum(len(mine & near[other]) for other in mine)
    return twice / (len(mine) * (len(mine) - 1))


def _components(near: list[set[int]]) -> list[int]:
    """The size of each."""
    sizes, seen = [], bytearray(len(near))
    for start in range(len(near)):
        if seen[start]:
            continue
        seen[start], todo, size = 1, [start], 0
        while todo:
            size += 1
            for other in near[todo.pop()]:
                if not seen[other]:
                    seen[other] = 1
                    todo.append(other)
        sizes.append(size)
    return sizes
