"""Openings that come after a study was read stand in it as if they had been written there."""

from __future__ import annotations

import pytest
from tests.unit.study.studies import SMALL, loaded

from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import canonical, lower, unopened, with_openings

GENERAL = ChannelId("general")
WRITTEN = '    opening: {from: system, text: "Discuss current issues surrounding rare earth metals."}\n'
WITHOUT = SMALL.replace(WRITTEN, "") + "# no opening\n"
THE_SAME = Opening(speaker="system", text="Discuss current issues surrounding rare earth metals.")


def test_channels_without_an_opening_are_told() -> None:
    assert unopened(loaded()) == ()
    assert unopened(loaded(WITHOUT)) == ("general",)


def test_the_study_is_the_same_as_one_in_which_it_was_written() -> None:
    came = with_openings(loaded(WITHOUT), {GENERAL: THE_SAME})
    assert canonical(came) == canonical(loaded())
    assert lower(came) == lower(loaded())
    assert unopened(came) == ()


REFUSED = {
    "an empty text": (GENERAL, Opening(speaker="system", text=" "), "empty"),
    "a control character": (GENERAL, Opening(speaker="system", text="\x1b[2J"), r"U\+001B"),
    "a speaker like an agent": (GENERAL, Opening(speaker="Bot1", text="Hi."), "BOT1"),
    "a speaker with a colon": (GENERAL, Opening(speaker="a:b", text="Hi."), "colon"),
    "another channel": (ChannelId("generel"), THE_SAME, "Did you mean `general`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_study_may_hold_is_refused(case: str) -> None:
    channel, opening, words = REFUSED[case]
    with pytest.raises(SpecError, match=words) as caught:
        with_openings(loaded(WITHOUT), {channel: opening})
    assert caught.value.where == f"the opening of {channel}"
