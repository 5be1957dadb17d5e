"""Where the nodes of a network picture stand: as on the page. It draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin


def places(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, tuple[float, float]]:
    """A place on [-1, 1] for each node, near those that it is connected to; without numpy on a circle."""
    try:
        import numpy

        from genai_social_sim.web.layout import layout
    except ImportError:
        step = 2 * pi / max(1, len(nodes))
        return {name: (cos(step * at), sin(step * at)) for at, name in enumerate(nodes)}
    seats = {name: at for at, name in enumerate(nodes)}
    speakers, listeners = [numpy.array([seats[edge[end]] for edge in edges], dtype=numpy.int64) for end in (0, 1)]
    found = layout(len(nodes), speakers, listeners)
    return {name: (float(x), float(y)) for name, (x, y) in zip(nodes, found, strict=True)}
