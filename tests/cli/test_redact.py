"""`heapsleuth redact`: what it prints, where files go, and that a redacted leak is still the same leak."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from heapsleuth.cli.main import main
from heapsleuth.errors import ExitCode

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

WORK = ["--work", "200,400,600", "--compare", "--no-index", "-q"]


def findings(files: list[str], folder: Path) -> dict[str, object]:
    """Return the report on some snapshots without what says where they lie."""
    out = folder / "report.json"
    main(["analyze", *files, *WORK, "--json", str(out)])
    report: dict[str, object] = json.loads(out.read_bytes())
    for one in report["inputs"]:  # type: ignore[attr-defined]
        del one["path"], one["bytes"]
    return report


def test_one_snapshot_is_redacted_and_summed_up(
    leaking: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.heapsnapshot"
    assert main(["redact", leaking[0], str(out)]) == ExitCode.FINE

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(out)
    assert re.search(r"\d+ of 3\d\d strings removed", lines[1])
    assert lines[2].startswith("  kept: ")
    assert re.search(r"checked: none of \d+ removed strings is in it", lines[3])
    assert "still in it: names" in lines[4]
    assert out.exists()


def test_redacted_snapshots_of_a_leak_give_the_same_report(leaking: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert main(["redact", *leaking, "--out-dir", str(folder), "-q"]) == ExitCode.FINE

    redacted = [str(folder / f"leak{n}.heapsnapshot") for n in (200, 400, 600)]
    before = findings(leaking, tmp_path)
    assert before["verdict"] == "leak"
    assert findings(redacted, tmp_path) == before


def test_quiet_says_nothing(leaking: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redact", leaking[0], str(tmp_path / "out.heapsnapshot"), "-q"]) == ExitCode.FINE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected IN and OUT, found 0"),
        (["a"], "expected IN and OUT, found 1"),
        (["a", "b", "c"], "for several snapshots use --out-dir"),
        (["--out-dir", "."], "expected at least one heap snapshot"),
        (["-", "--out-dir", "."], "standard input has no name to keep"),
        (["missing.heapsnapshot", "out"], "there is no such file"),
    ],
)
def test_mistakes_are_named(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["redact", *arguments]) == ExitCode.FAILED

    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_exists_stays_without_force(
    leaking: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.heapsnapshot"
    out.write_text("precious")
    assert main(["redact", leaking[0], str(out)]) == ExitCode.FAILED
    assert "--force overwrites it" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main(["redact", leaking[0], str(out), "--force"]) == ExitCode.FINE


def test_a_pipe_is_redacted_into_a_pipe(
    leaking: list[str], heapsleuth: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    with open(leaking[0], "rb") as source:  # noqa: PTH123 - a descriptor is wanted
        done = heapsleuth("redact", "-", "-", stdin=source)

    assert done.returncode == ExitCode.FINE
    assert json.loads(done.stdout)["snapshot"]["heapsleuth_redacted"]["version"] == 1
    assert b"strings removed" in done.stderr


def test_an_error_in_a_pipe_names_the_pipe(
    heapsleuth: Callable[..., subprocess.CompletedProcess[bytes]],
) -> None:
    done = heapsleuth("redact", "-", "-", input=b'{"snapshot":{"meta":1}}')

    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith(b"error: -: snapshot.meta is missing or no object (section header)")
    assert done.stdout == b""
