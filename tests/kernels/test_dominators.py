"""The dominator kernels on graphs as arrays: hand-drawn shapes, random graphs, wide offsets."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from kernel_choice import interpreted

from heapsleuth.kernels import dominators as compiled

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

Graph = list[list[int]]


@pytest.fixture(params=["built", "interpreted"])
def kernels(request: pytest.FixtureRequest) -> ModuleType:
    return compiled if request.param == "built" else interpreted("dominators")


def arrays(graph: Graph, dtype: Any) -> tuple[NDArray[Any], NDArray[np.uint32]]:
    first = np.zeros(len(graph) + 1, dtype)
    first[1:] = np.cumsum([len(targets) for targets in graph])
    return first, np.array([target for targets in graph for target in targets], np.uint32)


def dominators(kernels: ModuleType, graph: Graph, dtype: Any = np.uint32) -> list[int]:
    """Return immediate dominators by node, of graphs all of whose nodes are reachable from node 0."""
    first, targets = arrays(graph, dtype)
    count = len(graph)
    flags = np.zeros(len(targets), np.uint8)
    shared, once = np.zeros((2, (count + 7) // 8), np.uint8)
    kernels.mark_shared(targets, flags, once, shared)
    numbers = np.full(count, kernels.NONE, np.uint32)
    nodes, parents, chains = (np.empty(count, np.uint32) for _ in range(3))
    lists = np.empty((count, 2), np.uint32)
    cells = np.empty((len(targets) + 1, 2), np.uint32)
    sizes = np.zeros(2, np.int64)
    kernels.depth_first(
        first, targets, flags, shared, 0, numbers, nodes, parents, np.empty(count, dtype), chains, lists,
        cells, sizes,
    )  # fmt: skip
    assert sizes[0] == count
    kernels.find_dominators(cells, lists, count, parents, np.empty(count, np.uint32))
    found = np.empty(count, np.int64)
    found[nodes] = nodes[parents]
    return found.tolist()


def reachable(graph: Graph, without: int) -> set[int]:
    done, todo = {0}, [0]
    while todo:
        for target in graph[todo.pop()]:
            if target not in done and target != without:
                done.add(target)
                todo.append(target)
    return done


def slow_dominators(graph: Graph) -> list[int]:
    """Return for each node the closest of those without which it cannot be reached."""
    everything = set(range(len(graph)))
    dominated = [
        everything - reachable(graph, without=node) if node else everything for node in range(len(graph))
    ]
    return [0] + [
        min(
            (other for other in everything if other != node and node in dominated[other]),
            key=lambda other: len(dominated[other]),
        )
        for node in range(1, len(graph))
    ]


def random_graph(seed: int) -> Graph:
    """Return a graph all of whose nodes are reachable: chains, trees, rings, hubs, repeated edges."""
    rnd = random.Random(seed)
    count = rnd.randint(2, 60)
    graph: Graph = [[] for _ in range(count)]
    reach_back = rnd.choice([1, 2, 5, count])
    for node in range(1, count):
        graph[rnd.randint(max(0, node - reach_back), node - 1)].append(node)
    hubs = rnd.sample(range(count), k=min(count, 3))
    for _ in range(rnd.randint(0, 2 * count)):
        source = rnd.randrange(count)
        target = rnd.choice(hubs) if rnd.random() < 0.4 else rnd.randrange(count)
        graph[source] += [target] * rnd.choice([1, 1, 2])
    for targets in graph:
        rnd.shuffle(targets)
    names = [0, *rnd.sample(range(1, count), k=count - 1)]
    renamed: Graph = [[] for _ in range(count)]
    for node, targets in enumerate(graph):
        renamed[names[node]] = [names[target] for target in targets]
    return renamed


HAND_DRAWN = {
    "a chain": ([[1], [2], [3], []], [0, 0, 1, 2]),
    "a diamond": ([[1, 2], [3], [3], []], [0, 0, 0, 0]),
    "a diamond below a node": ([[1], [2, 3], [4], [4], []], [0, 0, 1, 1, 1]),
    "a ring entered at two places": ([[1, 3], [2], [3], [1]], [0, 0, 1, 0]),
    "a way back to an ancestor": ([[1], [2], [3, 1], [1]], [0, 0, 1, 2]),
    "a way forward past two nodes": ([[1], [2, 4], [3], [4], []], [0, 0, 1, 2, 1]),
    "crossing from a later branch": ([[1, 5], [2], [3], [4], [], [4, 6], [3]], [0, 0, 1, 0, 0, 0, 5]),
    # Lengauer and Tarjan 1979, figure 1: R A B C D E F G H I J K L.
    "the graph of the paper": (
        [[1, 2, 3], [4], [1, 4, 5], [6, 7], [12], [8], [9], [9, 10], [5, 11], [11], [9], [9, 0], [8]],
        [0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 7, 0, 4],
    ),
}


@pytest.mark.parametrize("name", HAND_DRAWN)
def test_hand_drawn_graphs_have_the_dominators_one_sees(name: str, kernels: ModuleType) -> None:
    graph, expected = HAND_DRAWN[name]
    assert slow_dominators(graph) == expected
    assert dominators(kernels, graph) == expected
    assert dominators(kernels, graph, np.uint64) == expected


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_have_the_dominators_that_removal_shows(seed: int, kernels: ModuleType) -> None:
    graph = random_graph(seed)
    assert dominators(kernels, graph) == slow_dominators(graph)


def test_thousands_of_random_graphs_have_the_dominators_that_removal_shows() -> None:
    for seed in range(1000, 3000):
        graph = random_graph(seed)
        assert dominators(compiled, graph) == slow_dominators(graph), seed


def test_a_long_chain_with_ways_back_and_over_each_node_needs_no_recursion() -> None:
    count = 200_000
    graph = [[node + 1, max(0, node - 1), min(node + 2, count - 1), 0] for node in range(count - 1)] + [[0]]
    assert dominators(compiled, graph) == [0] * count
