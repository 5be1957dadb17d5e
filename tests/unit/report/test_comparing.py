"""Conditions side by side, worked out by hand."""

from __future__ import annotations

import pytest

from genai_social_sim.domain.origin import Origin
from genai_social_sim.report.collecting import Series, Told
from genai_social_sim.report.comparing import compared

TIME, REACHED = Series("consensus_time", "hall"), Series("consensus_reached", "hall")


def runs(*times: tuple[float, bool]) -> list[Told]:
    return [Told("run", Origin(), whole={TIME: time, REACHED: float(reached)}) for time, reached in times]


def test_a_time_that_was_cut_off_is_not_taken_for_a_time_to_consensus() -> None:
    conditions = {"open": runs((2, True), (3, False), (9, True)), "closed": runs((3, True), (5, False))}
    (times,) = [each for each in compared(conditions) if each.series == TIME]
    # The curves are known up to 5. Open: 1 up to 2, then 2/3 of the runs; closed: 1 up to 3, then a half.
    assert {each.name: each.value for each in times.spreads} == pytest.approx(
        {"open": 2 + 3 * 2 / 3, "closed": 3 + 2 / 2}
    )
    assert times.note == "restricted mean up to 5 rounds; 2 of 5 runs never agreed"
