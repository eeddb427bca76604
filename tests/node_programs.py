"""Runs programs with real Node.js and reads the heap snapshots they write.

The `node` on PATH is used, and, when HEAPSLEUTH_NODES names a folder, every Node binary in it:
`make test` is quick, and all versions can be asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.kinds import edge_type_code, node_type_code
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parent / "heap" / "data"
_TIMEOUT_S = 60


def node_binaries() -> list[str]:
    """Return the Node binaries to test with; empty when there is none."""
    found = [shutil.which("node")]
    folder = os.environ.get("HEAPSLEUTH_NODES")
    for pattern in ("*/bin/node", "*/node_modules/*/bin/node") if folder else ():
        found += [str(path) for path in sorted(Path(folder or "").glob(pattern))]
    return list(dict.fromkeys(path for path in found if path))


@cache
def version(node: str) -> str:
    """Return the version of a Node binary, for the names of tests."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    return done.stdout.strip()


def heap_of(node: str, folder: Path, *arguments: str) -> HeapGraph:
    """Run a program in *folder*; it writes its snapshot to the file named by its last argument."""
    out = folder / "heap.heapsnapshot"
    subprocess.run([node, *arguments, str(out)], cwd=folder, check=True, timeout=_TIMEOUT_S)
    return HeapGraph(read(str(out)), path=str(out))


def nodes_named(graph: HeapGraph, kind: str, name: str) -> list[int]:
    """Return the nodes of that type and name."""
    wanted = graph.strings.find(name)
    same = (graph.node_types == node_type_code(kind)) & (
        graph.node_names == (-1 if wanted is None else wanted)
    )
    return [int(index) for index in np.flatnonzero(same)]


def holders_of(graph: HeapGraph, edge_kind: str, name: str) -> Iterator[int]:
    """Give the nodes that an edge of that type and name leaves."""
    wanted = graph.strings.find(name)
    hits = (graph.edge_types == edge_type_code(edge_kind)) & (
        graph.edge_names == (-1 if wanted is None else wanted)
    )
    for edge in np.flatnonzero(hits):
        yield int(np.searchsorted(graph.first_edges, edge, side="right")) - 1


def place(file: Path, text: str) -> tuple[str, int, int]:
    """Return file, 1-based line and 0-based column of the only place in *file* that reads *text*."""
    content = file.read_text(encoding="utf-8")
    assert content.count(text) == 1, f"{text!r} is {content.count(text)} times in {file.name}"
    before = content[: content.index(text)]
    return str(file), before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
