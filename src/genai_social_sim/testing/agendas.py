"""Hypothesis strategies for what is planned beside the turns. Importing this module needs Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from genai_social_sim.domain.act import Act, Choose, Number, Rate, Say
from genai_social_sim.domain.agenda import (
    AddEdges,
    Admit,
    After,
    AtEnd,
    Broadcast,
    ChangeChance,
    ChangeModel,
    ChangeNetwork,
    ChangePersona,
    ChangeRole,
    ChangeSampling,
    ChangeTopic,
    EdgesBetween,
    Every,
    Inject,
    Intervention,
    Mute,
    Planned,
    Probe,
    Remove,
    RemoveEdges,
    When,
)
from genai_social_sim.domain.ids import AgentId, RoleId
from genai_social_sim.domain.network import Edge
from genai_social_sim.domain.number import Range
from genai_social_sim.domain.plan import Channel, Model, Sampling
from genai_social_sim.domain.trigger import Measure, Measured, Several, Trigger


def acts() -> st.SearchStrategy[Act]:
    """What agents may be asked to do; some of the options are what agents of these plans are called."""
    options = st.lists(st.sampled_from(["yes", "no", "not yet", "-2", "bo", "Größe"]), min_size=2, unique=True)
    chooses = st.builds(
        Choose, options=options.map(tuple), shuffle=st.booleans(), labels=st.booleans(), may_pass=st.booleans()
    )
    rates = st.builds(
        Rate,
        scale=st.sampled_from([(-1, 0, 1), (0, 0.5, 1)]),
        may_pass=st.booleans(),
        about=st.sampled_from(["", "the mine"]),
        anchors=st.sampled_from([(), ("against", "", "for")]),
        flip=st.booleans(),
        labels=st.booleans(),
    )
    ranges = st.sampled_from([Range(low=0, high=1), Range(low=-1, high=1, step=0.25), Range(low=0, high=1000, step=1)])
    numbers = st.builds(Number, range=ranges, may_pass=st.booleans(), about=st.sampled_from(["", "the mine"]))
    return st.builds(Say, may_pass=st.booleans()) | chooses | rates | numbers


def moments() -> st.SearchStrategy[tuple[When, ...]]:
    """When something is due; some of it never comes."""
    units = st.sampled_from(["turns", "rounds"])
    every = st.builds(Every, count=st.integers(1, 5), unit=units)
    after = st.builds(After, count=st.integers(0, 6), unit=units)
    return st.lists(every | after | st.just(AtEnd()), min_size=1, max_size=2).map(tuple)


@st.composite
def probes(draw: st.DrawFn, name: str, members: Sequence[AgentId]) -> Probe:
    """A question to some of `members`."""
    trigger = draw(st.none() | triggers())
    after = tuple(draw(st.lists(st.integers(0, 2), max_size=2, unique=True)))
    asked = draw(st.lists(st.sampled_from(members), min_size=1, unique=True))
    return Probe(
        name=name,
        text="What do you think of {{ topic }}, {{ name }}?",
        when=() if after and trigger is None else draw(moments()),
        after=after if trigger is None else (),
        trigger=trigger,
        repeat=draw(st.booleans()),
        asked=tuple(sorted(asked)),
        act=draw(acts()),
        sample=draw(st.none() | st.integers(1, 3)),
    )


@st.composite
def interventions(draw: st.DrawFn, members: Sequence[AgentId], rooms: Sequence[Channel]) -> Intervention:
    """A change that concerns some of `members` or of `rooms`."""
    whom = tuple(draw(st.lists(st.sampled_from(members), min_size=1, unique=True)))
    where = tuple(draw(st.lists(st.sampled_from([room.name for room in rooms]), min_size=1, unique=True)))
    change: st.SearchStrategy[Planned] = st.sampled_from(
        [
            Broadcast(speaker=draw(st.sampled_from(["system", whom[0]])), text="Listen:\nada: no.", channels=where),
            *[Inject(speaker=room.members[0], text="I do.\nbo: no.", channel=room.name) for room in rooms],
            Mute(agents=whom),
            Mute(agents=whom, lifted=True),
            Remove(agents=whom),
            Admit(agents=whom),
            ChangePersona(personas=((whom[0], "Somebody else."),)),
            ChangeChance(draw=1),
            ChangeTopic(channels=where, topic="Something else"),
            ChangeSampling(agents=whom, temperature=0.5, max_tokens=7),
            ChangeRole(agents=whom, role=RoleId("chair"), authority=3.0),
            ChangeModel(models=((whom[0], Model(backend="scripted", sampling=Sampling(top_k=9))),)),
        ]
    )
    several = [room for room in rooms if len(room.members) > 1]
    return Intervention(
        when=draw(moments()),
        change=draw(change | rewirings(several) if several else change),
        trigger=draw(st.none() | triggers()),
        repeat=draw(st.booleans()),
    )


def triggers() -> st.SearchStrategy[Trigger]:
    """What may have to hold, of what is said in these plans."""
    measures: list[Measure] = ["consensus", "share", "mean", "spread", "silence", "messages", "tokens"]
    one = st.builds(
        Measured,
        measure=st.sampled_from(measures),
        low=st.none() | st.sampled_from([0.0, 0.5, 1.0, 3.0]),
        high=st.none() | st.sampled_from([0.5, 4.0]),
        option=st.sampled_from(["Yes.", "0.5", "no"]),
    )
    return one | st.builds(Several, triggers=st.tuples(one, one), every=st.booleans())


@st.composite
def rewirings(draw: st.DrawFn, rooms: Sequence[Channel]) -> Planned:
    """Edges that come and go in one of `rooms`."""
    room = draw(st.sampled_from(rooms))
    members = st.sampled_from(room.members)
    pairs = tuple(draw(st.lists(st.tuples(members, members).filter(_differ), min_size=1, max_size=3, unique=True)))
    weight = draw(st.sampled_from([0.0, 0.5, 1.0]))
    new = tuple([Edge(*pair, weight) for pair in pairs])
    some = EdgesBetween(channels=(room.name,), one=room.members[:2], other=room.members)
    change: st.SearchStrategy[Planned] = st.sampled_from(
        [
            AddEdges(edges=((room.name, new),)),
            RemoveEdges(edges=((room.name, pairs),)),
            ChangeNetwork(channel=room.name, edges=new, directed=weight > 0, weighted=weight != 1),
            replace(some, share=weight or 0.5),
            replace(some, share=weight or 1.0, added=True, weight=weight),
        ]
    )
    return draw(change)


def _differ(pair: tuple[AgentId, AgentId]) -> bool:
    return pair[0] != pair[1]
