"""The words around the conversation in a prompt: templates, rendered for an agent, a place and what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from genai_social_sim.domain.act import Act, Number, Offer, Rate
from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.memory import Retrieval, Summary
from genai_social_sim.domain.plan import Agent, Channel, Forum, Moderated, RunPlan
from genai_social_sim.domain.power import POWERS_ASKED
from genai_social_sim.kernel.floor import Turn
from genai_social_sim.kernel.memory import is_errand
from genai_social_sim.kernel.pages import doing_on
from genai_social_sim.kernel.prompts import POWER_CUES, PROBE_CUES, Frame, frame_of
from genai_social_sim.kernel.roles import of_roles
from genai_social_sim.kernel.room import Room
from genai_social_sim.kernel.taking import company
from genai_social_sim.kernel.templates import compile_template


class Phrasing:
    """The templates of a plan, each compiled once."""

    def __init__(self, plan: RunPlan, rooms: tuple[Room, ...], agents: Mapping[AgentId, Agent]) -> None:
        self._plan: Final = plan
        self._rooms: Final = rooms
        self._agents: Final = agents
        self._probes: Final = {probe.name: probe.text for probe in plan.probes}
        self._templates: dict[str, Callable[..., str]] = {}

    def frame(self, turn: Turn, act: Act, offer: Offer | None) -> Frame:
        """What stands before and after the lines when `turn.agent` is asked for `act`."""
        agent, page, room = self._agents[turn.agent], turn.page, self._rooms[turn.channel_no]
        forum, channel = room.forum, room.channel
        if forum is not None:
            others = () if page is None else page.authors
        else:
            others = company(room, turn.agent, turn.round, turn.position)
        values = {
            "name": agent.name,
            "others": list(others),
            **of_roles(agent, others, self._agents, self._plan.roles),
            "channel": turn.channel,
            "topic": _topic(channel),
            "study": self._plan.name,
            "options": offer.shown if offer else (),
            "letters": bool(offer and offer.letters),
            "may_pass": act.may_pass if forum is None or turn.aside else bool(offer and offer.may_pass),
            "direct": channel.direct and not turn.aside,
            "about": act.about if isinstance(act, Rate | Number) else "",
            **doing_on(page),
        }
        style = self._plan.prompt
        if turn.aside and turn.aside != POWERS_ASKED:
            values["question"] = self._filled(self._question(turn), values)
        head = self._filled(style.frame if forum is None else forum.frame, values)
        tail = self._filled(self._cue(turn), values)
        lead = self._filled(style.lead, values) if style.lead else ""
        return frame_of(style.layout, head=head, tail=tail, lead=lead, bare=forum is not None)

    def _question(self, turn: Turn) -> str:
        if not is_errand(turn.aside):
            return self._probes[turn.aside]
        memory = self._rooms[turn.channel_no].channel.memory_of(self._agents[turn.agent])
        return memory.text if isinstance(memory, Summary | Retrieval) else ""

    def _filled(self, template: str, values: Mapping[str, Any]) -> str:
        compiled = self._templates.get(template) or self._templates.setdefault(template, compile_template(template))
        return compiled(**values)

    def _cue(self, turn: Turn) -> str:
        if turn.aside:
            return (POWER_CUES if turn.aside == POWERS_ASKED else PROBE_CUES)[self._plan.prompt.layout]
        protocol = self._rooms[turn.channel_no].protocol
        if isinstance(protocol, Moderated) and self._rooms[turn.channel_no].is_choice(turn.position):
            return protocol.cue
        if isinstance(protocol, Forum):
            return protocol.words if turn.page is not None and turn.page.doing else protocol.cue
        return self._plan.prompt.cue


def _topic(channel: Channel) -> str:
    if channel.topic is not None:
        return channel.topic
    return channel.opening.text if channel.opening else ""
