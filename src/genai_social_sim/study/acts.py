"""What agents are asked to do, as checked documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self, assert_never

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from genai_social_sim.domain.act import LETTERS, PASS, Act, Choose, Number, Rate, Say
from genai_social_sim.domain.number import Range
from genai_social_sim.kernel.acts import bare
from genai_social_sim.study import words
from genai_social_sim.study.base import Doc, from_word
from genai_social_sim.study.words import refusal

MOST_OPTIONS: Final = 128
MOST_DECIMALS: Final = 12
_LETTERED: Final = re.compile(r"[a-z](?:\).*)?")  # what could be taken for a letter under which an option is shown

Option = Annotated[
    str, AfterValidator(words.option), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": words.MAX_OPTION})
]
_LINE: Final = {"type": "string", "maxLength": words.MAX_OPTION}
Anchor = Annotated[str, AfterValidator(words.anchor), WithJsonSchema(_LINE)]
Bound = Annotated[int | float, Field(ge=-1e9, le=1e9), WithJsonSchema({"type": "number"})]


def _known_step(value: Any) -> Any:
    if isinstance(value, str) and value != "any":
        raise refusal(f"found the text {value!r}", "Write a number, or `any`.")
    return value


Step = Annotated[
    Annotated[int | float, Field(gt=0, le=1e9)] | Literal["any"],
    BeforeValidator(_known_step),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"const": "any"}]}),
]


class SpeakDoc(Doc):
    """An agent says what it likes."""

    kind: Literal["say"] = Field(description="The kind of act.", examples=["say"])
    may_pass: bool = Field(
        default=False, description=f"Whether the one word `{PASS}` is silence, and prompts say so.", examples=[True]
    )


def _apart(options: tuple[str, ...]) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for option in options:
        other = seen.setdefault(bare(option), option)
        if other is not option:
            how = "is listed twice" if other == option else f"cannot be told from {other!r} when an answer is read"
            raise refusal(
                f"the option {option!r} {how}", "Give each option its own words; case and marks do not count."
            )
    return _enough(options)


def _enough(options: tuple[str, ...]) -> tuple[str, ...]:
    if not 2 <= len(options) <= MOST_OPTIONS:  # noqa: PLR2004 (fewer is no choice)
        raise refusal(f"2 to {MOST_OPTIONS} options can be chosen from, not {len(options)}", "Write another list.")
    return options


def _distinct(scale: tuple[int | float, ...]) -> tuple[int | float, ...]:
    if len({*scale}) < len(scale):
        raise refusal("a number stands in the scale twice", "Delete one of the two.")
    if len(scale) < 2:  # noqa: PLR2004 (fewer is no scale)
        raise refusal("a scale has at least 2 numbers", "Write for example `[-2, -1, 0, 1, 2]`.")
    if len(scale) > MOST_OPTIONS:
        raise refusal(f"a scale has at most {MOST_OPTIONS} numbers, not {len(scale)}", "Write a coarser one.")
    return scale


Options = Annotated[tuple[Option, ...], Field(strict=False), AfterValidator(_apart)]
Scale = Annotated[tuple[Bound, ...], Field(strict=False), AfterValidator(_distinct)]


class ChooseDoc(Doc):
    """An agent chooses one of several options. An answer that names none of them is recorded as `unreadable`."""

    kind: Literal["choose"] = Field(description="The kind of act.", examples=["choose"])
    options: Options = Field(
        description=f"What can be chosen, 2 to {MOST_OPTIONS}, in the order in which prompts show it.",
        examples=[["for", "against"]],
    )
    shuffle: bool = Field(
        default=False, description="Whether the order in which they are shown is drawn each turn.", examples=[True]
    )
    labels: bool = Field(
        default=False,
        description="Whether they are shown under letters, drawn each turn, and a letter is the answer; then at most "
        f"{len(LETTERS)} options.",
        examples=[True],
    )
    may_pass: bool = Field(
        default=False, description=f"Whether `{PASS}` is a legal answer too: it chooses none.", examples=[True]
    )

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        can_be_answered(self.options, labels=self.labels, may_pass=self.may_pass)
        return self


def can_be_answered(options: tuple[str, ...], *, labels: bool, may_pass: bool) -> None:
    """Refuses options that could be taken for a pass or a letter."""
    taken = {bare(option): option for option in options}
    if may_pass and PASS in taken:
        raise refusal(f"the option {taken[PASS]!r} is what an agent answers to pass", "Delete it, or `may_pass`.")
    if labels and len(options) > len(LETTERS):
        raise refusal(f"{len(options)} options have no letters", f"Keep {len(LETTERS)}, or delete `labels`.")
    if labels and (alike := _lettered(taken)):
        raise refusal(f"the option {taken[alike]!r} could be taken for a letter", "Delete `labels`, or rename it.")


def _lettered(options: Iterable[str]) -> str:
    return next((option for option in options if _LETTERED.fullmatch(option)), "")


class RateDoc(Doc):
    """An agent answers with one number of a scale. An answer that names none of them is recorded as `unreadable`."""

    kind: Literal["rate"] = Field(description="The kind of act.", examples=["rate"])
    scale: Scale = Field(
        description=f"The numbers, 2 to {MOST_OPTIONS}, in the order in which prompts show them.",
        examples=[[-2, -1, 0, 1, 2]],
    )
    about: str = Field(
        default="",
        description="What is rated: prompts show it before the numbers. In a probe its `text` says so.",
        examples=["How much do you trust the chair?"],
    )
    anchors: tuple[Anchor, ...] = Field(
        default=(),
        strict=False,
        description="Words that prompts show after the numbers, one for each, in their order; empty for none.",
        examples=[["not at all", "", "", "", "fully"]],
    )
    flip: bool = Field(
        default=False,
        description="Whether the scale is shown from its other end in every second turn or so, as drawn.",
        examples=[True],
    )
    labels: bool = Field(
        default=False,
        description="Whether the numbers are shown under letters, drawn each turn, and a letter is the answer; then at "
        f"most {len(LETTERS)} numbers.",
        examples=[True],
    )
    may_pass: bool = Field(
        default=False, description=f"Whether `{PASS}` is a legal answer too: it names none.", examples=[True]
    )
    told: Option | None = Field(
        default=None,
        description="What prompts say in place of the numbers, of a long scale.",
        examples=["a whole number from 0 to 100"],
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.anchors and len(self.anchors) != len(self.scale):
            counts = f"{len(self.anchors)} anchors for {len(self.scale)} numbers"
            raise refusal(f"there are {counts}", 'Write one for each number, "" where there are no words.')
        if self.labels and len(self.scale) > len(LETTERS):
            raise refusal(f"{len(self.scale)} numbers have no letters", f"Keep {len(LETTERS)}, or delete `labels`.")
        if self.told is not None and (self.anchors or self.labels):
            raise refusal("`told` stands in place of the numbers", "Delete it, or `anchors` and `labels`.")
        return self


class RangeDoc(Doc):
    """Numbers from one to another, all by the same step; prompts tell the range and do not list them."""

    low: Bound = Field(alias="min", description="The smallest.", examples=[0])
    high: Bound = Field(alias="max", description="The largest.", examples=[100])
    step: Step = Field(
        default=1, description="From one number to the next; `any` for all numbers of the range.", examples=[0.1]
    )

    @model_validator(mode="after")
    def _some_numbers(self) -> Self:
        if self.high <= self.low:
            raise refusal(f"there are no numbers from {self.low} to {self.high}", "Write the smaller one as `min`.")
        step = None if isinstance(self.step, str) else self.step
        if Range(low=self.low, high=self.high, step=step).decimals > MOST_DECIMALS:
            raise refusal("these numbers are too fine to be written out", "Write rounder ones.")
        if step is None:
            return self
        steps = (Decimal(str(self.high)) - Decimal(str(self.low))) / Decimal(str(step))
        if steps != int(steps):
            raise refusal(f"steps of {self.step} from {self.low} do not come to {self.high}", "Write another `step`.")
        return self

    @property
    def is_long(self) -> bool:
        """Whether they are too many for a scale."""
        if self.step == "any":
            return True
        return (Decimal(str(self.high)) - Decimal(str(self.low))) / Decimal(str(self.step)) >= MOST_OPTIONS

    @property
    def scale(self) -> tuple[int | float, ...]:
        """All of them, exactly as they are written in decimals."""
        low, step = Decimal(str(self.low)), Decimal(str(self.step))  # never `any`: see `is_long`
        count = int((Decimal(str(self.high)) - low) / step) + 1
        whole = isinstance(self.low, int) and isinstance(self.step, int)
        return tuple([int(low + at * step) if whole else float(low + at * step) for at in range(count)])

    @property
    def told(self) -> str:
        """The range in words."""
        whole = all(isinstance(number, int) for number in self.scale)
        if self.step == 1 and whole:
            return f"a whole number from {self.low} to {self.high}"
        return f"a number from {self.low} to {self.high}, in steps of {self.step}"


class NumberDoc(RangeDoc):
    """An agent answers with a number of a range. An answer that is none of it is recorded as `unreadable`."""

    kind: Literal["number"] = Field(description="The kind of act.", examples=["number"])
    about: str = Field(
        default="",
        description="What the number is of: prompts show it before the range. In a probe its `text` says so.",
        examples=["How likely is it that the mine opens?"],
    )
    may_pass: bool = Field(
        default=False, description=f"Whether `{PASS}` is a legal answer too: it names none.", examples=[True]
    )


def act_of(act: ActDoc) -> Act:
    """What the document says, as a value."""
    match act:
        case SpeakDoc(may_pass=may_pass):
            return Say(may_pass=may_pass)
        case ChooseDoc(options=options, shuffle=shuffle, labels=labels, may_pass=may_pass):
            return Choose(options=options, shuffle=shuffle, labels=labels, may_pass=may_pass)
        case NumberDoc(low=low, high=high, step=step, about=about, may_pass=may_pass):
            legal = Range(low=low, high=high, step=None if isinstance(step, str) else step)
            return Number(range=legal, about=about, may_pass=may_pass)
        case RateDoc():
            drawn = {"flip": act.flip, "labels": act.labels}
            words = {"about": act.about, "anchors": act.anchors, "told": act.told or ""}
            return Rate(scale=act.scale, may_pass=act.may_pass, **words, **drawn)  # type: ignore[arg-type]
        case _ as unknown:
            assert_never(unknown)


def act_written(act: Act) -> dict[str, Any]:
    """An act as study files have it."""
    match act:
        case Say(may_pass=may_pass):
            return {"kind": "say", "may_pass": may_pass}
        case Choose(options=options, shuffle=shuffle, labels=labels, may_pass=may_pass):
            drawn = {"shuffle": shuffle, "labels": labels}
            return {"kind": "choose", "options": options, **drawn, "may_pass": may_pass}
        case Number(range=legal, about=about, may_pass=may_pass):
            bounds = {"min": legal.low, "max": legal.high, "step": "any" if legal.step is None else legal.step}
            return {"kind": "number", **bounds, "may_pass": may_pass, **({"about": about} if about else {})}
        case Rate(scale=scale, may_pass=may_pass):
            names = ("about", "anchors", "flip", "labels", "told")
            more = {name: value for name in names if (value := getattr(act, name))}  # as before there was any of it
            return {"kind": "rate", "scale": scale, "may_pass": may_pass, **more}
        case _ as unknown:
            assert_never(unknown)


AnyAct = Annotated[SpeakDoc | ChooseDoc | RateDoc | NumberDoc, Field(discriminator="kind")]
ActDoc = Annotated[AnyAct, BeforeValidator(from_word, json_schema_input_type=AnyAct | Literal["say"])]
