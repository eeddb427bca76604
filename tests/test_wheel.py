"""The package as it is installed: with a compiler, and without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROBE = """
import warnings, numpy
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    from heapsleuth import kernels
    from heapsleuth.kernels import csr
import heapsleuth.reports, importlib.metadata
print(kernels.compiled(), len(seen), csr.__file__.rsplit(".", 1)[1])
"""

pytestmark = pytest.mark.slow


def install(folder: Path, compiler: str | None) -> Path:
    source = folder / "source"
    ignored = shutil.ignore_patterns("*.so", "*.c", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", source / "src", ignore=ignored)
    shutil.copytree(ROOT / "agents", source / "agents", ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = folder / "installed"
    environment = {**os.environ, **({"CC": compiler} if compiler else {})}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(target), str(source)], check=True, env=environment)
    return target


def probe(target: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(target)}
    outcome = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=environment, cwd=target
    )
    return outcome.stdout.strip()


def agent_of(target: Path) -> Path:
    """Return where an installation finds the agent."""
    code = "from heapsleuth.capture.inject import agent_folder; print(agent_folder())"
    environment = {**os.environ, "PYTHONPATH": str(target)}
    command = [sys.executable, "-c", code]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=target)
    return Path(outcome.stdout.strip())


def test_an_installation_with_a_compiler_has_compiled_kernels_and_their_source(tmp_path: Path) -> None:
    target = install(tmp_path, None)

    assert probe(target) == "True 0 so"
    assert (target / "heapsleuth" / "kernels" / "csr.py").exists()
    assert (target / "heapsleuth" / "py.typed").exists()
    assert (target / "heapsleuth" / "reports" / "report.schema.json").exists()
    assert (target / "heapsleuth" / "reports" / "templates" / "page.html").exists()
    assert (target / "heapsleuth" / "reports" / "templates" / "report.css").exists()
    assert agent_of(target) == target / "heapsleuth" / "_agent"
    assert (target / "heapsleuth" / "_agent" / "lib" / "preload.cjs").exists()
    assert not (target / "heapsleuth" / "_agent" / "test").exists()


def test_an_installation_without_a_compiler_works_and_warns_once(tmp_path: Path) -> None:
    target = install(tmp_path, "/bin/false")

    assert probe(target) == "False 1 py"
