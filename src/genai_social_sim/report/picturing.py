"""Where the nodes of a network picture stand: near those that they are connected to. It draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST_SPRUNG: Final = 400  # nodes; more stand on a circle
_SEED: Final = 1  # of the picture, not of the run: the same network always looks the same


def places(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """A place on [-1, 1] for each node, by the forces of Fruchterman & Reingold (1991); without numpy on a circle."""
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    try:
        found = networkx.spring_layout(graph, seed=_SEED) if len(nodes) <= MOST_SPRUNG else _circle(nodes)
    except ImportError:
        found = _circle(nodes)
    return {str(name): (float(x), float(y)) for name, (x, y) in found.items()}


def _circle(nodes: Sequence[str]) -> dict[str, tuple[float, float]]:
    from math import cos, pi, sin

    step = 2 * pi / max(1, len(nodes))
    return {name: (cos(step * at), sin(step * at)) for at, name in enumerate(nodes)}
