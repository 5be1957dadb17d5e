"""The table of edges, and what a network leaves out of others."""

from __future__ import annotations

from tests.unit.export.records import play, study_of

from genai_social_sim.export import society
from genai_social_sim.export.source import Source


def played(network: object) -> Source:
    return play(study_of("ada bo cy", protocol="simultaneous", network=network), lambda request: request.agent)


def test_each_edge_is_a_row() -> None:
    edges = [["ada", "bo"], ["cy", "bo", 0.5]]
    rows = list(society.edges(played({"kind": "edges", "directed": True, "edges": edges})))
    assert [[row[key] for key in ("speaker", "listener", "weight", "directed")] for row in rows] == [
        ["ada", "bo", 1.0, True],
        ["cy", "bo", 0.5, True],
    ]
    assert {row["channel"] for row in rows} == {"hall"}


def test_a_network_that_was_made_has_its_edges_and_its_recipe() -> None:
    source = played({"kind": "star", "center": "bo"})
    assert [(row["speaker"], row["listener"]) for row in society.edges(source)] == [("ada", "bo"), ("bo", "cy")]
    (channel,) = society.channels(source)
    assert (channel["network"], channel["network_options"]) == ("star", '{"center":"bo"}')


def test_without_a_network_there_are_no_edges() -> None:
    source = play(study_of("ada bo"), lambda request: request.agent)
    assert list(society.edges(source)) == []
    assert [row["network"] for row in society.channels(source)] == [None]


def test_where_not_all_hear_all_it_is_not_told_what_was_ignored() -> None:
    rows = society.analytics(played("ring"))
    assert {row["MessagesIgnored"] for row in rows} == {None}
