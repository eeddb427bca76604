"""Compiled array kernels: arrays in, arrays out.

Each module is Cython pure-mode Python.  Built, Python imports the extension beside it; without a
compiler at install time it imports the source, with the same results and one loud warning.
Nothing is imported here, so that a command loads only the kernels it needs.
"""

from __future__ import annotations

import warnings
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

__all__ = ["InterpretedKernelsWarning", "compiled", "interpreted_names", "names"]


class InterpretedKernelsWarning(RuntimeWarning):
    """The kernels run as plain Python: right, but hundreds of times slower."""


def names() -> list[str]:
    """Return the names of all kernel modules, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def interpreted_names() -> list[str]:
    """Return the names of the kernels that would run as plain Python, sorted."""
    # Python's import system takes NAME<suffix> before NAME.py in the same folder.
    here = Path(__file__).parent
    return [
        name
        for name in names()
        if not any((here / f"{name}{suffix}").exists() for suffix in EXTENSION_SUFFIXES)
    ]


def compiled() -> bool:
    """Return whether every kernel is compiled."""
    return not interpreted_names()


def _warn(slow: list[str]) -> None:
    if slow:
        warnings.warn(
            f"heapsleuth: kernels run interpreted, hundreds of times slower: {', '.join(slow)}. Install a C "
            "compiler (for instance gcc and the Python headers) and reinstall heapsleuth.",
            InterpretedKernelsWarning,
            stacklevel=3,
        )


_warn(interpreted_names())
