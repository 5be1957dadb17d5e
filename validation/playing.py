"""Plays a validation study and reads back from its record what was said. It knows no case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TypeVar

from genai_social_sim import Study
from genai_social_sim.domain.events import Spoke

T = TypeVar("T")
FOLDER: Final = Path(__file__).resolve().parent


class Said(NamedTuple):
    """What one agent said in one turn."""

    turn: int
    round: int
    agent: str
    text: str


def played(name: str, *changes: str, runs: int = 1) -> Iterator[list[Said]]:
    """What was said in each run of a study, with the seeds from 0; its records are deleted once they are read."""
    study = Study.load(FOLDER / name / "study.yaml", changes=changes)
    for seed in range(runs):
        yield _said(study, seed)


def played_until(
    name: str, *changes: str, runs: int, turns: int, found: Callable[[list[Said]], T | None]
) -> Iterator[T]:
    """What is `found` in each run, which takes as many turns as that needs: `turns`, or twice as many, and so on.

    The seed decides all chance, so a longer run begins with the shorter one.
    """
    for seed in range(runs):
        most, result = turns, None
        while result is None:
            study = Study.load(FOLDER / name / "study.yaml", changes=(*changes, f"stop.turns={most}"))
            result, most = found(_said(study, seed)), 2 * most
        yield result


def _said(study: Study, seed: int) -> list[Said]:
    with TemporaryDirectory() as folder:
        run = study.run(seed=seed, runs=folder, durability="process")
        said = [recorded.event for recorded in run.events() if isinstance(recorded.event, Spoke)]
        run.close()
    return [Said(each.turn, each.round, str(each.agent), each.text.value) for each in said]


def states(said: list[Said], round_no: int) -> dict[str, str]:
    """What each agent said in a round."""
    return {each.agent: each.text for each in said if each.round == round_no}
