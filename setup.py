"""Build step: compile the array kernels with Cython; all other metadata is in pyproject.toml.

Each kernel is plain Python (Cython's pure mode) and also runs interpreted, so every extension is
optional: without a C compiler the package still installs, and says at run time that it is slow.
"""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup

KERNELS = Path("src/heapsleuth/kernels")


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


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count() or 1}})
