"""The simulator of heap telemetry: ours, or another given by `--simulator`."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from material import stop

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["GIVEN", "simulator"]

GIVEN = "HEAPSLEUTH_HEAP_SIMULATOR"
"""Environment variable with the path of another simulator; workers inherit it."""


@cache
def simulator() -> ModuleType:
    """Return the simulator's module; it needs numba."""
    if importlib.util.find_spec("numba") is None:
        stop("the simulator needs numba: pip install 'heapsleuth[eval]'")
    path = Path(os.environ.get(GIVEN) or Path(__file__).parent / "simulator" / "heapsim.py")
    spec = importlib.util.spec_from_file_location("heapsim", path)
    if spec is None or spec.loader is None:
        stop(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["heapsim"] = module  # numba's cache looks there
    spec.loader.exec_module(module)
    return module
