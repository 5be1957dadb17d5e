"""How turns are taken: what a protocol goes by, and the port behind which a user's own stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId, ChannelId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.network import Network


class Moment(NamedTuple):
    """A channel when its next wave begins: all that a protocol may go by."""

    channel: ChannelId
    members: tuple[AgentId, ...]  # sorted by name
    round: int
    position: int  # of the wave's first turn within the round
    last: AgentId | None  # who had the turn before; None at the beginning
    said: Line | None  # what was said in that turn; None after a silence
    network: Network | None  # None: everybody hears everybody
    authority: Mapping[AgentId, float]
    seed: int

    def dice(self, purpose: str) -> Dice:
        """Chance for this moment alone; draws for different purposes know nothing of each other."""
        return Dice(self.seed, "protocol", self.channel, purpose, self.round, self.position)


class TurnTaking(Protocol):
    """A protocol: whose turn is next. It remembers nothing between moments, so that any run can be gone on with.

    Turns come in waves of `at_once`; in a wave nobody sees what the others say in it, and all hear it at its end.
    A wave of one is heard before the next turn. A round is a whole number of waves.
    """

    def turns(self, members: int) -> int:
        """Turns in a round of so many members."""

    def at_once(self, members: int) -> int:
        """Turns in a wave."""

    def who(self, moment: Moment) -> Sequence[AgentId]:
        """Who acts in the wave that begins now, in the order in which it is recorded: `at_once` members."""
