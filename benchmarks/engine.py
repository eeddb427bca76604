"""What the DevTools engine does with a file, by heapsleuth: read it, all sizes and distances, the classes."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does

import heapsleuth


def main() -> int:
    """Open the file named on the command line and print the head of its class table."""
    heap = heapsleuth.open_heap(sys.argv[1], index="--index" in sys.argv)
    rows = sorted(heap.classes(), key=lambda row: -row.retained_size)
    print(f"{heap.node_count:,} nodes, {heap.edge_count:,} edges")
    print(f"largest distance {heap.distances.max()}, retained {heap.retained_sizes.max():,}")
    for row in rows[:5]:
        print(f"{row.name}: {row.count:,}, {row.shallow_size:,}, {row.retained_size:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
