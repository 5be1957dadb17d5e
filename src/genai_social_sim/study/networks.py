"""Networks as checked documents: generators by name with their parameters, edges in the study, or a file beside it.

What depends on the number of members is checked where a network is made (`graphs`).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from genai_social_sim.study.base import AnyName, AttributeName, Doc, from_word
from genai_social_sim.study.words import refusal

_END: Final = {"anyOf": [{"type": "string"}, {"type": "number"}]}
_EDGES: Final = {"type": "array", "items": {"type": "array", "items": _END, "minItems": 2, "maxItems": 3}}
_Share = Annotated[float, Field(ge=0, le=1)]
EdgeRow = tuple[str, str, float | None]  # without a weight of its own: None


def _edges(value: Any) -> tuple[EdgeRow, ...]:
    if not isinstance(value, (list, tuple)):
        raise refusal("edges are a list", "Write for example `[[ADA, BO], [BO, CY]]`.")
    return tuple([_edge(row) for row in value])


def _edge(row: Any) -> EdgeRow:
    example = "Write `[SPEAKER, LISTENER]`, perhaps with a weight of at least 0: `[ADA, BO, 0.5]`."
    if not isinstance(row, (list, tuple)) or len(row) not in (2, 3) or not all(isinstance(end, str) for end in row[:2]):
        raise refusal(f"{row!r} is no edge", example)
    if len(row) == 2:  # noqa: PLR2004 (two ends without a weight)
        return row[0], row[1], None
    weight = row[2]
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not (weight >= 0 and math.isfinite(weight)):
        raise refusal(f"the edge between {row[0]!r} and {row[1]!r} has the weight {weight!r}", example)
    return row[0], row[1], float(weight)


Edges = Annotated[tuple[EdgeRow, ...], PlainValidator(_edges), WithJsonSchema(_EDGES)]


class DrawnNetworkDoc(Doc):
    """What came of a network in one run. It stands in records; studies do without."""

    directed: bool = Field(default=False, description="Whether a listener need not be heard by who it hears.")
    edges: Edges = Field(description="Speaker, listener and perhaps a weight of each edge.", examples=[[["ADA", "BO"]]])


class _Network(Doc):
    shuffled: bool = Field(
        default=False, description="Whether the run's seed draws who has which place in it.", examples=[True]
    )
    drawn: DrawnNetworkDoc | None = Field(
        default=None,
        description="What came of it. It stands in records; studies do without.",
        examples=[{"edges": [["ADA", "BO"]]}],
    )


class _RandomNetwork(_Network):
    seed: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        description="Draws it in place of the run's seed, so that all runs have the same network.",
        examples=[1],
    )


class CompleteDoc(_Network):
    """Everybody hears everybody, as without a network."""

    kind: Literal["complete"] = Field(description="The kind of network.", examples=["complete"])


class RingDoc(_Network):
    """Each hears the next and the one before, in the order of names; directed: the one before alone."""

    kind: Literal["ring"] = Field(description="The kind of network.", examples=["ring"])
    directed: bool = Field(default=False, description="Whether words go one way round only.", examples=[True])


class GridDoc(_Network):
    """Rows and columns in the order of names; each hears those beside, above and below it."""

    kind: Literal["grid"] = Field(description="The kind of network.", examples=["grid"])
    rows: int = Field(ge=1, description="How many rows; the number of members is a multiple of it.", examples=[10])
    periodic: bool = Field(default=False, description="Whether the edges meet: a torus.", examples=[True])


class StarDoc(_Network):
    """One in the middle hears all others and is heard by them, who do not hear each other."""

    kind: Literal["star"] = Field(description="The kind of network.", examples=["star"])
    center: AnyName | None = Field(
        default=None, description="Who is in the middle; the first by name if left out.", examples=["HUB"]
    )


class WattsStrogatzDoc(_RandomNetwork):
    """A small world: a ring in which each hears its `k` nearest, and each edge is rewired with the chance `p`."""

    kind: Literal["watts_strogatz"] = Field(description="The kind of network.", examples=["watts_strogatz"])
    k: int = Field(ge=2, description="Neighbours on the ring, an even number.", examples=[8])
    p: _Share = Field(description="The chance that an edge is rewired: 0 is a lattice.", examples=[0.1])


class BarabasiAlbertDoc(_RandomNetwork):
    """Preferential attachment: each newcomer joins `m` of those there, in proportion to their degrees."""

    kind: Literal["barabasi_albert"] = Field(description="The kind of network.", examples=["barabasi_albert"])
    m: int = Field(ge=1, description="Edges of each newcomer.", examples=[3])


class PowerlawClusterDoc(_RandomNetwork):
    """Preferential attachment in which each new edge closes a triangle with the chance `p` (Holme and Kim)."""

    kind: Literal["powerlaw_cluster"] = Field(description="The kind of network.", examples=["powerlaw_cluster"])
    m: int = Field(ge=1, description="Edges of each newcomer.", examples=[3])
    p: _Share = Field(description="The chance of a triangle.", examples=[0.5])


class ErdosRenyiDoc(_RandomNetwork):
    """Each pair is joined with the same chance."""

    kind: Literal["erdos_renyi"] = Field(description="The kind of network.", examples=["erdos_renyi"])
    p: _Share = Field(description="The chance of each edge.", examples=[0.01])
    directed: bool = Field(default=False, description="Whether each direction is drawn by itself.", examples=[True])


class RandomRegularDoc(_RandomNetwork):
    """A network drawn from all in which everybody has the same number of neighbours."""

    kind: Literal["random_regular"] = Field(description="The kind of network.", examples=["random_regular"])
    d: int = Field(ge=1, description="Neighbours of each.", examples=[4])


class _Groups(_RandomNetwork):
    sizes: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(strict=False, min_length=1)] | None = Field(
        default=None, description="Members of each group, who belong to them in the order of names.", examples=[[5, 5]]
    )
    by: AttributeName | None = Field(
        default=None, description="An attribute of all members, in place of `sizes`: its values are the groups.",
        examples=["party"],
    )  # fmt: skip


class StochasticBlockDoc(_Groups):
    """Groups: pairs are joined with one chance within a group and with another between groups."""

    kind: Literal["stochastic_block"] = Field(description="The kind of network.", examples=["stochastic_block"])
    p_in: _Share = Field(description="The chance of an edge within a group.", examples=[0.5])
    p_out: _Share = Field(description="The chance of an edge between groups.", examples=[0.01])


class CliquesDoc(_Groups):
    """Groups in which everybody hears everybody, joined by bridges."""

    kind: Literal["cliques"] = Field(description="The kind of network.", examples=["cliques"])
    bridges: int = Field(default=1, ge=0, description="Edges drawn between each two groups.", examples=[2])


class EdgesDoc(_Network):
    """The edges themselves."""

    kind: Literal["edges"] = Field(description="The kind of network.", examples=["edges"])
    edges: Edges = Field(
        description="Each `[SPEAKER, LISTENER]`, perhaps with a weight: the listener hears the speaker.",
        examples=[[["ADA", "BO"], ["BO", "CY", 0.5]]],
    )
    directed: bool = Field(
        default=False, description="Whether the speaker hears the listener only by an edge of its own."
    )


class NetworkFileDoc(_Network):
    """A file in the study's folder: `.graphml`, `.json`, or `.csv` with the columns source, target, perhaps weight."""

    kind: Literal["file"] = Field(description="The kind of network.", examples=["file"])
    path: str = Field(
        min_length=1,
        description="The file. JSON holds a list of edges, or for each name the names that hear it (or their weights).",
        examples=["friends.graphml"],
    )
    directed: bool | None = Field(
        default=None,
        description="Whether an edge goes from source to target only; if left out what GraphML says, else no.",
        examples=[True],
    )


GroupedDoc = StochasticBlockDoc | CliquesDoc
AnyNetwork = Annotated[
    CompleteDoc
    | RingDoc
    | GridDoc
    | StarDoc
    | WattsStrogatzDoc
    | BarabasiAlbertDoc
    | PowerlawClusterDoc
    | ErdosRenyiDoc
    | RandomRegularDoc
    | StochasticBlockDoc
    | CliquesDoc
    | EdgesDoc
    | NetworkFileDoc,
    Field(discriminator="kind"),
]
NetworkDoc = Annotated[
    AnyNetwork, BeforeValidator(from_word, json_schema_input_type=AnyNetwork | Literal["complete", "ring", "star"])
]
