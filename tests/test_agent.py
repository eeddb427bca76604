"""The Node agent's own tests on every Node.js version at hand, and what only a foreign process can test."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from node_programs import node_binaries, version

ROOT = Path(__file__).parent.parent
AGENT = ROOT / "agents" / "node"
TESTS = sorted((AGENT / "test").glob("*.test.*js"))
_TIMEOUT_S = 1500

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not node_binaries(), reason="no Node.js at hand"),
]


def environment(**extra: str) -> dict[str, str]:
    clean = {
        key: value for key, value in os.environ.items() if not key.startswith(("HEAPSLEUTH_", "NODE_OPTIONS"))
    }
    return {**clean, **extra}


def failures(tap: str) -> str:
    """Return the names of the tests that failed, then what Node says of each."""
    lines = tap.splitlines()
    starts = [index for index, line in enumerate(lines) if line.lstrip().startswith("not ok")]
    blocks = []
    for start in starts:
        end = next((at for at in range(start, len(lines)) if lines[at].strip() == "..."), start + 1)
        blocks.append("\n".join(lines[start:end]))
    return "\n".join([*(lines[start].strip() for start in starts), *blocks])


def test_failed_tests_are_named_before_what_is_said_of_them() -> None:
    tap = "ok 1 - a\n  ---\n  ...\nnot ok 2 - b\n  ---\n  error: 'x'\n  ...\n    not ok 3 - c\n# end\n"

    assert failures(tap).splitlines() == [
        "not ok 2 - b", "not ok 3 - c", "not ok 2 - b", "  ---", "  error: 'x'", "    not ok 3 - c",
    ]  # fmt: skip
    assert failures("ok 1 - a\n") == ""


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_the_agents_own_tests_pass(node: str) -> None:
    # By name: what a folder means to --test differs between versions.
    command = [node, "--test", "--test-reporter=tap", *map(str, TESTS)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=_TIMEOUT_S, check=False
    )

    assert done.returncode == 0, failures(done.stdout) or done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_a_collector_that_never_accepts_holds_a_process_for_two_seconds_at_most(node: str) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # What fills the queue of the listener; from then on a connection is neither made nor refused.
        crowd = []
        for _ in range(4):
            one = socket.socket()
            one.settimeout(0)
            one.connect_ex(address)
            crowd.append(one)
        env = environment(
            HEAPSLEUTH_COLLECTOR=f"http://127.0.0.1:{address[1]}",
            NODE_OPTIONS=f'--require "{AGENT / "register.cjs"}"',
        )
        begun = time.monotonic()
        done = subprocess.run(
            [node, "-e", "setTimeout(() => console.log('done'), 300)"],
            capture_output=True,
            text=True,
            env=env,
            timeout=60,
            check=False,
        )
        seconds = time.monotonic() - begun
        for one in crowd:
            one.close()

    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert seconds < 5  # two, and the start of Node on a busy machine


def test_the_packages_version_and_files_are_what_is_shipped() -> None:
    manifest = json.loads((AGENT / "package.json").read_text(encoding="utf-8"))

    assert manifest["name"] == "heapsleuth"
    assert manifest["engines"] == {"node": ">=18"}
    assert "dependencies" not in manifest
    assert (AGENT / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    used = {path.relative_to(AGENT).parts[0] for path in AGENT.rglob("*.cjs")} - {"test", "node_modules"}
    assert used <= {name.rstrip("/") for name in manifest["files"]}


def test_no_file_of_the_agent_is_longer_than_a_reader_can_hold() -> None:
    lines = {
        path.name: len(path.read_text(encoding="utf-8").splitlines())
        for path in [*AGENT.glob("*.cjs"), *(AGENT / "lib").rglob("*.cjs")]
    }

    assert {name: count for name, count in lines.items() if count > 300} == {}
    assert sorted(lines.values())[len(lines) // 2] <= 120
