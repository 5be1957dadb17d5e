"""The key `network`: generators, edges and files; what is drawn, what is recorded, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import networkx as nx
import pytest

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Network, hears
from genai_social_sim.domain.topology import topology
from genai_social_sim.errors import SpecError
from genai_social_sim.study.lowering import LoadedStudy, canonical, from_canonical, load, lower, parse

NAMES = tuple("abcdefghijkl")
STUDY = """
name: net
seed: 3
model: {{backend: scripted, answers: [hm]}}
agents:
{agents}
network: {network}
protocol: simultaneous
channels: {{hall: {{}}{more}}}
stop: {{rounds: 2}}
"""


def study(network: str, *, names: str = "abcdefghijkl", more: str = "") -> str:
    agents = "\n".join(f"- {{name: {name}, attributes: {{party: {'lr'[at % 2]}}}}}" for at, name in enumerate(names))
    return STUDY.format(agents=agents, network=network, more=more)


def loaded(network: str, **more: str) -> LoadedStudy:
    return parse(study(network, **more), source="study.yaml")


def drawn(network: str, *, seed: int = 3, **more: str) -> Network:
    found = lower(loaded(network, **more), seed=seed).channels[0].network
    assert found is not None
    return found


def degrees(network: Network) -> list[int]:
    return [len(sources) for sources in network.sources]


def test_a_ring_is_in_the_order_of_names_and_may_go_one_way() -> None:
    assert degrees(drawn("ring")) == [2] * 12
    assert hears(drawn("ring"), speaker=AgentId("l"), listener=AgentId("a"))
    assert degrees(drawn("{kind: ring, directed: true}")) == [1] * 12
    assert not hears(drawn("{kind: ring, directed: true}"), speaker=AgentId("b"), listener=AgentId("a"))


def test_a_grid_has_corners_unless_its_edges_meet() -> None:
    assert sorted(degrees(drawn("{kind: grid, rows: 3}"))) == [2] * 4 + [3] * 6 + [4] * 2
    assert degrees(drawn("{kind: grid, rows: 3, periodic: true}")) == [4] * 12


def test_a_star_has_the_named_one_in_its_middle() -> None:
    assert degrees(drawn("{kind: star, center: c}")) == [1, 1, 11] + [1] * 9


@pytest.mark.parametrize(
    ("network", "edges"),
    [
        ("{kind: watts_strogatz, k: 4, p: 0.3}", 24),
        ("{kind: barabasi_albert, m: 2}", 20),
        ("{kind: powerlaw_cluster, m: 2, p: 1}", 20),
        ("{kind: random_regular, d: 3}", 18),
        ("{kind: erdos_renyi, p: 1}", 66),
        ("{kind: erdos_renyi, p: 1, directed: true}", 132),
        ("{kind: stochastic_block, sizes: [4, 8], p_in: 1, p_out: 0}", 6 + 28),
        ("{kind: cliques, sizes: [6, 6], bridges: 1}", 31),
    ],
)
def test_generators_have_as_many_edges_as_they_must(network: str, edges: int) -> None:
    assert topology(drawn(network)).edges == edges


def test_a_lattice_of_watts_and_strogatz_hears_its_nearest() -> None:
    network = drawn("{kind: watts_strogatz, k: 4, p: 0}")
    assert [network.members[at] for at in network.sources[0]] == ["b", "c", "k", "l"]


def test_two_cliques_are_one_component_by_their_bridge_alone() -> None:
    assert topology(drawn("{kind: cliques, by: party, bridges: 0}")).components == 2
    assert topology(drawn("{kind: cliques, by: party}")).components == 1


def test_groups_by_an_attribute_hold_together() -> None:
    network = drawn("{kind: stochastic_block, by: party, p_in: 1, p_out: 0}")
    assert all(hears(network, speaker=AgentId("a"), listener=AgentId(other)) for other in "cegik")
    assert degrees(network) == [5] * 12


def test_the_seed_decides_and_another_seed_is_another_network() -> None:
    text = "{kind: erdos_renyi, p: 0.5}"
    assert drawn(text) == drawn(text)
    assert len({tuple(drawn(text, seed=seed).edges) for seed in range(20)}) == 20
    assert len({tuple(drawn(text[:-1] + ", seed: 5}", seed=seed).edges) for seed in range(20)}) == 1


def test_a_complete_network_is_none_and_changes_no_digest() -> None:
    text = study("complete")
    assert canonical(parse(text, source="s")) == canonical(parse(text.replace("network: complete\n", ""), source="s"))


def test_a_record_holds_what_was_drawn_and_is_read_without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    study_ = loaded("{kind: watts_strogatz, k: 4, p: 0.5}")
    text = canonical(study_, seed=9)
    monkeypatch.setattr(nx, "watts_strogatz_graph", None)
    again = from_canonical(text)
    assert lower(again, seed=1).channels[0].network == lower(again, seed=2).channels[0].network
    assert canonical(again, seed=1) == text
    assert json.loads(text)["channels"]["hall"]["network"]["k"] == 4


def test_a_study_is_the_same_whatever_its_seed_but_its_records_are_not() -> None:
    study_ = loaded("{kind: erdos_renyi, p: 0.5}")
    assert "drawn" not in canonical(study_)
    assert canonical(study_, seed=1) != canonical(study_, seed=2)


def test_edges_in_the_study_may_have_weights_and_directions() -> None:
    network = drawn("{kind: edges, directed: true, edges: [[a, b, 0.5], [c, b]]}")
    assert [tuple(edge) for edge in network.edges] == [("a", "b", 0.5), ("c", "b", 1.0)]
    assert lower(from_canonical(canonical(loaded("{kind: edges, edges: [[a, b]]}")))).channels[0].network is not None


def test_in_a_channel_of_some_agents_the_network_of_the_study_is_what_is_left_of_it() -> None:
    plan = lower(loaded("{kind: edges, edges: [[a, b], [b, c]]}", more=", yard: {members: [b, c]}"))
    yard = plan.channels[1].network
    assert yard is not None
    assert [edge[:2] for edge in yard.edges] == [("b", "c")]


FILES = {
    "net.csv": "source,target,weight\na,b,0.5\nb,c,1\n",
    "net.json": '[["a", "b", 0.5], ["b", "c"]]',
    "by-name.json": '{"a": {"b": 0.5}, "b": ["c"]}',
}


@pytest.mark.parametrize("name", FILES)
def test_a_network_is_read_from_a_file_beside_the_study(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    (tmp_path / "study.yaml").write_text(study(f"{{kind: file, path: {name}}}"), encoding="utf-8")
    network = lower(load(tmp_path / "study.yaml")).channels[0].network
    assert network is not None
    assert [tuple(edge) for edge in network.edges] == [("a", "b", 0.5), ("b", "c", 1.0)]


def test_an_adjacency_list_says_on_each_line_who_hears_the_first(tmp_path: Path) -> None:
    (tmp_path / "net.adjlist").write_text("# of friends\na b c\nb\n\nc b # again\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(study("{kind: file, path: net.adjlist, directed: true}"), encoding="utf-8")
    network = lower(load(tmp_path / "study.yaml")).channels[0].network
    assert network is not None
    assert sorted(edge[:2] for edge in network.edges) == [("a", "b"), ("a", "c"), ("c", "b")]


def test_an_adjacency_list_is_read_as_networkx_writes_it(tmp_path: Path) -> None:
    nx.write_adjlist(nx.DiGraph([("a", "b"), ("c", "a"), ("c", "b")]), tmp_path / "net.adjlist")
    (tmp_path / "study.yaml").write_text(study("{kind: file, path: net.adjlist, directed: true}"), encoding="utf-8")
    network = lower(load(tmp_path / "study.yaml")).channels[0].network
    assert network is not None
    assert sorted(edge[:2] for edge in network.edges) == [("a", "b"), ("c", "a"), ("c", "b")]


def test_graphml_brings_its_directions_and_weights(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_edge("a", "b", weight=2.5)
    nx.write_graphml(graph, tmp_path / "net.graphml")
    (tmp_path / "study.yaml").write_text(study("{kind: file, path: net.graphml}"), encoding="utf-8")
    network = lower(load(tmp_path / "study.yaml")).channels[0].network
    assert network is not None
    assert ([tuple(edge) for edge in network.edges], network.directed) == ([("a", "b", 2.5)], True)


REFUSED = [
    ("{kind: watts_strogatz, k: 12, p: 0}", "network.k: 12 is too much for 12 members"),
    ("{kind: watts_strogatz, k: 3, p: 0}", "network.k: 3 is odd"),
    ("{kind: watts_strogatz, k: 4, p: 2}", "network.p: 2 must be at most 1"),
    ("{kind: random_regular, d: 12}", "network.d: 12 is too much"),
    ("{kind: grid, rows: 5}", "network.rows: 12 members do not fill 5 rows"),
    ("{kind: star, center: z}", "network.center: 'z' is no member"),
    ("{kind: cliques, sizes: [5, 5]}", "network.sizes: the groups have 10 members"),
    ("{kind: cliques, sizes: [6, 6], bridges: 37}", "network.bridges: there can be no 37 bridges"),
    ("{kind: cliques}", "network.kind: groups are told either by `sizes` or by `by`"),
    ("{kind: cliques, by: age}", "network.by: a has no attribute 'age'"),
    ("{kind: edges, edges: [[a, z]]}", "network.edges: there is no agent 'z'"),
    ("{kind: edges, edges: [[a]]}", "network.edges: ['a'] is no edge"),
    ("{kind: edges, edges: [[a, b, -1]]}", "network.edges: the edge between 'a' and 'b' has the weight -1"),
    ("{kind: file, path: net.csv}", "network.path: a study that is no file has no folder"),
    ("small_world", "network: there is no kind 'small_world'"),
]


@pytest.mark.parametrize(("network", "problem"), REFUSED)
def test_what_cannot_be_is_refused_at_its_key(network: str, problem: str) -> None:
    with pytest.raises(SpecError) as refusal:
        lower(loaded(network))
    assert problem in str(refusal.value)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        ("../net.csv", "", "lies outside of the study's folder"),
        ("none.csv", "", "cannot be read"),
        ("net.csv", "from,to\na,b\n", "does not begin with the line source,target"),
        ("net.csv", "source,target\na,b,c\n", "net.csv:2: 3 cells, not 2"),
        ("net.csv", "source,target,weight\na,b,much\n", "'much' is no weight"),
        ("net.json", "3", "holds no edges"),
        ("net.json", "{", "is no JSON"),
        ("net.json", '{"a": 3}', "'a' has no list of names"),
        ("net.json", "[[1]]", "is no edge"),
        ("net.graphml", "<x", "is no GraphML"),
        ("net.txt", "a b", "is of no known kind"),
        ("net.csv", "source,target\na,z\n", "there is no agent 'z'"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(path: str, text: str, problem: str, tmp_path: Path) -> None:
    if text:
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "study.yaml").write_text(study(f"{{kind: file, path: {path}}}"), encoding="utf-8")
    with pytest.raises(SpecError) as refusal:
        lower(load(tmp_path / "study.yaml"))
    assert problem in str(refusal.value)
    assert "network.path" in str(refusal.value)
