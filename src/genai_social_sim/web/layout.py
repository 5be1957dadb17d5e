"""Where the nodes of a network are drawn: forces on a mesh, from a seed, the same on every machine and in every view.

Every node pushes every other away and edges draw their ends together (Fruchterman and Reingold, 1991). What all push
is summed up on a grid: the nodes' mass is deposited bilinearly, convolved with the force of one of them by a
zero-padded FFT, and read bilinearly again (particle-mesh; Hockney and Eastwood, 1988).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float64]
Seats = npt.NDArray[np.int64]

_GRIDS: Final = (32, 64, 128)  # the first with so many cells a wanted distance:
_CELLS: Final = 2
_STEPS: Final = 140
_WARM: Final = 0.12  # the longest first move, as a share of the width
_PULL: Final = 0.012  # towards the middle, so that parts without an edge between them stay in sight


def layout(count: int, speakers: Seats, listeners: Seats, *, seed: int = 0) -> Places:
    """A place on [-1, 1]² for each of `count` nodes, which `speakers` and `listeners` join."""
    if count < 2:  # noqa: PLR2004 (a pair)
        return np.zeros((count, 2))
    width = float(np.sqrt(count))  # so that the distance wanted between neighbours is 1
    places = np.random.default_rng(seed).uniform(-width / 2, width / 2, (count, 2))
    weight = _weight(count, speakers, listeners)
    grid = next((grid for grid in _GRIDS if grid >= _CELLS * width), _GRIDS[-1])
    for step in range(_STEPS):
        move = _pushed(places, grid) + _drawn(places, speakers, listeners, weight) - _PULL * places
        length = np.maximum(np.hypot(move[:, 0], move[:, 1]), 1e-9)
        longest = _WARM * width * (1 - step / _STEPS) ** 1.5 + 1e-3
        places += move * np.minimum(1.0, longest / length)[:, None]
    return _fitted(places)


def _weight(count: int, speakers: Seats, listeners: Seats) -> Places:
    """How strongly an edge draws: less so between nodes of many, which would fall into one point."""
    degree = np.bincount(speakers, minlength=count) + np.bincount(listeners, minlength=count)
    weight: Places = 1.0 / np.sqrt(np.maximum(1.0, np.minimum(degree[speakers], degree[listeners]) / 4.0))
    return weight


def _drawn(places: Places, speakers: Seats, listeners: Seats, weight: Places) -> Places:
    """d² along each edge, with d in wanted distances."""
    apart = places[listeners] - places[speakers]
    pull = apart * (np.hypot(apart[:, 0], apart[:, 1]) * weight)[:, None]
    count = len(places)
    sums = [
        np.bincount(speakers, pull[:, axis], minlength=count) - np.bincount(listeners, pull[:, axis], minlength=count)
        for axis in (0, 1)
    ]
    return np.stack(sums, axis=1)


def _pushed(places: Places, grid: int) -> Places:
    """1 / d away from every other node."""
    low = places.min(axis=0)
    cell = max(float((places.max(axis=0) - low).max()) / (grid - 2), 1e-6)
    at = (places - low) / cell
    base = np.floor(at).astype(np.int64)
    share = at - base
    corners = _corners(base, share, grid)
    mass = np.zeros(grid * grid)
    for index, part in corners:
        mass += np.bincount(index, part, minlength=grid * grid)
    spread = np.fft.rfft2(mass.reshape(grid, grid), (2 * grid, 2 * grid))
    found = []
    for kernel in _kernels(grid):
        field = np.fft.irfft2(spread * kernel, (2 * grid, 2 * grid))[:grid, :grid].ravel()
        found.append(sum(field[index] * part for index, part in corners))
    return np.stack(found, axis=1) / cell


def _corners(base: Seats, share: Places, grid: int) -> list[tuple[Seats, Places]]:
    """The four grid points around each node, and how much of it each has."""
    x, y = share[:, 0], share[:, 1]
    row, column = base[:, 0], base[:, 1]
    return [
        (row * grid + column, (1 - x) * (1 - y)),
        ((row + 1) * grid + column, x * (1 - y)),
        (row * grid + column + 1, (1 - x) * y),
        ((row + 1) * grid + column + 1, x * y),
    ]


@lru_cache(maxsize=len(_GRIDS))
def _kernels(grid: int) -> tuple[Any, Any]:
    """The transformed force of a node on a cell's distance, along each axis; none on itself."""
    steps = np.fft.fftfreq(2 * grid, 1 / (2 * grid))
    down, right = np.meshgrid(steps, steps, indexing="ij")
    square = down**2 + right**2
    square[0, 0] = np.inf
    return np.fft.rfft2(down / square), np.fft.rfft2(right / square)


def _fitted(places: Places) -> Places:
    """Around the middle, within [-1, 1]²."""
    places = places - (places.max(axis=0) + places.min(axis=0)) / 2
    fitted: Places = places / max(float(np.abs(places).max()), 1e-9)
    return fitted
