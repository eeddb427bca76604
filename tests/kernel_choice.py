"""Runs tests with the compiled kernels and with the same files interpreted."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import heapsleuth.kernels
from heapsleuth.kernels import interpreted_names

if TYPE_CHECKING:
    from types import ModuleType

    import pytest

CHOICES = ("compiled", "interpreted")


@cache
def interpreted(name: str) -> ModuleType:
    """Return a kernel module as plain Python, whether or not there is a compiled one beside it."""
    source = Path(heapsleuth.kernels.__file__).parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"interpreted_{name}", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def choose_kernels(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything under `heapsleuth.heap` use the kernels of *choice*; skip if there are none."""
    if choice == "compiled":
        if interpreted_names():
            import pytest

            pytest.skip("the kernels are not compiled")
        return
    prefix = "heapsleuth.kernels."
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("heapsleuth.heap"):
            continue
        for attribute, value in list(vars(module).items()):
            kernel = getattr(value, "__name__", "") if type(value) is type(sys) else ""
            if kernel.startswith(prefix):
                monkeypatch.setattr(module, attribute, interpreted(kernel.removeprefix(prefix)))
