"""The examination of a protocol: what every `TurnTaking` has to keep, whoever it picks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import OwnProtocol, RunPlan
from genai_social_sim.domain.taking import Moment, TurnTaking
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.prompts import lead_of, line_of
from genai_social_sim.testing.plans import small_channel, small_plan

MakeTaking = Callable[[], TurnTaking]
_NAMES: Final = ("ada", "bo", "cy", "di", "eve", "flo", "gus")
_SIZES: Final = (2, 3, 6)
_ROUNDS: Final = 5


def moments(taking: TurnTaking, members: int, *, seed: int = 7, edges: str | None = None) -> Iterator[Moment]:
    """The moments of some rounds, in order; everybody says the name of who comes after it, and some stay silent."""
    names = _NAMES[:members]
    channel = small_channel("hall", members=" ".join(names), edges=edges)
    last: AgentId | None = None
    said: Line | None = None
    for round_no in range(_ROUNDS):
        for position in range(0, taking.turns(members), taking.at_once(members)):
            authority = {name: 1.0 + at for at, name in enumerate(channel.members)}
            hall = (ChannelId("hall"), channel.members, round_no, position)
            moment = Moment(*hall, last, said, channel.network, authority, seed)
            yield moment
            last = taking.who(moment)[-1]
            text = Text.of(names[(names.index(last) + 1) % members])
            line = line_of("script", turn=position, speaker=last, lead=lead_of(last), text=text)
            said = None if position % 4 == 3 else line  # noqa: PLR2004 (now and then)


def check_sizes(make: MakeTaking) -> None:
    """A round is at least one wave and a whole number of them."""
    for members in _SIZES:
        turns, at_once = make().turns(members), make().at_once(members)
        assert at_once >= 1, f"of {members} members {at_once} act at once"
        assert turns >= at_once, f"a round of {members} members has {turns} turns, fewer than a wave ({at_once})"
        assert turns % at_once == 0, f"a round of {turns} turns is no whole number of waves of {at_once}"


def check_picks_members(make: MakeTaking) -> None:
    """Each wave has as many turns as it says, of different members."""
    for members in _SIZES:
        taking = make()
        for edges in (None, "", "ada>bo:0.5", "ada-bo"):
            for moment in moments(taking, members, edges=edges):
                picked = list(taking.who(moment))
                assert len(picked) == taking.at_once(members), f"{picked} act, not {taking.at_once(members)}"
                assert len({*picked}) == len(picked), f"one of {picked} acts twice at once"
                assert {*picked} <= {*moment.members}, f"{picked} are not all members"


def check_remembers_nothing(make: MakeTaking) -> None:
    """The same moment has the same turns, whatever was asked before: so a run can be resumed, replayed and forked."""
    for members in _SIZES:
        kept = make()
        asked = list(moments(kept, members))
        picked = [list(kept.who(moment)) for moment in asked]
        assert [list(make().who(moment)) for moment in asked] == picked, "a new one picks others"
        again = [list(kept.who(moment)) for moment in reversed(asked)]
        assert again[::-1] == picked, "asked in another order it picks others"


def check_seed(make: MakeTaking) -> None:
    """What is drawn is drawn from the dice of the moment: the same seed gives the same order, at any time."""
    for members in _SIZES:
        one, two = (
            [list(taking.who(moment)) for moment in islice(moments(taking, members), 20)] for taking in (make(), make())
        )
        assert one == two, "the same seed gave another order"


CHECKS: Final = (check_sizes, check_picks_members, check_remembers_nothing, check_seed)


def small_run(make: MakeTaking, *, members: int = 3, stop: int = 12) -> RunPlan:
    """A plan with one channel in which turns are taken so, to be played in tests."""
    protocol = OwnProtocol(name="own", taking=make())
    names = " ".join(_NAMES[:members])
    return small_plan(small_channel("hall", members=names, protocol=protocol), agents=names, stop=stop)
