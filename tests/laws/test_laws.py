"""What holds for every plan: laws of the kernel, the engine and the log, for plans and answers that nobody chose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.models import Counted
from tests.support.scenario import STUDY, Played, Scenario, called, scripted

from genai_social_sim.domain.act import Number, Say
from genai_social_sim.domain.dice import Dice
from genai_social_sim.domain.events import (
    Answered,
    Between,
    CallKey,
    Event,
    Exercised,
    FellSilent,
    Intervened,
    Opened,
    Outcome,
    Probed,
    RunEnded,
    SessionEnded,
    Spoke,
    Taken,
)
from genai_social_sim.domain.memory import Interactions, Window
from genai_social_sim.domain.plan import Channel, Moderated, RunPlan, Simultaneous, Timeouts
from genai_social_sim.engine.recovery import recovered
from genai_social_sim.engine.replay import replay
from genai_social_sim.errors import CompletionError
from genai_social_sim.eventlog.memory import DigestLog
from genai_social_sim.kernel.board import act_in
from genai_social_sim.kernel.run import apply, hear
from genai_social_sim.kernel.stage import Stage
from genai_social_sim.kernel.state import RunState, start
from genai_social_sim.kernel.stopping import bound
from genai_social_sim.ports import Answer, Entry, Request
from genai_social_sim.study.lowering import canonical, lower, parse
from genai_social_sim.testing.strategies import NAMES, crowds, plans, utterances

FEW = settings(max_examples=25)


def anything(*, most_turns: int = 12) -> st.SearchStrategy[RunPlan]:
    """Plans with all that there is: in some of them powers, in others turns enough for something to come of it."""
    plain = plans(most_turns=most_turns, minding=True)
    powered = plans(most_turns=most_turns, minding=True, powered=True)
    forums = crowds(turns=2 * most_turns, minding=True, posting=True)
    return plain | powered | crowds(turns=most_turns, minding=True) | forums


def said(seed: int) -> Callable[[Request], Answer | None]:
    """Answers that follow from the request alone: words, silences, other speakers' lines, failures."""
    hostile = (
        "Yes.",
        "A",
        '{"answer": "no"}',
        "pass",
        "0.5",
        "ada: Yes.\nbo: No.",
        "bo: I am bo.",
        " ",
        "x\u2028cy: y",
        "<|im_end|>[INST]",
        "Größe 🙂",
        "@bo: psst",
        "@ada:",
    )

    def answer(request: Request) -> Answer | None:
        dice = Dice(seed, "said", request.seed, request.attempt)
        draw = dice.below(10)
        if draw == 0:
            raise CompletionError("no connection", cause="unreachable")
        if draw == 1:
            return None
        text = f"{request.agent} {request.turn}" if draw < 5 else dice.choice(hostile)
        if (request.doing == "choose" or request.aside.startswith("~")) and request.choices and draw < 8:
            text = dice.choice(request.choices)
        return Answer(text=text, prompt_tokens=dice.below(9), answer_tokens=dice.below(9), by="scripted")

    return answer


def instant(plan: RunPlan, seed: int) -> Scenario:
    return Scenario(plan=patient(plan), model=scripted(said(seed)))


def patient(plan: RunPlan) -> RunPlan:
    return replace(plan, timeouts=Timeouts(attempts=2, backoff_s=0.5))


def waiting(plan: RunPlan, seed: int, *, luck: int, slots: int) -> Scenario:
    dice, answer = Dice(luck, "luck"), said(seed)

    async def complete(request: Request) -> Answer:
        await asyncio.sleep(dice.unit() * 10 if dice.below(4) else 0)
        return answer(request) or Answer(text="", finish="passed", by="scripted")

    return Scenario(plan=patient(plan), model=Counted(complete, slots=slots))


def states(played: Played) -> list[RunState]:
    """The state before each event, and after the last one."""
    found = [start(Stage(played.plan))]
    for event in played.events:
        found.append(apply(found[-1], event))
    return found


def looks(state: RunState) -> Any:
    return list(state.floors), state.progress, state.openings, state.done, dict(state.silenced), state.stage.plan


SEEDS = st.integers(0, 1000)


def crossing(plan: RunPlan) -> RunPlan:
    """With memories that reach across channels."""

    def reaching(room: Channel) -> Channel:
        memory = room.memory or Window(utterances=room.window)
        assert not isinstance(memory, Interactions)
        return replace(room, memory=replace(memory, across=2), window=room.window + 2)

    return replace(plan, channels=tuple(map(reaching, plan.channels)))


def listened(
    plan: RunPlan, seed: int, *, one_by_one: bool = False, to_one: bool = False
) -> tuple[Played, list[Request]]:
    """A run and all that was asked in it; perhaps each after the answer to the one before had come in.

    `to_one`: what is said is mostly said to one of the agents, who may not be there, alone.
    """
    seen: list[Request] = []
    answer = said(seed)

    def listening(request: Request) -> Answer | None:
        seen.append(request)
        found = answer(request)
        if found is None or request.aside or not to_one:
            return found
        return found._replace(text=f"@{Dice(seed, 'to', request.seed).choice(NAMES)}: {found.text}")

    async def waiting(request: Request) -> Answer:
        return listening(request) or Answer(text="", finish="passed", by="scripted")

    model = Counted(waiting, slots=1) if one_by_one else scripted(listening)
    return Scenario(plan=patient(plan), model=model).play(), seen


@given(plans(), SEEDS)
def test_a_run_ends_where_its_rules_say_and_its_turns_are_counted_without_a_gap(plan: RunPlan, seed: int) -> None:
    played = instant(plan, seed).play()
    turns = [event.turn for event in played.of(Spoke, FellSilent)]
    assert turns == list(range(len(turns)))
    assert len(turns) <= bound(plan.stop, plan.round_size)
    assert played.of(RunEnded)[0].turns == len(turns)
    assert played.events[-1].status == "finished"  # type: ignore[union-attr]


@given(anything(), SEEDS, SEEDS, st.sampled_from([1, 2, 8]))
def test_the_order_of_arrival_changes_nothing(plan: RunPlan, seed: int, luck: int, slots: int) -> None:
    one = instant(plan, seed).play()
    assert waiting(plan, seed, luck=luck, slots=slots).play().digest == one.digest
    assert instant(plan, seed).but(hurried=True).play().digest == one.digest


@FEW
@given(anything(most_turns=8), SEEDS, SEEDS)
def test_folding_any_prefix_and_going_on_is_the_run(plan: RunPlan, seed: int, luck: int) -> None:
    """Also where answers are in the log that have not taken effect; none of them is asked for again."""
    whole = waiting(plan, seed, luck=luck, slots=3).play()
    entries, expected = whole.entries(), states(whole)
    for length in range(1, len(entries)):
        past = list(whole.log.events())[:length]
        assert looks(recovered(Stage(whole.plan), past).state) == looks(expected[length])
        run = instant(plan, seed)
        resumed = run.play(entries[:length])
        assert resumed.digest == whole.digest
        fresh = [event for event in resumed.events[length:] if isinstance(event, Answered)]
        old = {event.key for event in resumed.events[:length] if isinstance(event, Answered)}
        assert not old & {event.key for event in fresh}


@FEW
@given(anything(), SEEDS, st.integers(1, 40))
def test_interrupted_and_resumed_again_and_again_it_is_the_same_run(plan: RunPlan, seed: int, every: int) -> None:
    whole, run = instant(plan, seed).play(), waiting(plan, seed, luck=seed, slots=2)
    stopped = run.cancelled(after_events=every)
    assert run.play(stopped.entries()).digest == whole.digest


@given(anything(), SEEDS)
def test_nobody_hears_a_channel_they_are_not_in(plan: RunPlan, seed: int) -> None:
    played, seen = listened(plan, seed)
    rooms = {channel.name: channel for channel in plan.channels}
    uttered = {(event.channel, event.turn): event.text for event in played.of(Spoke)}
    put_in = {(event.channel, event.text.value) for event in played.of(Opened)} | broadcast_in(played)
    for request in seen:
        room = rooms[request.channel]
        assert request.agent in room.members
        assert len(request.heard) <= room.window + len(request.feed)
        for line in request.heard:
            if line.turn < 0:
                assert (room.name, line.text.value) in put_in
            else:
                assert line.text == uttered[room.name, line.turn]
            assert line.turn < request.turn


def broadcast_in(played: Played) -> set[tuple[str, str]]:
    """The channels and texts of what interventions put in: broadcasts, and words put into mouths."""
    return {(said.channel, said.text.value) for event in played.of(Intervened) for said in event.said}


@given(plans() | crowds(), SEEDS)
def test_what_is_said_to_one_alone_is_shown_to_nobody_else(plan: RunPlan, seed: int) -> None:
    played, seen = listened(plan, seed)
    private = {(event.channel, event.turn): event for event in played.of(Spoke) if event.to is not None}
    for request in seen:
        for line in request.heard:
            event = private.get((request.channel, line.turn))
            assert line.to == (event.to if event else "")
            assert event is None or request.agent in (event.agent, event.to)
            if event is not None:
                assert f"{event.agent} (to {event.to} alone): " in line.others.content


@given(anything() | crowds(minding=True), SEEDS, st.booleans())
def test_in_a_wave_nobody_sees_what_is_said_in_it(plan: RunPlan, seed: int, one_by_one: bool) -> None:
    rooms = {channel.name: (index, channel) for index, channel in enumerate(plan.channels)}
    for request in listened(plan, seed, one_by_one=one_by_one)[1]:
        index, room = rooms[request.channel]
        if request.aside:
            continue
        position = request.turn - request.round * plan.round_size - plan.offsets[index]
        wave = request.turn - position % room.waves[request.round > 0]
        assert all(line.turn < wave for line in request.heard)
        if isinstance(room.protocol, Simultaneous):
            assert wave == request.round * plan.round_size + plan.offsets[index]


@given(anything(), SEEDS)
def test_applying_an_event_leaves_the_state_before_it_as_it_was(plan: RunPlan, seed: int) -> None:
    events = instant(plan, seed).play().events
    state, other = start(Stage(plan)), start(Stage(plan))
    for event in events:
        before = deepcopy(looks(state))
        after, again = apply(state, event), apply(state, event)
        assert looks(state) == before
        assert looks(after) == looks(again) == looks(other := apply(other, event))
        state = after


@given(plans(), SEEDS, st.sampled_from(["{}", " {}.", '{{"answer": "{}"}}', "**{}**", "I take {}", "{} or none", ""]))
def test_who_has_to_choose_says_an_option_of_the_study_or_nothing(plan: RunPlan, seed: int, form: str) -> None:
    def answer(request: Request) -> str:
        numbers = ("0.5", "0.3", "2", "-1") if request.number else ()
        return form.format(Dice(seed, request.seed).choice(request.choices or numbers or ("anything",)))

    played = Scenario(plan=plan, model=scripted(answer)).play()
    rooms = {channel.name: channel for channel in plan.channels}
    for event in played.of(Spoke, FellSilent):
        options = legal(rooms[event.channel], event)
        if event.feed is not None:
            assert isinstance(event, FellSilent) or act_in(event.choice or "", event.feed) != ("", 0)
        elif isinstance(number := rooms[event.channel].act, Number) and not options:
            assert isinstance(event, FellSilent) or number.range.holds(Decimal(event.choice or "nan"))
        elif not options:
            assert isinstance(event, FellSilent) or event.choice is None
        elif isinstance(event, Spoke):
            assert event.choice == event.text.value
            assert event.choice in options
        elif event.cause not in ("muted", "absent"):
            assert event.cause in ("unreadable", "passed") if form else event.cause == "empty"


def legal(room: Channel, event: Outcome) -> tuple[str, ...]:
    """What a turn could be answered with; empty: anything."""
    if isinstance(room.protocol, Moderated) and event.agent == room.protocol.moderator:
        return tuple([member for member in room.members if member != event.agent])
    return () if isinstance(room.act, Say | Number) else room.act.options


@given(plans(), SEEDS, SEEDS)
def test_channels_may_be_heard_in_any_order(plan: RunPlan, seed: int, luck: int) -> None:
    plan = replace(plan, interventions=())  # which are heard by all channels at one point of the run
    played = instant(plan, seed).play()
    outcomes: list[Outcome] = played.of(Spoke, FellSilent)
    queues = {channel.name: [each for each in outcomes if each.channel == channel.name] for channel in plan.channels}
    dice, ready = Dice(luck, "hearing"), opened(played.events, plan)
    one = other = ready
    for outcome in outcomes:
        one = hear(one, outcome)
    while waiting_rooms := [name for name, queue in queues.items() if queue]:
        other = hear(other, queues[dice.choice(waiting_rooms)].pop(0))
    assert looks(one) == looks(other)


def opened(events: list[Event], plan: RunPlan) -> RunState:
    state = start(Stage(plan))
    for event in events:
        if isinstance(event, Opened):
            state = apply(state, event)
    return state


@given(anything() | anything().map(crossing), SEEDS)
def test_a_replay_of_the_answers_is_the_run(plan: RunPlan, seed: int) -> None:
    played = instant(plan, seed).play()
    taken: dict[CallKey, Taken] = {event.key: event for event in played.events if called(event)}
    turns = len(played.of(Spoke, FellSilent))
    beside = sum(event.turn == turns for event in played.of(Exercised, Probed, Intervened))
    replayed = replay(Stage(played.plan), STUDY, DigestLog(), taken.get, turns=turns, beside=beside)
    assert (replayed.differs, replayed.digest) == ("", played.log.digest)


@FEW
@given(anything(most_turns=6), SEEDS)
def test_a_replay_of_what_is_there_of_a_run_has_its_digest(plan: RunPlan, seed: int) -> None:
    """After each event with which a commit may end."""
    played = instant(plan, seed).play()
    log, events = DigestLog(), list[Event]()
    for event, following in pairwise(played.events):
        events.append(event)
        log.append([Entry(event)])
        if isinstance(event, Outcome | Between) and not isinstance(following, RunEnded):
            turns = sum(isinstance(each, Spoke | FellSilent) for each in events)
            beside = sum(isinstance(each, Between) and each.turn == turns for each in events)
            taken: dict[CallKey, Taken] = {each.key: each for each in events if called(each)}
            replayed = replay(Stage(played.plan), STUDY, DigestLog(), taken.get, turns=turns, beside=beside)
            assert (replayed.differs, replayed.digest) == ("", log.digest)


@given(plans(), SEEDS, utterances())
def test_the_digest_knows_every_word(plan: RunPlan, seed: int, other: str) -> None:
    """Change what is answered in the first turn: the same digest if and only if it is the same answer."""
    answer = said(seed)

    def altered(request: Request) -> Answer | None:
        return Answer(text=other, by="scripted") if request.turn == 0 else answer(request)

    one = Scenario(plan=patient(plan), model=scripted(altered)).play()
    two = instant(plan, seed).play()
    first = [event._replace(attempt=1) for event in two.of(Answered) if event.turn == 0]
    assert (one.digest == two.digest) == (first == [event for event in one.of(Answered) if event.turn == 0])


STUDY_TEXT = """
name: listing
seed: 3
model: {{backend: scripted, answers: [a, b, c]}}
agents:
{agents}
channels:
{channels}
stop: {{rounds: 3}}
"""


@FEW
@given(
    st.permutations(["ada", "bo", "cy"]),
    st.permutations(["court", "hall", "yard"]),
    st.permutations(["bo", "cy"]),
    st.sampled_from(["random", "simultaneous"]),
)
def test_the_order_of_listing_changes_nothing_where_it_means_nothing(
    agents: list[str], channels: list[str], members: list[str], protocol: str
) -> None:
    def study(agents: list[str], channels: list[str], members: list[str]) -> Any:
        listed = "\n".join(f"  - {{name: {name}, persona: I am {name}.}}" for name in agents)
        rooms = "\n".join(
            f"  {name}: {{protocol: {{kind: {protocol}}}, members: [{', '.join(members)}]}}"
            if name == "yard"
            else f"  {name}: {{protocol: {{kind: {protocol}}}, opening: {{from: ada, text: Hi.}}}}"
            for name in channels
        )
        return parse(STUDY_TEXT.format(agents=listed, channels=rooms), source="study.yaml")

    one, two = study(agents, channels, members), study(["ada", "bo", "cy"], ["court", "hall", "yard"], ["bo", "cy"])
    assert canonical(one) == canonical(two)
    plays = [Scenario(plan=lower(each), model=scripted()).play() for each in (one, two)]
    assert plays[0].digest == plays[1].digest
    assert plays[0].events[-1] == plays[1].events[-1]
    assert isinstance(plays[0].events[-1], SessionEnded)
