"""Agents by the thousand, as checked documents: what their attributes are drawn from, and who is meant by a group."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from genai_social_sim.domain.distribution import LEAST_SHAPE, MAX_POISSON
from genai_social_sim.study import words
from genai_social_sim.study.base import LIST, MAPPING, AgentName, AnyName, AttributeName, Doc, Scalar, form_of
from genai_social_sim.study.memory import MemoryDoc
from genai_social_sim.study.models import ModelDoc
from genai_social_sim.study.people import RoleName
from genai_social_sim.study.words import refusal

MAX_SIZE: Final = 10_000_000
Preset = Literal["beliefs", "big_five", "demographics", "goals", "secrets", "style"]
_Number = Annotated[float, AfterValidator(words.not_huge)]
_Above0 = Annotated[float, Field(gt=0), AfterValidator(words.not_huge)]
_Weight = Annotated[float, Field(ge=0), AfterValidator(words.not_huge)]
_Whole = Annotated[int, Field(ge=-(2**51), le=2**51)]
_Template = Annotated[str, AfterValidator(words.some_text)]
_Cells = Annotated[
    tuple[str | int | float | bool | None, ...],
    Field(strict=False),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}),
]


def _pair(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) != 2:  # noqa: PLR2004 (two bounds)
        raise refusal(f"found {len(value)} numbers where two bounds are expected", "Write for example `[-1, 1]`.")
    return value


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise refusal(f"the first bound, {pair[0]}, is above the second, {pair[1]}", "Write the smaller one first.")
    return pair


def _bounds(kind: Any) -> Any:
    schema = {"type": "array", "items": {"type": "integer" if kind is _Whole else "number"}}
    return Annotated[
        tuple[kind, kind],
        Field(strict=False),
        BeforeValidator(_pair),
        AfterValidator(_rising),
        WithJsonSchema({**schema, "minItems": 2, "maxItems": 2}),
    ]


class WeightedDoc(Doc):
    """One of several options."""

    value: Scalar = Field(description="What is drawn.", examples=["left"])
    weight: _Weight = Field(default=1.0, description="How likely, in proportion to the others.", examples=[0.45])


def _as_weighted(value: Any) -> Any:
    """Options written without weights, or as the keys of a mapping."""
    if not isinstance(value, (list, tuple)):
        return value
    return [each if isinstance(each, (dict, WeightedDoc)) else {"value": each} for each in value]


_Options = Annotated[tuple[WeightedDoc, ...], Field(strict=False, min_length=1)]
_Shares = Annotated[dict[str, _Weight], Field(min_length=1)]
OptionsDoc = Annotated[
    Annotated[_Shares, Tag(MAPPING)] | Annotated[_Options, Tag(LIST)],
    Discriminator(form_of),
    BeforeValidator(_as_weighted, json_schema_input_type=_Shares | tuple[Scalar | WeightedDoc, ...]),
]


class CutDoc(Doc):
    """What lies outside of `min` and `max` is drawn never."""

    low: _Number | None = Field(default=None, alias="min", description="The smallest value.", examples=[18])
    high: _Number | None = Field(default=None, alias="max", description="The largest value.", examples=[90])


class NormalDoc(CutDoc):
    """Around a mean; both numbers are those before the distribution is cut off at `min` and `max`."""

    mean: _Number = Field(description="The mean.", examples=[45])
    sd: _Above0 = Field(description="The standard deviation.", examples=[15])


class LognormalDoc(CutDoc):
    """e to the power of a normal draw: above 0, with a long tail to the right. Its median is e to the power of `mu`."""

    mu: Annotated[float, Field(ge=-300, le=300)] = Field(description="The mean of the logarithm.", examples=[10.0])
    sigma: Annotated[float, Field(gt=0, le=20)] = Field(
        description="The standard deviation of the logarithm.", examples=[0.5]
    )


class BetaDoc(Doc):
    """Between `min` and `max`: with a peak if `a` and `b` are above 1, piled up at both ends if they are below."""

    a: Annotated[float, Field(ge=LEAST_SHAPE, le=1e6)] = Field(description="Pulls towards `max`.", examples=[2])
    b: Annotated[float, Field(ge=LEAST_SHAPE, le=1e6)] = Field(description="Pulls towards `min`.", examples=[5])
    low: _Number = Field(default=0.0, alias="min", description="The lower end.", examples=[-1])
    high: _Number = Field(default=1.0, alias="max", description="The upper end.", examples=[1])


class FileDoc(Doc):
    """Whole rows of a CSV, JSON Lines or Parquet file in the study's folder; its columns become attributes."""

    path: str = Field(min_length=1, description="The file, from the study's folder on.", examples=["people.csv"])
    columns: dict[AttributeName, str] | None = Field(
        default=None,
        description="Which columns, by the name of the attribute that each becomes. Default: all, by their own names.",
        examples=[{"age": "Age in years"}],
    )
    replace: bool = Field(default=False, description="Whether a row may be drawn more than once.", examples=[True])
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None, description="The file is refused if it is another one. Records hold it.", examples=["0" * 64]
    )


def _from_path(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


SOURCES: Final = (
    "normal",
    "lognormal",
    "uniform",
    "integer",
    "poisson",
    "beta",
    "choice",
    "quota",
    "constant",
    "template",
    "number",
    "by",
    "file",
)


class AttributeDoc(Doc):
    """What an attribute is drawn from: one of these keys; with `by` also `each` and perhaps `otherwise`."""

    normal: NormalDoc | None = Field(default=None, description="Around a mean.", examples=[{"mean": 45, "sd": 15}])
    lognormal: LognormalDoc | None = Field(
        default=None, description="Above 0, with a long tail.", examples=[{"mu": 10.0, "sigma": 0.5}]
    )
    uniform: _bounds(_Number) | None = Field(  # type: ignore[valid-type]
        default=None, description="Each number between two equally likely.", examples=[[-1, 1]]
    )
    integer: _bounds(_Whole) | None = Field(  # type: ignore[valid-type]
        default=None, description="Each whole number from one to another equally likely.", examples=[[18, 90]]
    )
    poisson: Annotated[float, Field(gt=0, le=MAX_POISSON)] | None = Field(
        default=None, description="How many of many rare things happen, with this mean.", examples=[2.5]
    )
    beta: BetaDoc | None = Field(
        default=None, description="Between two ends, with a shape.", examples=[{"a": 2, "b": 5}]
    )
    choice: OptionsDoc | None = Field(
        default=None,
        description="One of several options: a mapping of them to weights, or a list, whose order counts where "
        "attributes are correlated.",
        examples=[{"left": 0.45, "right": 0.45, "none": 0.1}],
    )
    quota: OptionsDoc | None = Field(
        default=None,
        description="As `choice`, but the shares are met exactly (largest remainder); who gets what is drawn. The only "
        "source by which an agent may get another value in a population of another size.",
        examples=[{"left": 0.5, "right": 0.5}],
    )
    constant: Scalar | None = Field(default=None, description="The same for all.", examples=["Bern"])
    template: _Template | None = Field(
        default=None,
        description="A text over `number` and other attributes.",
        examples=["{{ age }} years old"],
    )
    number: _Template | None = Field(
        default=None,
        description="A template that prints a number.",
        examples=["{{ 2 * age }}"],
    )
    by: AttributeName | None = Field(
        default=None, description="Drawn from another source for each value of this attribute.", examples=["party"]
    )
    each: dict[str, AttributeDoc] | None = Field(
        default=None,
        description="With `by`: the source for each value.",
        examples=[{"left": {"normal": {"mean": -0.5, "sd": 0.2}}}],
    )
    otherwise: AttributeDoc | None = Field(
        default=None, description="With `by`: the source for all other values.", examples=[{"uniform": [-1, 1]}]
    )
    file: Annotated[FileDoc, BeforeValidator(_from_path, json_schema_input_type=FileDoc | str)] | None = Field(
        default=None,
        description="Whole rows of a file; its columns become attributes, and this attribute's own name none.",
        examples=["people.csv"],
    )
    digits: Annotated[int, Field(ge=0, le=15)] | None = Field(
        default=None,
        alias="round",
        description="Numbers are rounded to so many digits after the point; 0 makes them whole.",
        examples=[0],
    )

    @property
    def sources(self) -> list[str]:
        """Which of the keys are there."""
        return [name for name in SOURCES if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        found = self.sources
        if len(found) != 1:
            text = f"an attribute is drawn from one source, not from {' and '.join(found)}"
            remedy = f"Write one of: {', '.join(SOURCES)}."
            raise refusal(text if found else "it is not said what the attribute is drawn from", remedy)
        if found == ["by"] and not self.each:
            raise refusal("`by` needs `each`, a source for each value", "Write `each: {left: {uniform: [-1, 0]}}`.")
        if found != ["by"] and (self.each is not None or self.otherwise is not None):
            raise refusal("`each` and `otherwise` stand beside `by` only", "Add `by:` or delete them.")
        return self


class CorrelationDoc(Doc):
    """Between two attributes drawn from numbers or from a list of options (a Gaussian copula)."""

    between: Annotated[tuple[AttributeName, ...], Field(strict=False, min_length=2, max_length=2)] = Field(
        description="The two attributes.", examples=[["age", "income"]]
    )
    value: Annotated[float, Field(gt=-1, lt=1)] = Field(
        description="The correlation of the normal draws behind both. It is that of normal attributes; of uniform ones "
        "it is a little less (0.48 for 0.5).",
        examples=[0.5],
    )


class BetweenDoc(Doc):
    """A number from `min` to `max`, both included."""

    low: _Number | None = Field(default=None, alias="min", description="The smallest.", examples=[18])
    high: _Number | None = Field(default=None, alias="max", description="The largest.", examples=[30])


_Values = Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1)]


def _as_condition(value: Any) -> Any:
    """One value stands for a list of one."""
    return value if isinstance(value, (dict, list, tuple, BetweenDoc)) else [value]


ConditionDoc = Annotated[
    Annotated[BetweenDoc, Tag(MAPPING)] | Annotated[_Values, Tag(LIST)],
    Discriminator(form_of),
    BeforeValidator(_as_condition, json_schema_input_type=BetweenDoc | _Values | Scalar),
]
WhereDoc = dict[AttributeName, ConditionDoc]


class GroupDoc(Doc):
    """What is different for some of a population. Of several groups that an agent fits the first one counts."""

    where: WhereDoc = Field(
        description="By attribute: a value, a list of values, or `{min: ..., max: ...}`. Who meets all of it fits.",
        examples=[{"party": "left"}],
    )
    role: RoleName | None = Field(default=None, description="In place of the population's role.", examples=["chair"])
    model: ModelDoc | None = Field(
        default=None,
        description="What answers for them. Keys left out come from the population's model.",
        examples=[{"temperature": 0.2}],
    )
    memory: MemoryDoc | None = Field(
        default=None,
        description="What they are shown of the past; the population's memory if left out.",
        examples=[{"kind": "summary", "utterances": 10}],
    )


class DrawnDoc(Doc):
    """A population as it was drawn; in the order of the agents' numbers."""

    names: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        description="Of the agents.", examples=[["agent0001"]]
    )
    attributes: dict[AttributeName, _Cells] = Field(
        default_factory=dict, description="Values of each attribute; `null` is no value.", examples=[{"age": [52]}]
    )
    groups: Annotated[tuple[int, ...], Field(strict=False)] | None = Field(
        default=None, description="For each agent, which of `groups` counts, from 0; -1 for none.", examples=[[0]]
    )

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        columns = [*self.attributes.values(), *(() if self.groups is None else (self.groups,))]
        if any(len(column) != len(self.names) for column in columns):
            raise refusal("there are not as many values as names", "Give each agent one, or `null`.")
        return self


class PopulationDoc(Doc):
    """Agents drawn by the thousand. The same seed draws the same people, whatever the size and the other attributes."""

    size: int = Field(ge=1, le=MAX_SIZE, description="How many agents.", examples=[1000])
    name: str | None = Field(
        default=None,
        description="Template of their names over `number` (from 1) and attributes. Default: agent0001, agent0002...",
        examples=["citizen {{ number }}"],
    )
    persona: str | None = Field(
        default=None,
        description="Template of their personas over `name` and attributes. Default: the presets' texts.",
        examples=["You are {{ name }}, {{ age }} years old."],
    )
    presets: Annotated[tuple[Preset, ...], Field(strict=False)] = Field(
        default=(),
        description="Attributes that come with the package, each with a text of the preset's name for the persona.",
        examples=[["big_five", "goals"]],
    )
    attributes: dict[AttributeName, AttributeDoc] = Field(
        default_factory=dict,
        description="What is drawn for each agent, by name.",
        examples=[{"age": {"normal": {"mean": 45, "sd": 15, "min": 18, "max": 90}, "round": 0}}],
    )
    correlations: Annotated[tuple[CorrelationDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="Between pairs of attributes; other pairs have none.",
        examples=[[{"between": ["age", "income"], "value": 0.5}]],
    )
    role: RoleName | None = Field(default=None, description="The role of all of them.", examples=["citizen"])
    model: ModelDoc | None = Field(
        default=None,
        description="What answers for them. Keys left out come from the study's model.",
        examples=[{"temperature": 0.2}],
    )
    memory: MemoryDoc | None = Field(
        default=None,
        description="What they are shown of the past, in place of what their channels say.",
        examples=[{"kind": "summary", "utterances": 10}],
    )
    groups: Annotated[tuple[GroupDoc, ...], Field(strict=False)] = Field(
        default=(),
        description="Roles, models and memories for some of them.",
        examples=[[{"where": {"party": "left"}, "model": {"temperature": 0.2}}]],
    )
    drawn: DrawnDoc | None = Field(
        default=None,
        description="The people as they were drawn, which records hold; nothing is drawn then.",
        examples=[{"names": ["agent0001"], "attributes": {"age": [52]}}],
    )

    @model_validator(mode="after")
    def _all_drawn(self) -> Self:
        if self.drawn is None:
            return self
        if len(self.drawn.names) != self.size:
            words = f"`drawn` holds {len(self.drawn.names)} agents, and `size` says {self.size}"
            raise refusal(words, "Delete `drawn` to draw them anew, or write its size.")
        if any(group >= len(self.groups) for group in self.drawn.groups or ()):
            raise refusal("`drawn` speaks of a group that is not there", "Delete `drawn` to draw them anew.")
        return self


class MembersDoc(Doc):
    """Agents by name, and those who fit a description."""

    agents: Annotated[tuple[AgentName, ...], Field(strict=False)] = Field(
        default=(), description="Names, first in order.", examples=[["BOT1"]]
    )
    where: WhereDoc | None = Field(
        default=None,
        description="By attribute: a value, a list of values, or `{min: ..., max: ...}`; who meets all of it. `{}`: "
        "everybody.",
        examples=[{"party": "left"}],
    )


Names = Annotated[tuple[AnyName, ...], Field(strict=False, min_length=1)]
Members = Annotated[
    Annotated[MembersDoc, Tag(MAPPING)] | Annotated[Names, Tag(LIST)],
    Discriminator(form_of),
    BeforeValidator(lambda value: value, json_schema_input_type=Names | MembersDoc),
]
