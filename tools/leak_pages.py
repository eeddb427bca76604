"""A page for each kind of leak, made from the docstring of the module that finds it."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors import DETECTORS

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["EXAMPLES", "leak_pages"]

EXAMPLES = (
    "Both examples run as they stand: save one as `workload.cjs`, then `heapsleuth check workload.cjs`.\n"
)
_WITHOUT_PAGE = ("unknown",)


def leak_pages() -> dict[str, str]:
    """Return the pages of `docs/leaks` by file name, as Markdown, and the list of them."""
    modules = [
        inspect.getmodule(detector) for detector in DETECTORS if detector.category not in _WITHOUT_PAGE
    ]
    modules.append(importlib.import_module("heapsleuth.leaks.detectors.native"))
    kinds = {_kind(module): module for module in modules if module is not None}
    pages = {f"{kind}.md": _page(kind, module) for kind, module in kinds.items()}
    rows = "".join(f"| [{kind}]({kind}.md) | {_title(kinds[kind])} |\n" for kind in sorted(kinds))
    return {**pages, "README.md": f"# Kinds of leaks\n\n| category | what it is |\n|---|---|\n{rows}"}


def _kind(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].replace("_", "-")


def _title(module: ModuleType) -> str:
    return inspect.cleandoc(module.__doc__ or "").partition("\n")[0].rstrip(".")


def _page(kind: str, module: ModuleType) -> str:
    """Return one page: title and category, then the docstring."""
    _, _, text = inspect.cleandoc(module.__doc__ or "").partition("\n")
    runs = f"\n{EXAMPLES}" if "exports.iterate" in text else ""
    return f"# {_title(module)}\n\nCategory `{kind}` in reports.\n{runs}{text.rstrip()}\n"
