"""Openings that come after a study was read: they stand in it then as if they had been written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_social_sim.domain.ids import ChannelId
from genai_social_sim.domain.plan import Opening
from genai_social_sim.errors import SpecError
from genai_social_sim.study.loading import LoadedStudy, checked
from genai_social_sim.study.refusals import listed, nearest
from genai_social_sim.study.source import Marks, unwanted_in


def unopened(loaded: LoadedStudy) -> tuple[str, ...]:
    """The channels without an opening, in their order."""
    return tuple(name for name, channel in loaded.document.channels.items() if channel.opening is None)


def with_openings(loaded: LoadedStudy, openings: Mapping[ChannelId, Opening]) -> LoadedStudy:
    """The study with openings for channels of it; raises SpecError if one cannot stand there."""
    channels: dict[str, Any] = dict(loaded.values["channels"])
    replaced = dict(loaded.marks.replaced)
    for name, opening in openings.items():
        where = f"the opening of {name}"
        if name not in channels:
            remedy = f"{nearest(name, channels)}Its channels are: {listed(list(channels))}."
            raise SpecError(f"the study has no channel {name!r}", remedy=remedy, where=where)
        if (found := unwanted_in(opening.speaker + opening.text)) is not None:
            problem = f"it holds the control character U+{ord(found):04X}"
            raise SpecError(problem, remedy="Leave it out.", where=where)
        channels[name] = {**channels[name], "opening": {"from": opening.speaker, "text": opening.text}}
        replaced["channels", name, "opening"] = where
    marks = Marks(loaded.marks.name, loaded.marks.root, replaced)
    return checked({**loaded.values, "channels": channels}, marks, path=loaded.path, backends=loaded.backends)
