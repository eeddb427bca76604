# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Immediate dominators over essential edges.

The semi-NCA algorithm: L. Georgiadis, R. E. Tarjan, R. F. Werneck, *Finding Dominators in Practice*,
Journal of Graph Algorithms and Applications 10 (2006) 69-94, which builds on T. Lengauer and R. E.
Tarjan, *A Fast Algorithm for Finding Dominators in a Flowgraph*, TOPLAS 1 (1979) 121-141.

Everything after the depth-first search works on depth-first numbers ("numbers" below), where a node and
its tree neighbours are close in memory.  Only edges that are not tree edges are kept for the second pass,
as linked lists filled during the search, so the edges are read once.  Nothing recurses.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["NONE", "depth_first", "find_dominators", "mark_strongly_held"]

NONE = 0xFFFFFFFF
"""Number of a node the search has not reached; end of a list."""

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def depth_first(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    states: cython.uint[:, ::1],
    nodes: cython.uint[::1],
    parents: cython.uint[::1],
    cursors: Offset[::1],
    crossings: cython.uint[:, ::1],
    sizes: cython.longlong[::1],
) -> None:
    """
    Number the nodes reachable from *start* over essential edges and note every other edge met.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) edges with `INESSENTIAL` (8) are passed over.
        start: Node to start from, not numbered yet; its tree parent is number 0.
        states: (n, 2) uint32 (input and output) per node its number and the head of its list in
            `crossings`; all `NONE` before the first call.
        nodes: (n,) uint32 (output) node by number.
        parents: (n,) uint32 (output) number of the tree parent, by number.
        cursors: (n,) like `first_edges` (scratch).
        crossings: (c, 2) uint32 (output) list cells: number the edge leaves, next cell.
        sizes: (2,) int64 (input and output) how many numbers and how many cells are in use.

    Time complexity: O(reached nodes + their edges).
    """
    number: cython.Py_ssize_t
    node: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    first: cython.Py_ssize_t = sizes[0]
    count: cython.Py_ssize_t = sizes[0]
    cells: cython.Py_ssize_t = sizes[1]
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        number = count
        states[start, 0] = cython.cast(cython.uint, number)
        nodes[number] = cython.cast(cython.uint, start)
        parents[number] = 0
        edge = cython.cast(cython.Py_ssize_t, first_edges[start])
        end = cython.cast(cython.Py_ssize_t, first_edges[start + 1])
        count += 1
        while True:
            while edge < end:
                if flags[edge] & 8:
                    edge += 1
                    continue
                target = edge_targets[edge]
                edge += 1
                if states[target, 0] == none:
                    cursors[number] = edge
                    parents[count] = cython.cast(cython.uint, number)
                    number = count
                    states[target, 0] = cython.cast(cython.uint, number)
                    nodes[number] = cython.cast(cython.uint, target)
                    edge = cython.cast(cython.Py_ssize_t, first_edges[target])
                    end = cython.cast(cython.Py_ssize_t, first_edges[target + 1])
                    count += 1
                else:
                    crossings[cells, 0] = cython.cast(cython.uint, number)
                    crossings[cells, 1] = states[target, 1]
                    states[target, 1] = cython.cast(cython.uint, cells)
                    cells += 1
            if number == first:
                break
            number = parents[number]
            edge = cython.cast(cython.Py_ssize_t, cursors[number])
            node = nodes[number]
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
    sizes[0] = count
    sizes[1] = cells


def mark_strongly_held(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    states: cython.const[cython.uint][:, ::1],
    held: cython.uchar[::1],
) -> None:
    """
    Mark the nodes that an essential edge of an unnumbered node leads to.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input).
        states: (n, 2) uint32 (input) as left by `depth_first`.
        held: (n,) uint8 (output) 1 where such an edge arrives; zeroed by the caller.

    Time complexity: O(n + edges of unnumbered nodes).
    """
    node: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = states.shape[0]
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for node in range(count):
            if states[node, 0] != none:
                continue
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                if not flags[edge] & 8:
                    held[edge_targets[edge]] = 1
                edge += 1


def find_dominators(
    states: cython.const[cython.uint][:, ::1],
    nodes: cython.const[cython.uint][::1],
    crossings: cython.const[cython.uint][:, ::1],
    count: cython.Py_ssize_t,
    parents: cython.uint[::1],
    semi: cython.uint[::1],
    forest: cython.uint[:, ::1],
) -> None:
    """
    Turn tree parents into immediate dominators.

    Args:
        states: (n, 2) uint32 (input) as left by `depth_first`.
        nodes: (n,) uint32 (input) node by number.
        crossings: (c, 2) uint32 (input) list cells.
        count: How many nodes are numbered.
        parents: (n,) uint32 (input and output) by number: tree parent in, immediate dominator out.
        semi: (n,) uint32 (scratch).
        forest: (n, 2) uint32 (scratch).

    Time complexity: O((n + c) log n) at worst, close to linear on heaps.
    """
    number: cython.Py_ssize_t
    at: cython.Py_ssize_t
    upper: cython.Py_ssize_t
    below: cython.Py_ssize_t
    cell: cython.uint
    best: cython.uint
    label: cython.uint
    top: cython.uint
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for number in range(count):
            forest[number, 0] = parents[number]
            forest[number, 1] = cython.cast(cython.uint, number)
        for number in range(count - 1, 0, -1):
            best = parents[number]
            cell = states[nodes[number], 1]
            while cell != none:
                at = crossings[cell, 0]
                cell = crossings[cell, 1]
                if at <= number:
                    # An ancestor, not linked yet: it stands for itself.
                    if at < best:
                        best = cython.cast(cython.uint, at)
                    continue
                # Climb to the top of the linked tree, turning the pointers round, then come back down
                # handing on the smallest label: path compression without a stack.
                below = 0
                while forest[at, 0] > number:
                    upper = forest[at, 0]
                    forest[at, 0] = cython.cast(cython.uint, below)
                    below = at
                    at = upper
                top = forest[at, 0]
                label = forest[at, 1]
                while below != 0:
                    at = below
                    below = forest[at, 0]
                    forest[at, 0] = top
                    if label < forest[at, 1]:
                        forest[at, 1] = label
                    else:
                        label = forest[at, 1]
                if label < best:
                    best = label
            semi[number] = best
            forest[number, 1] = best
        for number in range(1, count):
            at = parents[number]
            best = semi[number]
            while at > best:
                at = parents[at]
            parents[number] = cython.cast(cython.uint, at)
