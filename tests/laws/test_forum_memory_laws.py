"""What holds for memories in every forum, by a second, naive reading of the log for what each agent came across."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.laws.test_forum_laws import forum_plans
from tests.laws.test_laws import SEEDS, patient, said
from tests.support.models import Overheard
from tests.support.scenario import Played, Scenario, scripted

from genai_social_sim.domain.events import CallKey, Event, FellSilent, Intervened, Opened, Remembered, Spoke
from genai_social_sim.domain.feed import numbers_in
from genai_social_sim.domain.line import Line
from genai_social_sim.domain.memory import Retrieval, Summary
from genai_social_sim.domain.plan import RunPlan, Turns
from genai_social_sim.kernel.encoders import encoders
from genai_social_sim.ports import Answer, Request
from genai_social_sim.testing.strategies import retrievals, summaries

_ALL = 500  # more than there can be in these runs


@st.composite
def remembering(draw: st.DrawFn, memories: st.SearchStrategy[Summary | Retrieval]) -> RunPlan:
    """A forum with one of these memories, which forgets nothing for want of room."""
    plan = draw(forum_plans())
    memory = replace(draw(memories), own=None, reach=_ALL)
    rooms = [replace(room, memory=memory, window=_ALL) for room in plan.channels]
    return replace(plan, channels=tuple(rooms), stop=Turns(count=40))


def listened(plan: RunPlan, seed: int) -> tuple[Played, list[Request]]:
    """A run and all that was asked in it, of encoders too."""
    seen: list[Request] = []
    answer = said(seed)

    def listening(request: Request) -> Answer | None:
        seen.append(request)
        return answer(request)

    overheard = {each: Overheard(seen) for each in encoders(plan)}
    return Scenario(plan=patient(plan), model=scripted(listening), models=overheard).play(), seen


@dataclass
class Naive:
    """What each agent has come across: once more, and last, after each turn in which it stood in its feed."""

    written: int = 0
    behind: dict[str, tuple[int, ...]] = field(default_factory=dict)
    feeds: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.written += 1
        elif isinstance(event, Intervened):
            self.written += len(event.said)
        elif isinstance(event, Spoke | FellSilent) and event.feed is not None:
            self.feeds[event.agent] = numbers_in(event.feed)
        elif isinstance(event, Spoke | FellSilent):
            page, before = self.feeds.pop(event.agent, ()), self.behind.get(event.agent, ())
            self.behind[event.agent] = (*[each for each in before if each not in page], *page)
            if isinstance(event, Spoke):
                self.written += 1
                self.behind[event.agent] += (self.written,)


class Called(NamedTuple):
    """A call for a turn or a memory: the posts of the agent's feed, those it had come across, and what came of it."""

    request: Request
    page: tuple[int, ...]
    behind: tuple[int, ...]
    event: Spoke | FellSilent | Remembered


def calls(plan: RunPlan, seed: int) -> Iterator[Called]:
    played, seen = listened(plan, seed)
    asked: dict[CallKey, Request] = {
        (each.turn, each.aside, each.agent) if each.aside else each.turn: each for each in seen
    }
    feeds = {event.turn: numbers_in(event.feed) for event in played.of(Spoke, FellSilent) if event.feed is not None}
    naive = Naive()
    for event in played.events:
        if isinstance(event, Spoke | FellSilent | Remembered) and event.key in asked:
            page = feeds.get(event.turn) or naive.feeds.get(event.agent, ())
            yield Called(asked[event.key], page, naive.behind.get(event.agent, ()), event)
        naive.take(event)


def numbers(lines: tuple[Line, ...]) -> list[int]:
    """Of posts, as their lines begin."""
    found = [re.search(r"#(\d+) ", "".join([piece.value for piece in line.others.pieces])) for line in lines]
    return [int(each[1]) for each in found if each]


@settings(max_examples=40)
@given(remembering(summaries()), SEEDS)
def test_what_was_come_across_is_shown_or_summed_up_and_summed_up_once(plan: RunPlan, seed: int) -> None:
    told: dict[str, set[int]] = {}
    for request, page, behind, event in calls(plan, seed):
        mine, shown = told.setdefault(request.agent, set()), numbers(request.heard)
        if isinstance(event, Remembered):
            assert not {*shown} & ({*page} | mine)
            assert {*shown} <= {*behind}
            mine |= set() if event.cause else {*shown}
            continue
        before = shown[: len(shown) - len(page)]
        assert shown[len(before) :] == list(page)
        assert before == [each for each in behind if each not in mine and each not in page]


@settings(max_examples=40)
@given(remembering(retrievals()), SEEDS)
def test_what_comes_to_mind_is_some_of_what_was_come_across_and_is_not_shown_anyway(plan: RunPlan, seed: int) -> None:
    memory = plan.channels[0].memory
    assert isinstance(memory, Retrieval)
    for request, page, behind, event in calls(plan, seed):
        parted = len(behind) - memory.utterances
        older = [each for each in behind[: max(0, parted)] if each not in page]
        lately = [each for each in behind[max(0, parted) :] if each not in page]
        shown = numbers(request.heard)
        if request.aside == "~recall":
            assert shown[:-1] == older
        elif request.aside:
            assert shown in [[each] for each in older]
        else:
            before = shown[: len(shown) - len(page)]
            come = before[: len(before) - len(lately)]
            assert (before[len(come) :], shown[len(before) :]) == (lately, list(page))
            assert come == [each for each in older if each in come]
            assert len(come) <= memory.k or come == older
            assert isinstance(event, Spoke | FellSilent)


@settings(max_examples=40)
@given(remembering(retrievals()), SEEDS)
def test_a_memory_is_compared_to_what_is_answered_or_else_to_the_whole_feed(plan: RunPlan, seed: int) -> None:
    _, seen = listened(plan, seed)
    turns = {request.turn: request for request in seen if not request.aside}
    for request in seen:
        if request.aside == "~recall" and (feed := turns[request.turn].feed):
            verb, _, number = turns[request.turn].doing.rpartition(" ")
            assert verb in ("", "reply to")
            wanted = [post.text for post in feed if not verb or post.number == int(number)]
            assert request.heard[-1].text.value == "\n".join(wanted)
