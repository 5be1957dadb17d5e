"""Everything that follows from a plan and never changes while it runs: look-ups, frames of prompts, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.act import Act, Offer, Rate, Say
from genai_social_sim.domain.agenda import Admit, Broadcast, Mute, Planned
from genai_social_sim.domain.dice import call_seed
from genai_social_sim.domain.events import Asked, Opened, Spoke
from genai_social_sim.domain.feed import SeenPost
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.memory import RATINGS, Interactions, Memory, Retrieval, Summary, across
from genai_social_sim.domain.network import hears
from genai_social_sim.domain.plan import (
    Agent,
    Model,
    RoundRobin,
    RunPlan,
    Sampling,
    Sequential,
    Simultaneous,
)
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.domain.tuples import make
from genai_social_sim.kernel.acts import is_drawn, offer_of
from genai_social_sim.kernel.agenda import Agenda
from genai_social_sim.kernel.agreement import consensus_rules
from genai_social_sim.kernel.encoders import encoder_of, memories_of
from genai_social_sim.kernel.feeds import offer_on, posts_on
from genai_social_sim.kernel.floor import Floor, Turn
from genai_social_sim.kernel.hearing import Spot, shown
from genai_social_sim.kernel.interactions import interactions
from genai_social_sim.kernel.interactions import told as told_of
from genai_social_sim.kernel.memory import (
    RECALL,
    SUMMARY,
    Mind,
    Past,
    View,
    errand,
    is_errand,
    is_rating,
    last,
    remembered,
    view,
)
from genai_social_sim.kernel.order import answers_shown, powers_of
from genai_social_sim.kernel.pages import on_page, past_of
from genai_social_sim.kernel.phrasing import Phrasing
from genai_social_sim.kernel.prompts import (
    Frame,
    lead_of,
    line_of,
    prompt_after,
    prompt_of,
    question_of_likeness,
)
from genai_social_sim.kernel.room import Room, UnderWay
from genai_social_sim.kernel.settings import Settings, settings_of
from genai_social_sim.kernel.speech import folded
from genai_social_sim.kernel.stopping import LOOKAHEAD_ROUNDS, bound, on_outcomes
from genai_social_sim.kernel.taking import partner_of

_MOST_PARTS: Final = 4096  # kept at once, so that a million agents need no memory for theirs
_RATE: Final = Rate(scale=RATINGS)
_PROBE: Final = "probe\x1e"  # before the name of a probe where others have the name of a channel
ROLE_NAMES: Final = ("system", "user", "assistant")


class Part(NamedTuple):
    """What stays the same in all calls of one agent in one channel; `params` is canonical JSON."""

    agent: Agent
    frame: Frame
    stops: tuple[str, ...]
    params: Text
    offer: Offer | None  # what a turn can be answered with; None: anything
    may_pass: bool


def gives_voice(change: Planned) -> bool:
    """Whether somebody may speak after it who might not before."""
    return isinstance(change, Admit) or (isinstance(change, Mute) and change.lifted)


class Stage:
    """A plan with its look-up tables. What it remembers follows from the plan alone, so its users stay pure."""

    def __init__(self, plan: RunPlan, under_way: Sequence[UnderWay | None] = ()) -> None:
        self.plan: Final = plan
        self.agents: Final = {agent.name: agent for agent in plan.agents}
        self._positions: Final[dict[AgentId, int]] = {}  # empty until a rule looks at views
        self.channel_index: Final = {channel.name: index for index, channel in enumerate(plan.channels)}
        openers = [channel.opening.speaker for channel in plan.channels if channel.opening]
        openers += [each.change.speaker for each in plan.interventions if isinstance(each.change, Broadcast)]
        self.names: Final = {folded(name): name for name in (*ROLE_NAMES, *openers, *self.agents)}
        self._leads: dict[str, Text] = {}
        authority = {agent.name: agent.authority for agent in plan.agents}
        begun = under_way or (None,) * len(plan.channels)
        self.rooms: Final = tuple([Room(plan, index, authority, each) for index, each in enumerate(begun)])
        self._parts: dict[tuple[object, ...], Part] = {}
        self._offers: Final = [offer_of(channel.act, plan.seed) for channel in plan.channels]
        self._pairs: Final = [room.hearing == "pairs" for room in self.rooms]
        self._once: Final = [isinstance(room.protocol, RoundRobin | Simultaneous | Sequential) for room in self.rooms]
        self._drawn: Final = [is_drawn(room.channel.act) or room.moderated or room.forum for room in self.rooms]
        self.has_forum: Final = any(room.forum is not None for room in self.rooms)
        own = any(agent.memory is not None for agent in plan.agents)
        self.minding: Final = own or any(channel.memory is not None for channel in plan.channels)
        both = zip(plan.channels, self.rooms, strict=True)
        self._plain: Final = [channel.memory is None and not own and room.forum is None for channel, room in both]
        self.crossing: Final = self.minding and any(map(across, memories_of(plan)))
        self._alike: Final = [not (drawn or pairs) for drawn, pairs in zip(self._drawn, self._pairs, strict=True)]
        self._phrasing: Final = Phrasing(plan, self.rooms, self.agents)
        self._settings: dict[int, Settings] = {}  # of each channel, as they were asked for last
        networks = [room.network for room in self.rooms if room.network is not None]
        self.weighted: Final = any(network.weighted or network.rewired for network in networks)
        self.consensus: Final = consensus_rules(plan.stop)
        self.bound: Final = bound(plan.stop, plan.round_size)
        self.counts_alone: Final = not on_outcomes(plan.stop)  # it ends after `bound` turns, whatever is said
        self.probes: Final = {probe.name: probe for probe in plan.probes}
        self.agenda: Final = Agenda(plan)
        self.powers: Final = powers_of(plan)
        self.seeing: Final = self._seeing()  # channels in which somebody sees answers to probes
        self.gives_voice: Final = any(gives_voice(each.change) for each in plan.interventions)
        self.unwatched: Final = self._unwatched()
        self.lookahead: Final = LOOKAHEAD_ROUNDS if self.counts_alone and not self.crossing else 0

    def _unwatched(self) -> tuple[bool, ...]:
        """Of each channel whether turn by turn all is heard by everybody, and nothing else follows from a turn."""
        alike = self.counts_alone and self.agenda.empty and not (self.powers or self.minding)
        return tuple([alike and room.is_plain for room in self.rooms])

    def _seeing(self) -> tuple[int, ...]:
        seers = {agent for agent, powers in self.powers.items() if "see_probes" in powers}
        return tuple([room.index for room in self.rooms if seers and not seers.isdisjoint(room.members)])

    @property
    def agent_index(self) -> Mapping[AgentId, int]:
        """Positions of the agents in the plan."""
        if not self._positions:
            self._positions.update({agent: index for index, agent in enumerate(self.agents)})
        return self._positions

    def line(self, said: Spoke | Opened) -> Line:
        """An utterance as this plan's prompts show it; that of an opening is of turn -1."""
        turn, speaker = (said.turn, said.agent) if isinstance(said, Spoke) else (-1, said.speaker)
        if isinstance(said, Spoke) and said.to:
            layout, lead = self.plan.prompt.layout, lead_of(speaker, said.to)
            return line_of(layout, turn=turn, speaker=speaker, lead=lead, text=said.text, to=said.to)
        lead = self._leads.get(speaker) or self._leads.setdefault(speaker, lead_of(speaker))
        return line_of(self.plan.prompt.layout, turn=turn, speaker=speaker, lead=lead, text=said.text)

    def prompt(self, turn: Turn, floor: Floor) -> Prompt:
        """What the model of `turn.agent` is sent."""
        return self.prompt_after(turn, self.view(turn, floor))

    def prompt_after(self, turn: Turn, seen: View, part: Part | None = None) -> Prompt:
        """The same, for one who knows already what it shows, and perhaps the turn's own `part`."""
        if turn.aside == RECALL:
            return question_of_likeness(seen.lines)
        return prompt_of((part or self.part(turn)).frame, seen, agent=turn.agent)

    def shown(self, turn: Turn, floor: Floor, part: Part) -> tuple[Prompt, tuple[Line, ...]]:
        """What the model of `turn.agent` is sent, and the lines that this shows; `part` is the turn's own."""
        if self._plain[turn.channel_no] and floor.order is None:
            heard = self.heard(turn, floor)
            return prompt_after(part.frame, heard, agent=turn.agent), heard
        seen = self.view(turn, floor)
        return self.prompt_after(turn, seen, part), seen.heard

    def view(self, turn: Turn, floor: Floor) -> View:
        """What that prompt shows of the past: of the conversation, and of answers to probes, if it may see them."""
        seen = self._remembered(turn, floor)
        if floor.order is None or "see_probes" not in self.powers.get(turn.agent, ()) or is_errand(turn.aside):
            return seen
        answers = answers_shown(floor.order, turn.agent, turn.number if turn.aside else turn.number + 1)
        return seen._replace(note=Text.of(seen.note.value + answers.value)) if answers.value else seen

    def _remembered(self, turn: Turn, floor: Floor) -> View:
        if self._plain[turn.channel_no]:
            return View(self.heard(turn, floor))
        seen, forum = self._from_past(turn, floor), self.rooms[turn.channel_no].forum
        if forum is None or floor.board is None or turn.aside == RECALL:
            return seen
        feed = () if turn.aside or turn.page is None else turn.page.feed
        return on_page(forum, floor.board, feed, seen)

    def _from_past(self, turn: Turn, floor: Floor) -> View:
        memory, mind, past = self.memory(turn), self.mind(turn, floor), self.past(turn, floor)
        if is_errand(turn.aside):
            _, lines = errand(memory, mind, past, turn.agent)
            return View(lines, note=remembered(mind.summary))
        if isinstance(memory, Interactions):
            lines = interactions(memory, self.rooms[turn.channel_no], past.heard, turn.agent)
            return View((), note=told_of(memory, lines, turn.agent), noted=lines)
        seen = view(memory, mind, past, turn.agent)
        return seen._replace(elsewhere=self._elsewhere(turn, floor, across(memory))) if self.crossing else seen

    def _elsewhere(self, turn: Turn, floor: Floor, count: int) -> tuple[tuple[str, tuple[Line, ...]], ...]:
        """What was said last in the agent's other channels, up to the end of the round before."""
        if not count or floor.beyond is None:
            return ()
        found = []
        for index, other in enumerate(floor.beyond):
            room = self.rooms[index]
            if index != turn.channel_no and turn.agent in room.seats:
                there = Turn(turn.number, room.channel.name, index, other.round, -1, turn.agent)
                if lines := last(self.heard(there, other), count):
                    found.append((str(room.channel.name), lines))
        return tuple(found)

    def prompt_of_offer(self, turn: Turn, seen: View, offer: Offer) -> tuple[Prompt, Text]:
        """The prompt, and the parameters, of a turn in which `offer` stands in place of what would be drawn."""
        part = self._made(turn, offer)
        return prompt_of(part.frame, seen, agent=turn.agent), part.params

    def memory(self, turn: Turn) -> Memory:
        """The memory of `turn.agent` in that channel."""
        return self.plan.channels[turn.channel_no].memory_of(self.agents[turn.agent])

    def mind(self, turn: Turn, floor: Floor) -> Mind:
        """What `turn.agent` holds of that channel beside what it has heard."""
        return Mind() if floor.minds is None else floor.minds[self.rooms[turn.channel_no].seats[turn.agent]]

    def errand(self, turn: Turn, floor: Floor) -> Turn | None:
        """The call that has to be made before a turn, so that its memory is made up; None if there is none."""
        if turn.aside or not self.minding:
            return None
        memory, mind = self.memory(turn), self.mind(turn, floor)
        doing = "" if turn.page is None else turn.page.doing
        if mind.turn == turn.number or (doing and not (isinstance(memory, Retrieval) and doing != "post")):
            return None  # words are written with what was remembered for their act, but for what is answered
        name, _ = errand(memory, mind, self.past(turn, floor), turn.agent)
        return turn._replace(aside=name) if name else None

    def model(self, turn: Turn) -> Model:
        """What answers its call."""
        memory = self.memory(turn) if turn.aside == RECALL else None
        return encoder_of(memory) if isinstance(memory, Retrieval) else self.agents[turn.agent].model

    def sampling(self, turn: Turn) -> Sampling:
        """How it is asked."""
        sampling = self.agents[turn.agent].model.sampling
        memory = self.memory(turn) if turn.aside == SUMMARY else None
        return replace(sampling, max_tokens=memory.max_tokens) if isinstance(memory, Summary) else sampling

    def heard(self, turn: Turn, floor: Floor) -> tuple[Line, ...]:
        """What `turn.agent` has heard of the conversation, or read of a forum, oldest first, as far as it is kept."""
        if floor.board is not None:
            return self.past(turn, floor).heard
        if floor.ears is None:
            return floor.heard
        round_no = floor.round if turn.aside else turn.round
        return shown(self.rooms[turn.channel_no], floor.ears, make(Spot, (turn.agent, round_no, turn.position)))

    def past(self, turn: Turn, floor: Floor) -> Past:
        """The same, with what `turn.agent` has before it in a forum."""
        if floor.board is None:
            return Past(self.heard(turn, floor))
        return past_of(floor.board, self.rooms[turn.channel_no].seats[turn.agent], turn.page)

    def feed(self, turn: Turn, floor: Floor) -> tuple[SeenPost, ...]:
        """The posts that `turn.agent` is shown in a forum, the first first, each thread followed by its replies."""
        forum = self.rooms[turn.channel_no].forum
        if forum is None or floor.board is None or turn.page is None:
            return ()
        return posts_on(floor.board, forum, turn.page.feed)

    def is_wordless(self, turn: Turn) -> bool:
        """Whether it is the turn for the words of an act in a forum, and there are none to be asked for."""
        return self.rooms[turn.channel_no].forum is not None and turn.page is None and not turn.aside

    def weights(self, turn: Turn, heard: tuple[Line, ...]) -> tuple[float, ...]:
        """How much `turn.agent` minds each line that it heard, by its edges; () where edges have no weights.

        A line of a speaker that is no member has weight 0, one's own that of one's loop. Where edges without weights
        have changed, whom it hears no more has weight 0, and all others and itself have 1.
        """
        room = self.rooms[turn.channel_no]
        network = room.network
        if network is None or not (network.weighted or network.rewired):
            return ()
        if not network.weighted:
            return tuple([float(self._minds(turn, AgentId(line.speaker))) for line in heard])
        speakers = [AgentId(line.speaker) for line in heard]
        return tuple(
            [network.weight(speaker=each, listener=turn.agent) if each in room.seats else 0.0 for each in speakers]
        )

    def _minds(self, turn: Turn, speaker: AgentId) -> bool:
        room = self.rooms[turn.channel_no]
        return speaker in room.seats and hears(room.network, speaker=speaker, listener=turn.agent)

    def asked(self, turn: Turn, prompt: Prompt) -> Asked:
        """What the call of `turn` asks: the same for every attempt, on any machine."""
        return make(Asked, (prompt.digest, self.part(turn).params, self.seed(turn)))

    def seed(self, turn: Turn) -> int:
        """The seed of the call of `turn`."""
        number, channel, channel_no, round_no, _, agent, aside, _, _ = turn
        if aside:
            return call_seed(self.plan.seed, channel=_PROBE + aside, round_no=number, agent=agent, again=0)
        again = 0 if self._once[channel_no] else self._again(turn)
        return call_seed(self.plan.seed, channel=channel, round_no=round_no, agent=agent, again=again)

    def act(self, turn: Turn) -> Act:
        """What the agent is asked to do."""
        if is_rating(turn.aside):
            return _RATE
        if is_errand(turn.aside) or turn.aside == POWERS_ASKED:
            return Say()
        return self.probes[turn.aside].act if turn.aside else self.plan.channels[turn.channel_no].act

    def offer(self, turn: Turn) -> Offer | None:
        """What the turn can be answered with, in the order and under the letters drawn for it; None: anything."""
        if turn.offer is not None:
            return turn.offer
        if turn.aside:
            return offer_of(self.act(turn), self.plan.seed, _PROBE + turn.aside, turn.number, turn.agent)
        if not self._drawn[turn.channel_no]:
            return self._offers[turn.channel_no]
        if (forum := self.rooms[turn.channel_no].forum) is not None:
            return offer_on(forum, turn.page, self.plan.seed, turn.channel, turn.round, turn.agent)
        if self.rooms[turn.channel_no].is_choice(turn.position):
            return Offer(tuple([member for member in self.rooms[turn.channel_no].members if member != turn.agent]))
        if not is_drawn(self.act(turn)):
            return self._offers[turn.channel_no]
        return offer_of(self.act(turn), self.plan.seed, turn.channel, turn.round, turn.agent, self._again(turn))

    def stops(self, turn: Turn) -> tuple[str, ...]:
        """Stop sequences: where the model would go on as somebody else."""
        return self.part(turn).stops

    def _again(self, turn: Turn) -> int:
        """What tells apart the turns that an agent may have in one round."""
        if self.rooms[turn.channel_no].forum is not None and not turn.aside:
            return int(self.rooms[turn.channel_no].is_words(turn.position))
        return 0 if turn.aside or self._once[turn.channel_no] else turn.position

    def _partner(self, turn: Turn) -> AgentId | None:
        return partner_of(self.rooms[turn.channel_no], turn.agent, turn.round, turn.position)

    def part(self, turn: Turn) -> Part:
        """What all calls of this agent in this place have in common."""
        if turn.aside or not self._alike[turn.channel_no]:
            return self._own_part(turn)
        key = (turn.channel_no, turn.agent)
        return self._parts.get(key) or self._learn_part(key, turn, self._offers[turn.channel_no])

    def _own_part(self, turn: Turn) -> Part:
        offer = self.offer(turn) if turn.aside or self._drawn[turn.channel_no] else None
        beside: Any = None
        if turn.page is not None:
            beside = turn.page.authors, turn.page.doing
        elif self._pairs[turn.channel_no] and turn.position >= 0:
            beside = self._partner(turn)
        key = (turn.agent, turn.channel_no, turn.aside, offer, beside)
        offer = offer if turn.aside else offer or self._offers[turn.channel_no]
        return self._parts.get(key) or self._learn_part(key, turn, offer)

    def _learn_part(self, key: tuple[object, ...], turn: Turn, offer: Offer | None) -> Part:
        if len(self._parts) >= _MOST_PARTS:
            self._parts.clear()
            self._settings.clear()
        return self._parts.setdefault(key, self._made(turn, offer))

    def _made(self, turn: Turn, offer: Offer | None) -> Part:
        agent, index = self.agents[turn.agent], turn.channel_no
        if turn.aside == RECALL:
            return Part(agent, Frame((), ()), (), Text.of(self.model(turn).options), offer, may_pass=False)
        *_, stops, params = self._set(index, self.sampling(turn), offer)
        return Part(
            agent, self._phrasing.frame(turn, self.act(turn), offer), stops, params, offer, self.act(turn).may_pass
        )

    def _set(self, index: int, sampling: Sampling, offer: Offer | None) -> Settings:
        known, choices = self._settings.get(index), offer.answers if offer else ()
        number = offer.number if offer else None
        if known is None or known.sampling is not sampling or (known.choices, known.number) != (choices, number):
            channel, layout = self.plan.channels[index], self.plan.prompt.layout
            known = self._settings[index] = settings_of(layout, channel, sampling, offer)
        return known
