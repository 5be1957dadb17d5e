"""Charts as SVG: what lies where."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from genai_social_sim.report.drawing import Curve, Scale, Spread, bars, intervals, lines, network, number

HOSTILE = '"/><script>alert(1)</script>\u202e'


@pytest.mark.parametrize(
    "svg",
    [
        lines(
            [Curve(HOSTILE, [(0, 1), (1, 2)], [(0, 0, 2), (1, 1, 3)], [[(0, 1), (1, 2)]])], title=HOSTILE, unit=HOSTILE
        ),
        intervals([Spread(HOSTILE, 1.0, 0.5, 1.5, [0.8, 1.2])], title=HOSTILE, unit=HOSTILE),
        bars({HOSTILE: 3}, title=HOSTILE),
        network({HOSTILE: (0.0, 0.0)}, [], title=HOSTILE, named=True),
    ],
)
def test_it_is_well_formed_and_names_are_text(svg: str) -> None:
    found = [element.tag for element in ET.fromstring(svg).iter()]
    assert "script" not in found
    assert "\u202e" not in svg
    assert 'role="img"' in svg


def test_a_scale_has_a_few_round_ticks_within() -> None:
    assert Scale(0.0, 20.0, 0, 100).ticks == [0, 5, 10, 15, 20]
    assert Scale(-0.13, 0.32, 0, 100).ticks == [-0.1, 0, 0.1, 0.2, 0.3]
    assert Scale(3.0, 3.0, 0, 100).ticks == [3.0]


def test_a_larger_number_stands_further_right() -> None:
    svg = intervals([Spread("a", 1.0, 0.0, 2.0, []), Spread("b", 3.0, 2.0, 4.0, [])], title="t", unit="u")
    first, second = [float(x) for x in re.findall(r'class="dot" d="M([\d.]+),', svg)]
    assert first < second


def test_an_estimate_without_an_interval_has_none_drawn() -> None:
    assert "reach" not in intervals([Spread("a", 1.0, math.nan, math.nan, [1.0])], title="t", unit="u")


def test_an_interval_of_few_runs_does_not_press_the_curves_flat() -> None:
    def mean_of(reach: float) -> str:
        curve = Curve(
            "two", [(0, 1), (1, 2)], [(0, -reach, reach), (1, -reach, reach)], [[(0, 1), (1, 2)], [(0, 0), (1, 3)]]
        )
        svg = lines([curve], title="", unit="")
        heights = [float(y) for y in re.findall(r",(-?[\d.]+)", re.findall(r'points="([^"]+)"', svg)[0])]
        assert all(0 <= y <= 240 for y in heights)
        (path,) = re.findall(r'class="mean s0" d="(M5[^"]+)"', svg)
        return str(path)

    assert mean_of(1000.0) == mean_of(1.0)


def test_names_at_the_ends_of_many_curves_stay_within_the_picture_and_apart() -> None:
    for count in (6, 30):
        svg = lines([Curve(f"c{at}", [(0, 1.0), (1, 0.0)], [], []) for at in range(count)], title="", unit="")
        height = float(re.findall(r'height="(\d+)"', svg)[0])
        ends = sorted([float(y) for y in re.findall(r'<text class="end" x="\d+" y="([\d.]+)"', svg)])
        assert len(ends) == count
        assert ends[-1] < height
        assert min(below - above for above, below in pairwise(ends)) >= 13
        assert ends[0] > 0


def test_names_of_neighbours_do_not_cover_each_other() -> None:
    near = {"one-long-name": (0.0, 0.0), "other-long-name": (0.12, 0.0)}
    places = re.findall(
        r'<text class="label" x="([\d.]+)" y="([\d.]+)"( text-anchor="\w+")?>', network(near, [], title="", named=True)
    )
    assert len({place[1:] for place in places}) == 2


def test_names_of_a_network_stay_within_the_picture() -> None:
    svg = network({"left": (-1.0, 0.0), "right": (1.0, 0.0)}, [], title="", named=True)
    left, right = re.findall(r'<text class="label" x="([\d.]+)"[^>]*?( text-anchor="end")?>', svg)
    assert (left[1], right[1]) == ("", ' text-anchor="end"')
    assert float(right[0]) < 180 + 360 * 0.42


def test_numbers_read_as_people_write_them() -> None:
    assert [number(value) for value in (0.123456, -2.0, 1e-9, math.nan)] == [
        "0.1235",
        "\u22122",
        "1e\u221209",
        "\u2013",
    ]
