"""Every log of ours sits the examination that is shipped for others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.places import FilePlace, MemoryPlace

from genai_social_sim.ports import Entry
from genai_social_sim.testing.event_logs import CHECKS, NewPlace, check_reads_back_equal, check_survives_reopening
from genai_social_sim.testing.strategies import entries


@pytest.fixture(params=["memory", "full", "process"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> NewPlace:
    numbers = count()
    if request.param == "memory":
        return MemoryPlace
    return lambda: FilePlace(tmp_path / f"{next(numbers)}.sqlite", request.param)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
async def test_a_log_keeps_what_the_port_promises(
    check: Callable[[NewPlace], Awaitable[None]], new_place: NewPlace
) -> None:
    await check(new_place)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    many=st.lists(entries(), min_size=3, max_size=12, unique_by=lambda entry: getattr(entry.event, "turn", id(entry)))
)
async def test_whatever_can_happen_is_read_back_equal(new_place: NewPlace, many: list[Entry]) -> None:
    await check_reads_back_equal(new_place, many)
    await check_survives_reopening(new_place, many[:3])
