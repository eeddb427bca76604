"""Workload modules in real Node processes, from clean to crashing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from heapsleuth.capture.node import find_node
from heapsleuth.cli.main import main
from heapsleuth.errors import ExitCode, ProgramFailed, UsageError
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios.check import CheckOptions, run_check
from heapsleuth.scenarios.criteria import Limits
from heapsleuth.scenarios.module import ModuleTarget
from tests.node_programs import node_binaries, version

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.check_model import CheckReport

OPTIONS = CheckOptions(limits=Limits(stable_within_s=None, peak_factor=None))
LEAKING = """
const kept = new Map();
exports.params = { warmup: 200, k: 2000, settleMs: 20 };
exports.iterate = (n) => { for (let i = 0; i < n; i++) kept.set(kept.size, { at: i, text: 'x' + i }); };
"""
CLEAN = """
exports.params = { warmup: 200, k: 2000, settleMs: 20 };
exports.iterate = async (n) => { for (let i = 0; i < n; i++) JSON.parse('{"a":[1,2,3]}'); };
"""
ESM = """
const kept = [];
export const params = { warmup: 200, k: 2000, settleMs: 20 };
export const iterate = async (n) => { for (let i = 0; i < n; i++) kept.push({ at: i }); };
"""
BOUNDED = """
const cache = new Map();
exports.params = { warmup: 100, k: 500, settleMs: 20, rounds: 12, noPreRound: true };
let next = 0;
exports.iterate = (n) => {
  for (let i = 0; i < n; i++) {
    cache.set(next++, { body: 'x'.repeat(60) + next });
    if (cache.size > 3000) cache.delete(cache.keys().next().value);
  }
};
"""
BUFFERS = """
const addon = new ArrayBuffer(8);
const kept = [];
exports.params = { warmup: 10, k: 50, settleMs: 20 };
exports.iterate = (n) => { for (let i = 0; i < n; i++) kept.push(Buffer.allocUnsafeSlow(16384)); };
"""


def check(folder: Path, source: str, *, name: str = "workload.js", node: str | None = None) -> CheckReport:
    workload = folder / name
    workload.write_text(source, encoding="utf-8")
    return run_check(ModuleTarget(workload, folder, find_node(node)), OPTIONS)


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_a_leaking_workload_is_named(tmp_path: Path, node: str) -> None:
    report = check(tmp_path, LEAKING, node=node)
    (finding,) = report.findings
    assert report.verdict is Verdict.LEAK
    assert report.exit_code is ExitCode.LEAK
    assert (finding.holder.name, finding.holder.kind) == ("kept", "Map")
    assert finding.members.count_per_work == pytest.approx(1, rel=0.02)
    assert finding.holder.location is not None
    assert finding.holder.location.line == 2
    assert sum(one.snapshot is not None for one in report.rounds) == 4


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_a_clean_workload_is_clean(tmp_path: Path, node: str) -> None:
    report = check(tmp_path, CLEAN, node=node)
    assert report.verdict is Verdict.CLEAN
    assert report.exit_code is ExitCode.FINE


def test_an_esm_workload_works(tmp_path: Path) -> None:
    report = check(tmp_path, ESM, name="workload.mjs")
    assert report.verdict is Verdict.LEAK
    assert report.findings[0].holder.kind == "Array"


def test_a_cache_that_fills_to_its_bound_is_clean(tmp_path: Path) -> None:
    report = check(tmp_path, BOUNDED)
    assert report.verdict is Verdict.CLEAN


def test_buffers_are_found_though_they_lie_outside_the_heap(tmp_path: Path) -> None:
    report = check(tmp_path, BUFFERS)
    by_kind = {one.kind: one.verdict for one in report.growth}
    assert report.verdict is Verdict.LEAK
    assert by_kind["array-buffers"] is Verdict.LEAK
    assert report.findings[0].category == "buffer"


def test_a_workload_without_iterate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"expected a function iterate\(n\), found setup"):
        check(tmp_path, "exports.setup = () => {};")


def test_wrong_params_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected params\.k to be a number from 0, found 'many'"):
        check(tmp_path, "exports.iterate = () => {}; exports.params = { k: 'many' };")


def test_a_workload_that_throws_is_told_with_its_stack(tmp_path: Path) -> None:
    report = check(tmp_path, "exports.iterate = () => { throw new TypeError('no database'); };")
    assert report.exit_code is ExitCode.FAILED
    assert "threw in iterate: TypeError: no database" in report.reason


def test_a_workload_that_ends_the_process_is_told_with_its_output(tmp_path: Path) -> None:
    report = check(tmp_path, "exports.iterate = () => { console.log('going'); process.exit(7); };")
    assert report.exit_code is ExitCode.FAILED
    assert "exit code 7" in report.reason
    assert "going" in report.output_tail


def test_the_command_writes_json_and_exits_with_the_verdict(tmp_path: Path) -> None:
    workload = tmp_path / "workload.js"
    workload.write_text(LEAKING, encoding="utf-8")
    out = tmp_path / "out.json"
    code = main(["check", str(workload), "--cwd", str(tmp_path), "--quiet", "--json", str(out)])
    document = json.loads(out.read_text(encoding="utf-8"))
    assert code == ExitCode.LEAK
    assert document["verdict"] == "leak"
    assert document["findings"][0]["holder"]["name"] == "kept"


def test_a_baseline_accepts_what_is_known(tmp_path: Path) -> None:
    workload, baseline = tmp_path / "workload.js", tmp_path / "accepted.json"
    workload.write_text(LEAKING, encoding="utf-8")
    known = ["check", str(workload), "--cwd", str(tmp_path), "--quiet", "--baseline", str(baseline)]
    assert main([*known, "--update-baseline"]) == ExitCode.FINE
    assert json.loads(baseline.read_text(encoding="utf-8"))["accepted"][0]["title"].startswith("Map `kept`")
    assert main(known) == ExitCode.FINE
    workload.write_text(LEAKING.replace("kept", "other"), encoding="utf-8")
    assert main(known) == ExitCode.LEAK


def test_a_missing_workload_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere.js"]) == ExitCode.FAILED
    assert "found no such file: nowhere.js" in capsys.readouterr().err


def test_an_interrupted_check_tells_what_it_knows_and_leaves_nothing_running(tmp_path: Path) -> None:
    workload, out = tmp_path / "workload.js", tmp_path / "out.json"
    slow = LEAKING.replace("=> {", "=> { const end = Date.now() + 900; while (Date.now() < end);", 1)
    workload.write_text(slow, encoding="utf-8")
    code = "import sys; from heapsleuth.cli.main import main; sys.exit(main(sys.argv[1:]))"
    options = ["check", str(workload), "--cwd", str(tmp_path), "--quiet", "--json", str(out)]
    with subprocess.Popen([sys.executable, "-c", code, *options]) as process:
        time.sleep(5)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    document = json.loads(out.read_text(encoding="utf-8"))
    assert children
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert "interrupted" in {warning["code"] for warning in document["warnings"]}
    assert len(document["check"]["rounds"]) >= 2
    assert process.returncode == ExitCode.UNDECIDED
