"""What `import heapsleuth` offers, and that it costs nothing until used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import heapsleuth

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))


def run_python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return outcome.stdout


def test_all_is_sorted_and_every_name_in_it_can_be_had() -> None:
    assert heapsleuth.__all__ == sorted(heapsleuth.__all__)
    for name in heapsleuth.__all__:
        assert getattr(heapsleuth, name) is not None


def test_every_lazy_name_is_exported_and_nothing_else_is_lazy() -> None:
    assert set(heapsleuth._HOMES) | {"__version__"} == set(heapsleuth.__all__)


def test_dir_lists_exactly_the_public_names() -> None:
    assert dir(heapsleuth) == heapsleuth.__all__


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'heapsleuth' has no attribute 'open_heaps'"):
        _ = heapsleuth.open_heaps  # type: ignore[attr-defined]


def test_importing_the_package_loads_neither_numpy_nor_the_terminal_libraries() -> None:
    loaded = json.loads(run_python("import heapsleuth, json, sys; print(json.dumps(sorted(sys.modules)))"))

    assert not {"numpy", "rich", "click", "orjson", "psutil", "asyncio"} & set(loaded)


def test_the_api_is_the_one_written_down() -> None:
    from api_text import api_text

    expected = (ROOT / "tests" / "api.txt").read_text(encoding="utf-8")

    assert api_text() == expected, (
        "the public API changed: `make docs` updates tests/api.txt, the diff shows how"
    )


def test_the_version_command_is_quick_and_loads_no_numpy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "heapsleuth", "--version"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    seconds = []
    for _ in range(5):
        before = os.times()
        outcome = subprocess.run(
            [command[0], *command[3:]], capture_output=True, text=True, check=True, env=environment
        )
        after = os.times()
        # CPU, not wall: other tests run beside this one.
        cpu = after.children_user - before.children_user + after.children_system - before.children_system
        seconds.append(cpu)
    imports = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr

    assert outcome.stdout.split() == ["heapsleuth", heapsleuth.__version__]
    assert min(seconds) <= 0.15
    assert " numpy" not in imports
    assert " rich" not in imports
