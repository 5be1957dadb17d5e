"""What can be asked of the API: the parameters of each address, checked by pydantic."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field

from genai_social_sim.web.forum import Order

_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_LARGEST: Final = 2**62  # positions and turns


def _whole(value: object) -> object:
    """Numbers as people write them, and in no other form."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return value


_AS_WRITTEN: Final = BeforeValidator(_whole)
After = Annotated[
    int, Field(ge=-1, le=_LARGEST, description="A position of the log; -1: from the beginning."), _AS_WRITTEN
]
Words = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]


class OfRun(BaseModel, extra="forbid"):
    """A run, as the list names it."""

    run: Annotated[Name, Field(description="Name of the run, as the list of runs has it.")]


class OfNetwork(OfRun):
    """A channel's network."""

    channel: Annotated[Words, Field(description="Name of the channel; empty: the first one.")] = ""


class OfNetworkAt(OfNetwork):
    """A channel's network before a turn."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Before which turn; 0: as it began."), _AS_WRITTEN] = 0


class OfThreads(OfNetworkAt):
    """Threads of a forum."""

    order: Annotated[Order, Field(description="`new`: the newest thread first; `old`; `top`: by votes.")] = "new"
    skip: Annotated[int, Field(ge=0, le=_LARGEST, description="Threads to leave out."), _AS_WRITTEN] = 0
    limit: Annotated[int, Field(ge=1, le=200, description="Most threads to give."), _AS_WRITTEN] = 30


class OfRuns(BaseModel, extra="forbid"):
    """Which rows of the list."""

    after: Annotated[
        int, Field(ge=-1, le=_LARGEST, description="Rows that changed after this revision; -1: all."), _AS_WRITTEN
    ] = -1


class OfHistory(OfRun):
    """Which part of a log."""

    after: After = -1
    limit: Annotated[int, Field(ge=1, le=5000, description="Positions of the log to look at."), _AS_WRITTEN] = 500
    channel: Annotated[Words, Field(description="Leave out what happened in other channels.")] = ""


class OfSearch(OfRun):
    """What is looked for."""

    q: Annotated[Words, Field(min_length=1, description="Words to find, whatever their case.")]
    after: After = -1
    limit: Annotated[int, Field(ge=1, le=500, description="Most items to give."), _AS_WRITTEN] = 50


class OfPlace(OfRun):
    """A turn."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Number of the turn, from 0."), _AS_WRITTEN]


class OfTurn(OfPlace):
    """A turn, or a question aside before it."""

    probe: Annotated[Words, Field(description="Name of a probe: what was asked aside before that turn.")] = ""
    agent: Annotated[Words, Field(description="With probe: who was asked.")] = ""


class OfCourse(OfRun):
    """What agents state."""

    of: Annotated[Words, Field(min_length=1, description="`said`: in their turns; else the name of a probe.")] = "said"
    channel: Annotated[Words, Field(description="Leave out what was stated in other channels.")] = ""


class OfStates(OfCourse):
    """What agents of a channel stated last."""

    turn: Annotated[int, Field(ge=0, le=_LARGEST, description="Before which turn.", examples=[0]), _AS_WRITTEN]


class OfTwo(BaseModel, extra="forbid"):
    """Two runs."""

    a: Annotated[Name, Field(description="Name of one run.")]
    b: Annotated[Name, Field(description="Name of the other one.")]


class OfStudy(BaseModel, extra="forbid"):
    """A study, by its name."""

    study: Annotated[Name, Field(description="Name of the study, as the list of runs has it.")]


class OfConditions(OfStudy):
    """What is shown of a study's conditions."""

    of: Annotated[
        Words, Field(description="`said`, a probe, or characters, tokens, seconds, silent, failed; empty: the first.")
    ] = ""
    category: Annotated[Words, Field(description="Of what is stated in words: which; empty: what most state.")] = ""


class OfAgent(OfRun):
    """An agent of a run."""

    agent: Annotated[Name, Field(description="Name of the agent.")]
