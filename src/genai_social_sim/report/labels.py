"""Letters under which options were shown and what was answered by them: a preference for a letter is no choice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Any, Final, NamedTuple

from genai_social_sim.domain.act import LETTERS
from genai_social_sim.report.collecting import Told, summed

_SURE: Final = 4.0  # standard errors, since many letters in many places are looked at


class Place(NamedTuple):
    """A channel or a probe in which options have letters that are drawn anew each time."""

    name: str
    options: int


class Preferred(NamedTuple):
    """A letter that was answered oftener than chance has it, and how many times of how many answers."""

    place: Place
    letter: str
    times: int
    whole: int

    @property
    def share(self) -> float:
        """Of the answers; 1 by the number of options if nobody looked at letters."""
        return self.times / self.whole


def preferred(runs: Iterable[Told]) -> Iterator[Preferred]:
    """The letter of each place that is answered oftener than one in `options`, by more than four standard errors.

    Which option stands under which letter is drawn independently for each turn and agent. So each letter has the same
    chance whatever the agents prefer, if they do not go by letters. `runs` have no seed in common.
    """
    found: dict[Place, list[Mapping[str, int]]] = {}
    for run in runs:
        for place in _places(run.study):
            found.setdefault(place, []).append(run.calls.letters.get(place.name, {}))
    for place, each in found.items():
        counts = {letter: count for letter, count in summed(each).items() if letter in LETTERS[: place.options]}
        whole, chance = sum(counts.values()), 1 / place.options
        letter = max(counts, key=lambda letter: counts[letter], default="")
        if whole and counts[letter] / whole - chance > _SURE * sqrt(chance * (1 - chance) / whole):
            yield Preferred(place, letter, counts[letter], whole)


def _places(study: Mapping[str, Any]) -> Iterator[Place]:
    acts = [(name, channel.get("act")) for name, channel in study.get("channels", {}).items()]
    acts += [(f"probe {probe.get('name')}", probe.get("act")) for probe in study.get("probes", ())]
    for name, act in acts:
        options = len(act.get("options") or act.get("scale") or ()) if act and act.get("labels") else 0
        if options > 1:
            yield Place(str(name), options)
