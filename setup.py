"""Build step: compile the array kernels with Cython and take the agent along; the rest is in pyproject.toml.

Each kernel is plain Python (Cython's pure mode) and also runs interpreted, so every extension is
optional: without a C compiler the package still installs, and says at run time that it is slow.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

KERNELS = Path("src/heapsleuth/kernels")
AGENT = Path("agents/node")
"""Becomes `heapsleuth/_agent` in the wheel: `run` and `check` inject it without an npm install."""


def extensions() -> list[Extension]:
    """Return one optional extension per kernel module, translated to C under build/."""
    if os.environ.get("HEAPSLEUTH_SKIP_KERNELS"):
        return []  # `make build` compiles them in place right afterwards
    names = sorted(path.stem for path in KERNELS.glob("*.py") if not path.stem.startswith("_"))
    modules = [
        Extension(
            f"heapsleuth.kernels.{name}",
            [(KERNELS / f"{name}.py").as_posix()],
            extra_compile_args=["-O3", "-g0"],
        )
        for name in names
    ]
    try:
        from Cython.Build import cythonize  # noqa: PLC0415 - absent in a `--no-build-isolation` install
    except ImportError:
        return []
    if not modules:
        return []
    translated: list[Extension] = cythonize(
        modules,
        build_dir="build/cython",
        compiler_directives={"language_level": "3"},
        quiet=True,
    )
    for extension in translated:
        extension.optional = True  # after the fact: cythonize does not hand this attribute on
    return translated


class BuildWithAgent(build_py):  # type: ignore[misc]  # setuptools has no types
    """Copies the agent's files, as its package.json lists them, beside the Python modules."""

    def run(self) -> None:
        """Build as usual; an editable install uses the agent of the checkout."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "heapsleuth" / "_agent"
        shutil.rmtree(target, ignore_errors=True)
        package = json.loads((AGENT / "package.json").read_text(encoding="utf-8"))
        for name in ["package.json", *package["files"]]:
            source = AGENT / name
            if source.is_dir():
                shutil.copytree(source, target / name)
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target / name)


setup(
    ext_modules=extensions(),
    cmdclass={"build_py": BuildWithAgent},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
