# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Immediate dominators over essential edges.

The semi-NCA algorithm: L. Georgiadis, R. E. Tarjan, R. F. Werneck, *Finding Dominators in Practice*,
Journal of Graph Algorithms and Applications 10 (2006) 69-94, which builds on T. Lengauer and R. E.
Tarjan, *A Fast Algorithm for Finding Dominators in a Flowgraph*, TOPLAS 1 (1979) 121-141.

Everything after the depth-first search works on depth-first numbers ("numbers" below), where a node and
its tree neighbours are close in memory.  The search itself notes what the second pass needs, less than
half of the edges, so that no predecessor lists are built and the edges are read once.  Nothing recurses.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["NONE", "depth_first", "find_dominators", "mark_shared", "mark_strongly_held", "name_dominators"]

NONE = 0xFFFFFFFF
"""Number of a node the search has not reached; end of a list."""

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def mark_shared(
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    once: cython.uchar[::1],
    shared: cython.uchar[::1],
) -> None:
    """
    Mark the nodes that more than one essential edge leads to.

    Args:
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) edges with `INESSENTIAL` (8) are passed over.
        once: (ceil(n / 8),) uint8 (scratch) zeroed by the caller.
        shared: (ceil(n / 8),) uint8 (output) a bit per node; zeroed by the caller.

    Time complexity: O(m).
    """
    edge: cython.Py_ssize_t
    target: cython.Py_ssize_t
    bit: cython.uchar
    count: cython.Py_ssize_t = edge_targets.shape[0]
    with cython.nogil:
        for edge in range(count):
            if flags[edge] & 8:
                continue
            target = edge_targets[edge]
            bit = cython.cast(cython.uchar, 1 << (target & 7))
            target >>= 3
            shared[target] |= once[target] & bit
            once[target] |= bit


def depth_first(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    shared: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    numbers: cython.uint[::1],
    nodes: cython.uint[::1],
    parents: cython.uint[::1],
    cursors: Offset[::1],
    chains: cython.uint[::1],
    lists: cython.uint[:, ::1],
    cells: cython.uint[:, ::1],
    sizes: cython.longlong[::1],
) -> None:
    """
    Number the nodes reachable from *start* over essential edges and note what else leads to them.

    Of the edges that are not tree edges only those are noted that can matter for semidominators.
    Let `v -> w` be one, and the *chain* of v its nearest ancestor (or v itself) that several edges lead
    to; everything between has its parent as semidominator.

    * Where the chain c lies after w (in numbers), v says the same as c; it is noted for w as a cell,
      unless the cell noted last is c or below c and so says at least as much.
    * Otherwise the path to v leaves the path to w at their nearest common ancestor, and no
      semidominator on it is smaller.  That ancestor only ever rises while the search goes on, so the
      last such v is all there is to note.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) edges with `INESSENTIAL` (8) are passed over.
        shared: (ceil(n / 8),) uint8 (input) a bit for at least those nodes that several edges lead to.
        start: Node to start from, not numbered yet; its tree parent is number 0.
        numbers: (n,) uint32 (input and output) number by node; all `NONE` before the first call.
        nodes: (n,) uint32 (output) node by number.
        parents: (n,) uint32 (output) number of the tree parent, by number.
        cursors: (n,) like `first_edges` (scratch) by depth, so that only as much is touched as the
            search goes deep: where to go on.
        chains: (n,) uint32 (scratch) by depth: number of the chain.
        lists: (n, 2) uint32 (output) by number: the last v of the second kind, first cell; or `NONE`.
        cells: (c, 2) uint32 (output) list cells: number the edge comes from, next cell.
        sizes: (2,) int64 (input and output) how many numbers and how many cells are in use.

    Time complexity: O(reached nodes + their edges).
    """
    number: cython.Py_ssize_t
    node: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    other: cython.uint
    chain: cython.uint
    head: cython.uint
    none: cython.uint = 0xFFFFFFFF
    count: cython.Py_ssize_t = sizes[0]
    used: cython.Py_ssize_t = sizes[1]
    depth: cython.Py_ssize_t = 0
    with cython.nogil:
        number = count
        numbers[start] = cython.cast(cython.uint, number)
        nodes[number] = cython.cast(cython.uint, start)
        parents[number] = 0
        chain = 0
        lists[number, 0] = none
        lists[number, 1] = none
        if (shared[start >> 3] >> (start & 7)) & 1:
            chain = cython.cast(cython.uint, number)
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
                other = numbers[target]
                if other == none:
                    cursors[depth] = edge
                    chains[depth] = chain
                    depth += 1
                    parents[count] = cython.cast(cython.uint, number)
                    if (shared[target >> 3] >> (target & 7)) & 1:
                        chain = cython.cast(cython.uint, count)
                    number = count
                    numbers[target] = cython.cast(cython.uint, number)
                    nodes[number] = cython.cast(cython.uint, target)
                    lists[number, 0] = none
                    lists[number, 1] = none
                    edge = cython.cast(cython.Py_ssize_t, first_edges[target])
                    end = cython.cast(cython.Py_ssize_t, first_edges[target + 1])
                    count += 1
                    continue
                if other > number or chain < other:
                    lists[other, 0] = cython.cast(cython.uint, number)
                elif chain > other:
                    head = lists[other, 1]
                    if head == none or cells[head, 0] < chain:
                        cells[used, 0] = chain
                        cells[used, 1] = head
                        lists[other, 1] = cython.cast(cython.uint, used)
                        used += 1
            if depth == 0:
                break
            depth -= 1
            number = parents[number]
            chain = chains[depth]
            edge = cython.cast(cython.Py_ssize_t, cursors[depth])
            node = nodes[number]
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
    sizes[0] = count
    sizes[1] = used


def mark_strongly_held(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    numbers: cython.const[cython.uint][::1],
    held: cython.uchar[::1],
) -> None:
    """
    Mark the nodes that an essential edge of an unnumbered node leads to.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input).
        numbers: (n,) uint32 (input) as left by `depth_first`.
        held: (n,) uint8 (output) 1 where such an edge arrives; zeroed by the caller.

    Time complexity: O(n + edges of unnumbered nodes).
    """
    node: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = numbers.shape[0]
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for node in range(count):
            if numbers[node] != none:
                continue
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                if not flags[edge] & 8:
                    held[edge_targets[edge]] = 1
                edge += 1


def find_dominators(
    cells: cython.const[cython.uint][:, ::1],
    lists: cython.uint[:, ::1],
    count: cython.Py_ssize_t,
    parents: cython.uint[::1],
    semidominators: cython.uint[::1],
) -> None:
    """
    Turn tree parents into immediate dominators.

    Args:
        cells: (c, 2) uint32 (input) as left by `depth_first`.
        lists: (n, 2) uint32 (input, then scratch) as left by `depth_first`.  The list of a number is done
            with when that number is linked; its place becomes that of the number in the linked forest:
            an ancestor and the smallest semidominator on the way to it.
        count: How many nodes are numbered.
        parents: (n,) uint32 (input and output) by number: tree parent in, immediate dominator out.
        semidominators: (n,) uint32 (scratch) by number.

    Time complexity: O((n + c) log n) at worst, close to linear on heaps.
    """
    number: cython.Py_ssize_t
    at: cython.Py_ssize_t
    upper: cython.Py_ssize_t
    below: cython.Py_ssize_t
    source: cython.uint
    cell: cython.uint
    best: cython.uint
    label: cython.uint
    top: cython.uint
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for number in range(count - 1, 0, -1):
            best = parents[number]
            source = lists[number, 0]
            cell = lists[number, 1]
            while True:
                if source == none:
                    if cell == none:
                        break
                    source = cells[cell, 0]
                    cell = cells[cell, 1]
                at = source
                source = none
                if at <= number:
                    # An ancestor, not linked yet: it stands for itself.
                    if at < best:
                        best = cython.cast(cython.uint, at)
                    continue
                # Climb to the top of the linked tree, turning the pointers round, then come back down
                # handing on the smallest label: path compression without a stack.
                below = 0
                while lists[at, 0] > number:
                    upper = lists[at, 0]
                    lists[at, 0] = cython.cast(cython.uint, below)
                    below = at
                    at = upper
                top = lists[at, 0]
                label = lists[at, 1]
                while below != 0:
                    at = below
                    below = lists[at, 0]
                    lists[at, 0] = top
                    if label < lists[at, 1]:
                        lists[at, 1] = label
                    else:
                        label = lists[at, 1]
                if label < best:
                    best = label
            semidominators[number] = best
            lists[number, 0] = parents[number]
            lists[number, 1] = best
        for number in range(1, count):
            at = parents[number]
            best = semidominators[number]
            while at > best:
                at = parents[at]
            parents[number] = cython.cast(cython.uint, at)


def name_dominators(
    parents: cython.const[cython.uint][::1],
    nodes: cython.const[cython.uint][::1],
    dominators: cython.uint[::1],
) -> None:
    """
    Write immediate dominators by node.

    Args:
        parents: (n,) uint32 (input) by number: number of the immediate dominator.
        nodes: (n,) uint32 (input) node by number.
        dominators: (n,) uint32 (output) immediate dominator by node; the root's is the root.

    Time complexity: O(n).
    """
    number: cython.Py_ssize_t
    count: cython.Py_ssize_t = parents.shape[0]
    with cython.nogil:
        for number in range(count):
            dominators[nodes[number]] = nodes[parents[number]]
