"""Finding Node.js and putting the agent into it by NODE_OPTIONS."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from node_programs import node_binaries, version

from heapsleuth.capture.inject import AgentSettings, injected, node_options, register_file
from heapsleuth.capture.node import find_node
from heapsleuth.errors import AgentFailed, ProgramFailed

NODES = node_binaries()
needs_node = pytest.mark.skipif(not NODES and not os.environ.get("CI"), reason="no Node.js on this machine")


def fake_node(folder: Path, answer: str) -> str:
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return str(path)


def agent_in(folder: Path, code: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "register.cjs").write_text(code)
    return folder


def test_a_node_that_is_too_old_is_refused_by_its_version(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"needs Node.js 18 or later, found Node.js 16.20.2 .*node"):
        find_node(fake_node(tmp_path, "v16.20.2"))


def test_a_program_that_is_no_node_is_named_with_what_it_says(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"expected a version such as v20\.11\.0, got 'Python 3.11'"):
        find_node(fake_node(tmp_path, "Python 3.11"))


def test_no_node_on_the_path_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="found no `node` on the PATH; name one by --node"):
        find_node(search_path=str(tmp_path))
    with pytest.raises(ProgramFailed, match="found no program /no/such/node"):
        find_node("/no/such/node")
    with pytest.raises(ProgramFailed, match="found a folder"):
        find_node(str(tmp_path))


@pytest.mark.node
@needs_node
@pytest.mark.parametrize("node", NODES, ids=version)
def test_a_real_node_is_found_with_its_version(node: str) -> None:
    assert f"v{'.'.join(map(str, find_node(node).version))}" == version(node)


def test_the_users_own_options_are_kept_behind_the_agent() -> None:
    options = node_options("--max-old-space-size=64 --require ./theirs.js", Path("/a/register.cjs"))

    assert options == '--require "/a/register.cjs" --max-old-space-size=64 --require ./theirs.js'
    assert node_options(options, Path("/a/register.cjs")) == options


def test_only_settings_that_are_given_become_variables(tmp_path: Path) -> None:
    agent = agent_in(tmp_path / "agent", "")
    settings = AgentSettings(collector="http://127.0.0.1:1", interval_ms=500, snapshot_threshold=0.0)
    base = {"HOME": "/h", "HEAPSLEUTH_SERVICE": "theirs", "HEAPSLEUTH_OFF": "1"}

    assert injected(base, settings, agent=agent) == {
        "HOME": "/h",
        "HEAPSLEUTH_SERVICE": "theirs",
        "HEAPSLEUTH_COLLECTOR": "http://127.0.0.1:1",
        "HEAPSLEUTH_INTERVAL_MS": "500",
        "HEAPSLEUTH_SNAPSHOT_THRESHOLD": "0",
        "NODE_OPTIONS": f'--require "{agent / "register.cjs"}"',
    }


def test_a_missing_agent_is_an_error_before_node_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(AgentFailed, match=r"expected the agent at .*register.cjs, found no such file"):
        register_file(tmp_path)


@pytest.mark.node
@needs_node
@pytest.mark.parametrize("node", NODES, ids=version)
@pytest.mark.parametrize("name", ["plain", "with blank", 'quote"d', "back\\slash", "ümlaut's"])
def test_node_loads_the_agent_from_any_path_and_keeps_the_users_options(
    node: str, name: str, tmp_path: Path
) -> None:
    agent = agent_in(tmp_path / name, "globalThis.agentLoaded = 'agent'")
    (tmp_path / "theirs.cjs").write_text("globalThis.theirsLoaded = globalThis.agentLoaded + ' theirs'")
    base = {**os.environ, "NODE_OPTIONS": f"--require {tmp_path}/theirs.cjs --max-old-space-size=77"}
    script = (
        "console.log(theirsLoaded, process.env.HEAPSLEUTH_SERVICE, process.env.NODE_OPTIONS.includes('=77'))"
    )
    environment = injected(base, AgentSettings(service="shop"), agent=agent)
    done = subprocess.run(
        [node, "-e", script], env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("agent theirs shop true\n", "")
