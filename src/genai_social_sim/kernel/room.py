"""Everything about one channel that follows from its plan: look-ups for its protocol and its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple

from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import complete
from genai_social_sim.domain.plan import Forum, Moderated, Pairwise, RoundRobin, RunPlan, Simultaneous

# Everybody hears everybody; neighbours do, at the end of a round; neighbours do, at once; those who meet do.
Hearing = Literal["all", "rounds", "place", "pairs"]


class Pair(NamedTuple):
    """Two members that meet, as positions among the members."""

    speaker: int
    listener: int

    def other(self, seat: int) -> int:
        """Whom `seat` meets."""
        return self.listener if seat == self.speaker else self.speaker


class UnderWay(NamedTuple):
    """What had begun in a channel when its plan changed: it goes on with those with whom it began."""

    at: tuple[int, int]  # round and position of the first turn of it that is left
    agents: tuple[AgentId, ...]  # the rest of its wave
    meeting: int  # its number in the round; -1 if nobody is meeting
    pair: Pair


class Room:
    """A channel with its look-up tables. What it remembers follows from the plan alone, so its users stay pure."""

    def __init__(
        self, plan: RunPlan, index: int, authority: Mapping[AgentId, float], under_way: UnderWay | None = None
    ) -> None:
        self.index: Final = index
        self.channel: Final = plan.channels[index]
        self.members: Final = self.channel.members
        self.network: Final = self.channel.network
        self.protocol: Final = self.channel.protocol
        self.layout: Final = plan.prompt.layout
        self._seeds: Final = plan.seeds_of_rounds or ((0, plan.seed),)
        self.seed: Final = self._seeds[0][1]  # that of what is drawn once for all rounds
        self.offset: Final = plan.offsets[index]  # of its first turn within a round of all channels
        self.stride: Final = plan.round_size  # from a turn to the same one in the next round
        self.turns: Final = self.channel.turns
        self.window: Final = self.channel.window
        self.authority: Final = authority
        self.hearing: Final[Hearing] = self._hearing()
        self.moderated: Final = isinstance(self.protocol, Moderated)
        self._under_way: Final = under_way
        self.forum: Final = self.protocol if isinstance(self.protocol, Forum) else None
        self._first_wave, self._wave = self.channel.waves
        self._order: tuple[int, tuple[AgentId, ...]] = (-1, ())
        self._pair: tuple[tuple[int, int], Pair] = ((-1, -1), Pair(0, 0))

    def wave(self, round_no: int) -> int:
        """How many turns of a round are asked together."""
        return self._wave if round_no else self._first_wave

    def seed_of(self, round_no: int) -> int:
        """The seed that picks whose turn it is in a round."""
        if len(self._seeds) == 1:  # as in every run that is no fork
            return self.seed
        return next(seed for first, seed in reversed(self._seeds) if first <= round_no)

    def is_choice(self, position: int) -> bool:
        """Whether the turn at a position of a round is the moderator's choice."""
        return self.moderated and position % 2 == 0

    def is_words(self, position: int) -> bool:
        """Whether the turn at a position of a forum's round is for the words of an act, not for the act."""
        forum, acts = self.forum, len(self.members)
        return forum is not None and (position >= acts if forum.simultaneous else position % 2 == 1)

    def is_break(self, round_no: int, position: int) -> bool:
        """Whether what belongs together is over before a position: a wave, an act and words, a choice and a speech."""
        begun = self.is_words(position) or (self.moderated and position % 2 == 1)
        return not begun and position % self.wave(round_no) == 0

    @cached_property
    def seats(self) -> Mapping[AgentId, int]:
        """Positions of the members."""
        return self.network.seats if self.network else {member: at for at, member in enumerate(self.members)}

    @property
    def is_plain(self) -> bool:
        """Whether turn by turn all that is said is heard by everybody."""
        alone = (self._first_wave, self._wave) == (1, 1)
        return alone and self.hearing == "all" and self.forum is None and not self.moderated

    @cached_property
    def standing(self) -> tuple[AgentId, ...]:
        """The members in the order in which they act in every round; () where each round has its own."""
        match self.protocol:
            case RoundRobin(first=first, drawn=drawn):
                if drawn:
                    first = Dice(self.seed, "first", self.channel.name).choice(self.members)
                start = 0 if first is None else self.members.index(first)
                return self.members[start:] + self.members[:start]
            case Simultaneous():
                return self.members
            case _:
                return ()

    @cached_property
    def hearers(self) -> tuple[tuple[int, ...], ...]:
        """By whom each member is heard; without a network asked for only where words can be addressed."""
        if self.network is None:
            return complete(self.members).sources if self.channel.direct else ()
        if not self.network.directed:
            return self.network.sources
        found: list[list[int]] = [[] for _ in self.members]
        for listener, sources in enumerate(self.network.sources):
            for speaker in sources:
                found[speaker].append(listener)
        return tuple(map(tuple, found))

    @cached_property
    def nearby(self) -> tuple[Callable[[Sequence[Any]], tuple[Any, ...]], ...]:
        """For each member: picks, of something of each in their order, what is of those whom it hears and of itself."""
        sources = self.network.sources if self.network else ((),) * len(self.members)
        return tuple(
            [
                itemgetter(*sorted((*row, seat))) if row else itemgetter(slice(seat, seat + 1))
                for seat, row in enumerate(sources)
            ]
        )

    @cached_property
    def authorities(self) -> tuple[float, ...]:
        """The members' authority, added up so far."""
        return tuple(accumulate([self.authority[member] for member in self.members]))

    @cached_property
    def links(self) -> tuple[float, ...]:
        """What each member hears, by number or weight of its edges, added up so far."""
        network = self.network
        heard = [] if network is None else [sum(row) for row in network.weights] or [*map(len, network.sources)]
        return tuple(accumulate(heard))

    @cached_property
    def listening(self) -> tuple[int, ...]:
        """The members that hear somebody."""
        return tuple([at for at, total in enumerate(self.links) if total > (self.links[at - 1] if at else 0)])

    @cached_property
    def heard(self) -> tuple[int, ...]:
        """The members that somebody hears."""
        network = self.network
        if network is None or not network.weighted:
            return tuple([at for at, hearers in enumerate(self.hearers) if hearers])
        rows = [zip(*row, strict=True) for row in zip(network.sources, network.weights, strict=True)]
        return tuple(sorted({speaker for row in rows for speaker, weight in row if weight > 0}))

    def met(self, round_no: int, meeting: int, draw: Callable[[Room, Dice], Pair]) -> Pair:
        """The pair of a meeting of a round; the last one asked for is kept."""
        if self._pair[0] != (round_no, meeting):
            begun = self._under_way
            if begun and (begun.at[0], begun.meeting) == (round_no, meeting):
                return begun.pair
            dice = Dice(self.seed_of(round_no), "pair", self.channel.name, round_no, meeting)
            self._pair = ((round_no, meeting), draw(self, dice))
        return self._pair[1]

    def left(self, round_no: int, position: int) -> tuple[AgentId, ...]:
        """Who acts in what is left of a wave that had begun when the plan changed; () in any other."""
        begun = self._under_way
        if begun is None or begun.at[0] != round_no or position < begun.at[1]:
            return ()
        return begun.agents[position - begun.at[1] :]

    def order(self, round_no: int) -> tuple[AgentId, ...]:
        """The members in the order drawn for a round; the last one asked for is kept."""
        if self._order[0] != round_no:
            dice = Dice(self.seed_of(round_no), "order", self.channel.name, round_no)
            self._order = (round_no, dice.shuffled(self.members))
        return self._order[1]

    def _hearing(self) -> Hearing:
        if isinstance(self.protocol, Pairwise):
            return "pairs"
        if self.channel.direct:
            return "place"
        if self.network is None or isinstance(self.protocol, Forum):  # which shows what was written, by itself
            return "all"
        return "rounds" if isinstance(self.protocol, Simultaneous) else "place"
