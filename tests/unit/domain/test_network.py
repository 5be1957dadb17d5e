"""Who hears whom, edges that come and go, weights, and the shape of a network."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_social_sim.domain.ids import AgentId
from genai_social_sim.domain.network import Edge, Network, complete, hears
from genai_social_sim.domain.topology import topology
from genai_social_sim.testing.plans import small_network

ADA, BO, CY = map(AgentId, ("ada", "bo", "cy"))
NAMES = tuple(AgentId(f"n{number}") for number in range(7))
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20)


def test_an_edge_is_heard_both_ways_unless_the_network_has_directions() -> None:
    network = small_network("ada bo cy", "ada-bo")
    assert hears(network, speaker=ADA, listener=BO)
    assert hears(network, speaker=BO, listener=ADA)
    assert not hears(network, speaker=CY, listener=BO)
    directed = small_network("ada bo cy", "ada>bo")
    assert hears(directed, speaker=ADA, listener=BO)
    assert not hears(directed, speaker=BO, listener=ADA)


def test_without_a_network_everybody_hears_everybody_and_always_itself() -> None:
    assert hears(None, speaker=ADA, listener=BO)
    assert hears(small_network("ada bo", ""), speaker=ADA, listener=ADA)
    assert all(hears(complete(NAMES), speaker=one, listener=other) for one in NAMES for other in NAMES)


def test_weights_are_those_of_the_edges_and_of_loops() -> None:
    network = small_network("ada bo cy", "ada>bo:0.5 bo>bo:0.25 cy>bo")
    weights = [network.weight(speaker=each, listener=BO) for each in (ADA, BO, CY)]
    assert weights == [0.5, 0.25, 1.0]
    assert network.weight(speaker=BO, listener=ADA) == 0.0
    assert not small_network("ada bo", "ada-bo").weighted


@given(PAIRS, PAIRS, st.booleans())
def test_edges_that_come_and_go_leave_those_that_a_new_network_would_have(
    first: list[tuple[AgentId, AgentId]], gone: list[tuple[AgentId, AgentId]], directed: bool
) -> None:
    network = Network.of(NAMES, [Edge(*pair, 0.5) for pair in first], directed=directed).without(gone)
    away = {*gone} if directed else {*gone, *((other, one) for one, other in gone)}
    left = Network.of(NAMES, [Edge(*pair, 0.5) for pair in first if pair not in away], directed=directed)
    assert [*network.edges] == [*left.edges]
    assert [*network.with_(left.edges).edges] == [*left.edges]


@given(PAIRS, st.booleans())
def test_a_network_made_of_its_own_edges_is_the_same(pairs: list[tuple[AgentId, AgentId]], directed: bool) -> None:
    network = Network.of(NAMES, [Edge(*pair, 2.0) for pair in pairs], directed=directed)
    assert Network.of(NAMES, network.edges, directed=directed) == network


def test_an_edge_to_a_stranger_is_refused() -> None:
    with pytest.raises(KeyError):
        Network.of((ADA,), [Edge(ADA, BO)])


@given(st.integers(0, 500), st.sampled_from([0.1, 0.3, 0.8]))
def test_the_shape_is_what_networkx_says(seed: int, p: float) -> None:
    graph = nx.gnp_random_graph(7, p, seed=seed)
    shape = topology(Network.of(NAMES, [Edge(NAMES[one], NAMES[other]) for one, other in graph.edges]))
    degrees = [degree for _, degree in graph.degree]
    assert (shape.edges, shape.least_degree, shape.most_degree) == (len(graph.edges), min(degrees), max(degrees))
    assert shape.clustering == pytest.approx(nx.average_clustering(graph), abs=1e-6)
    assert shape.components == nx.number_connected_components(graph)
    assert shape.largest_component == max(map(len, nx.connected_components(graph)))
