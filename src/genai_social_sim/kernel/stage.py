"""Everything that follows from a plan and never changes while it runs: look-ups, frames of prompts, parameters."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from genai_social_sim.domain.events import Asked
from genai_social_sim.domain.dice import call_seed
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.plan import Agent, Channel, RandomOrder, RunPlan, Sampling
from genai_social_sim.domain.prompt import Prompt
from genai_social_sim.domain.text import Text
from genai_social_sim.kernel.floor import Floor, Turn
from genai_social_sim.kernel.prompts import Frame, frame_of, lead_of, line_of, prompt_of, render
from genai_social_sim.kernel.speech import folded

_MOST_STOPS: Final = 16  # names that are sent as stop sequences; a longer list is left to the cut
_MOST_FRAMES: Final = 4096  # kept at once, so that a million agents need no memory for theirs
ROLE_NAMES: Final = ("system", "user", "assistant")


class Stage:
    """A plan with its look-up tables. What it remembers follows from the plan alone, so its users stay pure."""

    def __init__(self, plan: RunPlan) -> None:
        self.plan: Final = plan
        self.agents: Final = {agent.name: agent for agent in plan.agents}
        self.channel_index: Final = {channel.name: index for index, channel in enumerate(plan.channels)}
        openers = [channel.opening.speaker for channel in plan.channels if channel.opening]
        self.names: Final = frozenset(map(folded, [*self.agents, *openers, *ROLE_NAMES]))
        self._leads: dict[str, Text] = {}
        self._frames: dict[tuple[AgentId, int], Frame] = {}
        self._stops: dict[int, tuple[str, ...]] = {}
        self._params: dict[tuple[Sampling, int], Text] = {}

    def line(self, *, turn: int, speaker: str, text: Text) -> Line:
        """An utterance as this plan's prompts show it."""
        lead = self._leads.get(speaker) or self._leads.setdefault(speaker, lead_of(speaker))
        return line_of(self.plan.prompt.layout, turn=turn, speaker=speaker, lead=lead, text=text)

    def prompt(self, turn: Turn, floor: Floor) -> Prompt:
        """What the model of `turn.agent` is sent."""
        return prompt_of(self._frame(turn.agent, turn.index), floor.heard, agent=turn.agent)

    def asked(self, turn: Turn, prompt: Prompt) -> Asked:
        """What the call of `turn` asks: the same for every attempt, on any machine."""
        again = turn.position if isinstance(self.plan.channels[turn.index].protocol, RandomOrder) else 0
        seed = call_seed(self.plan.seed, turn.channel, turn.round, turn.agent, again)
        return Asked(prompt=prompt.digest, params=self._parameters(turn), seed=seed)

    def stops(self, index: int) -> tuple[str, ...]:
        """Stop sequences of a channel: the names of those who could be spoken for, each on a new line."""
        if index not in self._stops:
            channel = self.plan.channels[index]
            names = channel.members if len(channel.members) <= _MOST_STOPS else ()
            self._stops[index] = tuple([f"\n{name}:" for name in sorted(names)])
        return self._stops[index]

    def _parameters(self, turn: Turn) -> Text:
        sampling = self.agents[turn.agent].model.sampling
        key = (sampling, turn.index)
        if key not in self._params:
            options = {name: value for name, value in asdict(sampling).items() if value is not None}
            options["stop"] = list(self.stops(turn.index))
            self._params[key] = Text.of(json.dumps(options, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
        return self._params[key]

    def _frame(self, agent: AgentId, index: int) -> Frame:
        frame = self._frames.get((agent, index))
        if frame is None:
            if len(self._frames) >= _MOST_FRAMES:
                self._frames.clear()
            frame = self._frames[agent, index] = self._rendered(self.agents[agent], self.plan.channels[index])
        return frame

    def _rendered(self, agent: Agent, channel: Channel) -> Frame:
        style = self.plan.prompt
        values = {
            "name": agent.name,
            "persona": agent.persona,
            "others": [member for member in channel.members if member != agent.name],
            "channel": channel.name,
            "topic": channel.opening.text if channel.opening else "",
            "study": self.plan.name,
        }
        return frame_of(style.layout, head=render(style.frame, **values), tail=render(style.cue, **values))
