"""Networks as GraphML, read back by networkx."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx
import pytest
from tests.unit.export.records import play, study_of

from genai_social_sim.export.graphml import write
from genai_social_sim.export.source import Source

EDGES = [["ada", "bo", 0.5], ["bo", "cy", 2]]


def played(**network: Any) -> Source:
    agents = [{"name": name, "attributes": {"age": 40, "note": "a < b & c"}} for name in ("ada", "bo", "cy")]
    hall = {"network": {"kind": "edges", **network}} if network else {}
    return play(study_of(turns=3) | {"agents": agents, "channels": {"hall": hall}}, lambda request: "Hm.")


def test_a_network_is_read_back_with_weights_and_attributes(tmp_path: Path) -> None:
    write(played(edges=EDGES), tmp_path)
    graph = networkx.read_graphml(tmp_path / "small.hall.graphml")
    assert not graph.is_directed()
    assert {frozenset(ends): data["weight"] for *ends, data in graph.edges(data=True)} == {
        frozenset(["ada", "bo"]): 0.5,
        frozenset(["bo", "cy"]): 2,
    }
    assert graph.nodes["ada"]["attribute_age"] == 40
    assert graph.nodes["ada"]["attribute_note"] == "a < b & c"
    assert graph.graph["everybody"] is False


def test_edges_with_a_direction_go_from_who_is_heard_to_who_hears(tmp_path: Path) -> None:
    write(played(edges=EDGES, directed=True), tmp_path)
    assert [*networkx.read_graphml(tmp_path / "small.hall.graphml").edges] == [("ada", "bo"), ("bo", "cy")]


def test_where_everybody_hears_everybody_there_are_nodes_alone(tmp_path: Path) -> None:
    write(played(), tmp_path)
    graph = networkx.read_graphml(tmp_path / "small.hall.graphml")
    assert (len(graph), graph.size(), graph.graph["everybody"]) == (3, 0, True)


def test_what_xml_cannot_hold_is_written_out(tmp_path: Path) -> None:
    (path, *_) = write(replace(played(), run="a\u0007b"), tmp_path)
    assert networkx.read_graphml(path).graph["run"] == "a⟨U+0007⟩b"


def test_files_have_names_of_their_own_whatever_the_labels(tmp_path: Path) -> None:
    source = played(edges=EDGES)
    found = write([replace(source, run=label) for label in ("a/b", "a b", "../c")], tmp_path)
    assert [path.name for path in found[:3]] == ["a_b.hall.graphml", "a_b.hall-2.graphml", ".._c.hall.graphml"]
    assert all(path.parent == tmp_path and path.exists() for path in found)


def test_every_key_is_a_column_of_the_codebook(tmp_path: Path) -> None:
    write(played(edges=EDGES), tmp_path)
    graph = networkx.read_graphml(tmp_path / "small.hall.graphml")
    words = (tmp_path / "codebook.md").read_text(encoding="utf-8")
    keys = {key for _, data in graph.nodes(data=True) for key in data} | {
        key for *_, data in graph.edges(data=True) for key in data
    }
    assert [key for key in keys if f"| `{key}` |" not in words and not key.startswith("attribute_")] == []


@pytest.mark.parametrize("directed", [False, True])
def test_the_same_run_gives_the_same_file(tmp_path: Path, directed: bool) -> None:
    source = played(edges=EDGES, directed=directed)
    one, other = (write(source, tmp_path / name)[0].read_bytes() for name in "ab")
    assert one == other
