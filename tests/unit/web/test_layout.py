"""Where nodes are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from genai_social_sim.web.layout import layout


def ring(count: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.arange(count, dtype=np.int64)
    return at, (at + 1) % count


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50, 400])
def test_every_node_has_a_place_within_the_frame(count: int) -> None:
    places = layout(count, *(ring(count) if count > 2 else (np.empty(0, np.int64), np.empty(0, np.int64))))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert (np.abs(places) <= 1 + 1e-9).all()


def test_the_same_seed_gives_the_same_places_and_another_one_others() -> None:
    assert (layout(60, *ring(60)) == layout(60, *ring(60))).all()
    assert not (layout(60, *ring(60)) == layout(60, *ring(60), seed=1)).all()


def test_neighbours_lie_nearer_than_others() -> None:
    speakers, listeners = ring(200)
    places = layout(200, speakers, listeners)
    edges = np.hypot(*(places[speakers] - places[listeners]).T).mean()
    pairs = np.hypot(*(places - np.roll(places, 100, axis=0)).T).mean()
    assert edges < pairs / 5


def test_groups_without_an_edge_between_them_lie_apart() -> None:
    pairs = [(a, b) for a in range(20) for b in range(a)] + [(a, b) for a in range(20, 40) for b in range(20, a)]
    speakers, listeners = np.array(pairs, dtype=np.int64).T
    places = layout(40, speakers, listeners)
    groups = (places[:20], places[20:])
    middles = [group.mean(axis=0) for group in groups]
    widest = max(np.hypot(*(group - middle).T).max() for group, middle in zip(groups, middles, strict=True))
    assert np.hypot(*(middles[0] - middles[1])) > widest
