"""When something is due beside the turns, as checked documents: at points of the run counted over all channels."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from genai_social_sim.study import words
from genai_social_sim.study.base import Doc
from genai_social_sim.study.triggers import WhenDoc
from genai_social_sim.study.words import refusal

_PERIOD: Final = {"type": "string", "pattern": "^[1-9][0-9]* (round|turn)s?$"}
_MOMENT: Final = {"type": "string", "pattern": "^(start|end|(round|turn) [1-9][0-9]*)$"}
Period = Annotated[str, BeforeValidator(words.period), WithJsonSchema(_PERIOD)]
Moment = Annotated[str, BeforeValidator(words.moment), WithJsonSchema(_MOMENT)]
Moments = Annotated[
    tuple[Moment, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    WithJsonSchema({"anyOf": [_MOMENT, {"type": "array", "items": _MOMENT, "minItems": 1}]}),
]


class TimedDoc(Doc):
    """Something that happens between turns, at points of the run counted over all channels."""

    every: Period | None = Field(
        default=None,
        description="After each so many rounds or turns, such as `5 rounds` or `10 turns`.",
        examples=["5 rounds"],
    )
    at: Moments | None = Field(
        default=None,
        description="`start`, `end`, after so many rounds or turns (`round 10`, `turn 40`), or a list of these.",
        examples=["round 10"],
    )

    when: WhenDoc | None = Field(
        default=None,
        description="Only if this holds then; without `every` and `at` it is looked at after each round.",
        examples=[{"consensus": {"share": 0.8}}],
    )
    repeat: bool = Field(
        default=False, description="With `when`: each time it holds, and not the first time alone.", examples=[True]
    )

    @property
    def is_timed(self) -> bool:
        """Whether it says when it is due."""
        return self.every is not None or bool(self.at) or self.when is not None

    @model_validator(mode="after")
    def _is_due(self) -> Self:
        if not self.is_timed:
            raise refusal("it is not said when", "Add `every: 5 rounds`, or `at:` with `start` or `round 10`.")
        if self.repeat and self.when is None:
            raise refusal("`repeat` stands beside `when` only", "Delete it; `every: 5 rounds` says how often.")
        return self
