"""Signatures: the same leak has the same one on every Node.js version and in every build of its source."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import Verdict
from tests.node_programs import DATA, node_binaries, version

PROGRAMS = Path(__file__).parent.parent / "programs"
DRIVER = """
const v8 = require('node:v8');
const service = require(process.argv[1]);
let done = 0;
for (const name of ['A', 'B', 'C']) {
  for (let i = 0; i < 300; i++, done++) service.add(done);
  v8.writeHeapSnapshot(`${process.argv[2]}/${name}.heapsnapshot`);
}
process.exit(0);
"""
BUILDS = ("bundle/service.min.js", "inline/service.min.js", "tsc/service.js")


def signatures(folder: Path) -> dict[str, str]:
    """Return the signature of each leak by its holder's name as the source has it."""
    report = analyze([str(folder / f"{name}.heapsnapshot") for name in "ABC"], work=(300, 600, 900))
    return {f.holder.name: f.signature for f in report.findings if f.verdict is Verdict.LEAK}


@pytest.mark.skipif(len(node_binaries()) < 2, reason="HEAPSLEUTH_NODES names the versions to compare")
@pytest.mark.parametrize("program", ["leaks.cjs", "story.cjs"])
def test_signatures_are_equal_on_every_version(program: str, tmp_path: Path) -> None:
    found = {}
    for node in node_binaries():
        folder = tmp_path / version(node)
        folder.mkdir(exist_ok=True)
        command = [node, "--expose-gc", "--no-warnings", str(PROGRAMS / program), str(folder)]
        subprocess.run(command, check=True, timeout=120)
        found[version(node)] = signatures(folder)

    first, *others = found.values()
    assert len(first) > 5
    for other in others:
        assert other == first


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    pytest.importorskip("symbolic", reason="source maps need the extra `sourcemaps`")
    found = []
    for build in BUILDS:
        folder = tmp_path_factory.mktemp("build") / "service"
        shutil.copytree(DATA / "source_maps", folder)
        command = [node_binaries()[0], "--no-warnings", "-e", DRIVER, f"./{build}", "."]
        subprocess.run(command, cwd=folder, check=True, timeout=120)
        found.append(signatures(folder))
    return found


@pytest.mark.parametrize(
    "holder",
    [
        "waiters",
        "reportCache",
    ],
)
def test_signatures_are_equal_in_every_build(builds: list[dict[str, str]], holder: str) -> None:
    first, *others = (build[holder] for build in builds)

    assert others == [first] * len(others)
