"""Protocols of one's own sit one examination, and it finds those that would not replay."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.taking import Moment
from genai_social_sim.testing import turn_taking as examination
from genai_social_sim.testing.plans import ByTwos


@pytest.mark.parametrize("check", examination.CHECKS)
def test_the_shipped_example_passes(check: object) -> None:
    check(ByTwos)  # type: ignore[operator]


class Counting:
    """Remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def turns(self, members: int) -> int:
        return members

    def at_once(self, members: int) -> int:
        return 1

    def who(self, moment: Moment) -> Sequence[AgentId]:
        self.asked += 1
        return moment.members[self.asked % len(moment.members) :][:1]


def test_one_that_remembers_is_found() -> None:
    with pytest.raises(AssertionError, match="picks others"):
        examination.check_remembers_nothing(Counting)


class Uneven(ByTwos):
    def turns(self, members: int) -> int:
        return 3


def test_a_round_that_is_no_whole_number_of_waves_is_found() -> None:
    with pytest.raises(AssertionError, match="no whole number of waves"):
        examination.check_sizes(Uneven)


class Shouting(ByTwos):
    def who(self, moment: Moment) -> Sequence[AgentId]:
        return moment.members[0], moment.members[0]


def test_one_who_acts_twice_at_once_is_found() -> None:
    with pytest.raises(AssertionError, match="acts twice"):
        examination.check_picks_members(Shouting)
