"""Says after a build whether the kernels are compiled and not older than their source."""

from __future__ import annotations

import shutil
import sys
import warnings
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

warnings.simplefilter("ignore")  # this program says it itself, better

from heapsleuth import kernels  # noqa: E402


def main() -> int:
    """Print what is wrong; return 1 only when a compiler is there and yet a kernel is not built."""
    folder = Path(kernels.__file__).parent
    stale = [
        name
        for name in kernels.names()
        for suffix in EXTENSION_SUFFIXES
        if (folder / f"{name}{suffix}").exists()
        and (folder / f"{name}{suffix}").stat().st_mtime < (folder / f"{name}.py").stat().st_mtime
    ]
    missing = kernels.interpreted_names()
    for name in stale:
        print(
            f"kernel {name}: the compiled file is older than {name}.py and would win over it", file=sys.stderr
        )
    for name in missing:
        print(f"kernel {name}: not compiled, runs hundreds of times slower", file=sys.stderr)
    if missing and shutil.which("gcc") is None and shutil.which("cc") is None:
        print("no C compiler found; install gcc and the Python headers, then `make build`", file=sys.stderr)
        return 0
    return 1 if stale or missing else 0


if __name__ == "__main__":
    sys.exit(main())
