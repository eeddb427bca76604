"""Edge numbers past 2^31, on arrays of zeros that cost no memory as long as nobody writes to them."""

from __future__ import annotations

import numpy as np
import pytest

from heapsleuth.kernels import distances, dominators, essential, owners

EDGES = 2**31 + 10
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_edges_past_two_to_the_31_are_followed(dtype: type[np.unsignedinteger]) -> None:
    # Node 1 has all the edges; all but the last two lead back to the root.
    first = np.array([0, 1, EDGES, EDGES + 1, EDGES + 1], dtype)
    targets = np.zeros(EDGES + 1, np.uint32)
    targets[[0, EDGES - 2, EDGES - 1, EDGES]] = 1, 2, 3, 3
    types = np.zeros(EDGES + 1, np.uint8)

    flags = np.zeros(EDGES + 1, np.uint8)
    found, seen = np.array([0, -5, -5, -5], np.int32), np.array([1], np.uint8)
    none = np.empty(0, np.uint32)
    reached = distances.breadth_first(
        first, targets, flags, none, none, np.empty(0, np.uint8), seen, found, np.zeros(4, np.uint32), 1
    )
    assert reached == 4
    assert found.tolist() == [0, 1, 2, 2]

    shared, once = np.zeros((2, 1), np.uint8)
    dominators.mark_shared(targets, flags, once, shared)
    assert shared[0] == 0b1001  # the root and node 3
    numbers = np.full(4, dominators.NONE, np.uint32)
    nodes, parents, chains = (np.empty(4, np.uint32) for _ in range(3))
    lists, cells, sizes = np.empty((4, 2), np.uint32), np.empty((8, 2), np.uint32), np.zeros(2, np.int64)
    dominators.depth_first(
        first, targets, flags, shared, 0, numbers, nodes, parents, np.empty(4, dtype), chains, lists, cells,
        sizes,
    )  # fmt: skip
    dominators.find_dominators(cells, lists, 4, parents, np.empty(4, np.uint32))
    assert nodes[parents].tolist() == [0, 0, 1, 1]
    assert nodes.tolist() == [0, 1, 2, 3]

    owned = np.empty(4, np.uint32)
    ownable = np.array([0, 0, 1, 1], np.uint8)
    owners.find_owners(first, types, targets, ownable, owned, np.empty(8, np.uint32))
    assert owned.tolist() == [0, 1, 1, 1]

    essential.classify_edges(first, types, targets, flags)  # the only step that writes: 2 GiB
    assert flags[[0, EDGES - 2, EDGES - 1, EDGES]].tolist() == [0, 0, 0, 0]
    types[EDGES] = 6
    essential.classify_edges(first, types, targets, flags)
    assert flags[EDGES] == essential.WEAK | essential.INESSENTIAL
