"""Powers that nobody could use, or that would give a holder too much to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genai_social_sim.study.acts import MOST_OPTIONS
from genai_social_sim.study.changes import RoleChangeDoc
from genai_social_sim.study.document import ChannelDoc, StudyDoc
from genai_social_sim.study.people import RoleDoc
from genai_social_sim.study.protocols import AuthorityDoc, RandomDoc
from genai_social_sim.study.refusals import Problem
from genai_social_sim.study.residents import Resident, members_of


def problems_of_powers(study: StudyDoc, everybody: Sequence[Resident]) -> Iterator[Problem]:
    """Of all roles."""
    given = {each.role for each in study.interventions if isinstance(each, RoleChangeDoc)}
    for name, role in study.roles.items():
        if not role.powers:
            continue
        holders = {each.name for each in everybody if each.role == name}
        rooms = [
            (channel, members)
            for channel in study.channels.values()
            if holders.intersection(members := members_of(channel.members, everybody)) or name in given
        ]
        for text, remedy in _wrong(study, role, rooms) if rooms else ():
            yield Problem(("roles", name, "powers"), text, remedy)


def _wrong(
    study: StudyDoc, role: RoleDoc, rooms: Sequence[tuple[ChannelDoc, Sequence[str]]]
) -> Iterator[tuple[str, str]]:
    drawn = [isinstance(channel.protocol or study.protocol, AuthorityDoc | RandomDoc) for channel, _ in rooms]
    if "choose_next" in role.powers and not any(drawn):
        text = "`choose_next` can be used where the next speaker is drawn, and none of its channels has such a protocol"
        yield text, "Write `protocol: random` or `protocol: authority`; or `{kind: moderated, moderator: NAME}`."
    if "see_probes" in role.powers and not study.probes:
        yield "there are no probes whose answers could be seen", "Delete `see_probes`, or add `probes`."
    others = max(len(members) for _, members in rooms) - 1
    options = 2 + others * (("mute" in role.powers) + ("choose_next" in role.powers and any(drawn)))
    if options > MOST_OPTIONS:
        text = f"with {others} other members a holder would have {options} things to choose from"
        yield text, f"At most {MOST_OPTIONS} can be: take a power away, or make the channel smaller."
