"""What every test shares: Hypothesis profiles, and a word about kernels older than their source."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SRC = Path(__file__).parent.parent / "src"

# Deadlines off: two workers share two cores. Derandomised in CI, so that a change is judged by itself.
settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile(
    "fuzz",
    parent=settings.get_profile("default"),
    derandomize=False,
    max_examples=int(os.environ.get("HEAPSLEUTH_FUZZ_EXAMPLES", "20000")),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def stale_kernels() -> list[str]:
    folder = SRC / "heapsleuth" / "kernels"
    return [
        f"{source.stem}{suffix}"
        for source in sorted(folder.glob("[a-z]*.py"))
        for suffix in EXTENSION_SUFFIXES
        if (built := folder / f"{source.stem}{suffix}").exists()
        and built.stat().st_mtime < source.stat().st_mtime
    ]


def pytest_configure(config: pytest.Config) -> None:
    # Indexes of test heaps must not end up in the user's cache folder.
    folder = tempfile.mkdtemp(prefix="heapsleuth-tests-")
    os.environ["HEAPSLEUTH_CACHE"] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    if os.environ.get("CI") and (stale := stale_kernels()):
        pytest.exit(
            f"{', '.join(stale)}: older than the source, and would be tested instead of it; run `make build`",
            3,
        )


def pytest_report_header() -> list[str]:
    built = sorted(path.name.split(".")[0] for path in (SRC / "heapsleuth" / "kernels").glob("*.so"))
    lines = [f"compiled kernels: {', '.join(built) or 'none, they run interpreted'}"]
    if stale := stale_kernels():
        lines.append(
            f"STALE: {', '.join(stale)} older than the source, and tested instead of it; run `make build`"
        )
    return lines
