"""`heapsleuth analyze`: verdicts, exit codes, where output goes, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from heapsleuth.cli.main import main
from heapsleuth.errors import ExitCode

Run = "Callable[..., subprocess.CompletedProcess[bytes]]"
SCHEMA = json.loads((files("heapsleuth.reports") / "report.schema.json").read_text(encoding="utf-8"))
WORK = ["--work", "200,400,600"]


def test_a_leak_ends_in_1_and_names_holder_members_and_rate(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", *leaking, *WORK]) == ExitCode.LEAK

    text = capsys.readouterr().out
    assert text.startswith(" LEAK  1 cause keeps growing")
    assert re.search(r"held by +Map orders", text)
    assert re.search(r"members +Order", text)
    assert re.search(r"count +200 → +400 → +600 .* \+1\.0 per unit of work", text)


def test_a_clean_run_ends_in_0(steady: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", *steady, *WORK]) == ExitCode.FINE

    assert capsys.readouterr().out.startswith(" CLEAN ")


def test_two_snapshots_end_in_3(leaking: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", *leaking[:2]]) == ExitCode.UNDECIDED

    assert capsys.readouterr().out.startswith(" UNDECIDED ")


def test_one_snapshot_that_could_be_read_ends_in_0(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", leaking[2]]) == ExitCode.FINE

    text = capsys.readouterr().out
    assert "one snapshot shows what is big, not what grows" in text
    assert re.search(r"\n  Order +600 ", text)


def test_reports_go_to_their_files_and_the_screen_keeps_the_terminal_view(
    leaking: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_json, as_markdown = tmp_path / "report.json", tmp_path / "summary.md"

    assert main(["analyze", *leaking, *WORK, "--json", str(as_json), "--markdown", str(as_markdown)]) == 1

    report = json.loads(as_json.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(SCHEMA).validate(report)
    assert report["verdict"] == "leak"
    assert report["inputs"][0]["path"] == leaking[0]
    assert "| 🔴 |" in as_markdown.read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith(" LEAK ")


@pytest.mark.parametrize(
    ("option", "start"),
    [
        ("--json", "{\n"),
        ("--html", "<!doctype html>"),
        ("--markdown", "### "),
        ("--junit", "<?xml"),
        ("--sarif", '{\n  "$schema"'),
    ],
)
def test_a_machine_form_on_standard_output_is_alone_there(
    option: str, start: str, leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", *leaking, *WORK, option, "-"]) == ExitCode.LEAK

    text = capsys.readouterr().out
    assert text.startswith(start)
    assert " LEAK " not in text


def test_json_is_the_same_byte_for_byte_with_and_without_an_index(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for options in ([], [], ["--no-index"]):
        main(["analyze", *leaking, *WORK, "--json", "-", *options])
        texts.append(capsys.readouterr().out)

    assert texts[0] == texts[1] == texts[2]


def test_quiet_leaves_the_exit_code(leaking: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", *leaking, *WORK, "--quiet"]) == ExitCode.LEAK

    assert capsys.readouterr().out == ""


def test_compare_adds_the_comparison_of_first_and_last(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["analyze", *leaking, *WORK, "--compare"])

    text = capsys.readouterr().out
    assert "\nComparison  " in text
    assert re.search(r"\n  Order +\+400 +0 +\+400 +\+192 kB +0 B +\+192 kB\n", text)


def test_the_comparison_says_which_two_files_it_is_of(
    leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["analyze", *leaking, *WORK, "--compare", "--json", "-"])

    comparison = json.loads(capsys.readouterr().out)["comparison"]
    assert (comparison["before"], comparison["after"]) == (0, 2)


def test_top_limits_the_findings_in_full(leaking: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", *leaking, *WORK, "--top", "0"])
    none = capsys.readouterr().out
    main(["analyze", *leaking, *WORK, "--top", "0", "--all"])
    everything = capsys.readouterr().out

    assert "━━ 1 LEAK" not in none
    assert "━━ 1 LEAK" in everything


def test_standard_input_is_a_snapshot_too(heapsleuth: Run, leaking: list[str]) -> None:
    done = heapsleuth("analyze", "-", "--json", "-", input=Path(leaking[0]).read_bytes())

    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["inputs"][0]["path"] == "-"


def test_a_device_that_knows_only_ascii_gets_ascii(heapsleuth: Run, leaking: list[str]) -> None:
    done = heapsleuth("analyze", *leaking, *WORK, variables={"PYTHONIOENCODING": "ascii"})

    assert done.returncode == ExitCode.LEAK
    assert done.stdout.isascii()
    assert b"200 -> 400 -> 600" in b" ".join(done.stdout.split())


def test_a_reader_that_goes_away_costs_no_file(heapsleuth: Run, leaking: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    target = tmp_path / "report.json"

    arguments = ["analyze", *leaking, *WORK, "--json", str(target)]
    done = heapsleuth(*arguments, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")
    assert json.loads(target.read_text(encoding="utf-8"))["verdict"] == "leak"


@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("1,2", "expected 3 values, one per file, found 2: 1,2"),
        ("1,2,3,4", "expected 3 values, one per file, found 4"),
        ("1,2,2", "expected values that grow from file to file, found 2 after 2"),
        ("3,2,1", "expected values that grow from file to file, found 2 after 3"),
        ("1,two,3", "expected numbers such as 6000,10000,14000, found 'two'"),
        ("1,,3", "found ''"),
        ("0,1,inf", "found 'inf'"),
        ("nan,1,2", "found 'nan'"),
        ("-1,1,2", "found '-1'"),
    ],
)
def test_work_that_does_not_fit_is_told_with_what_was_expected(
    work: str, message: str, leaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["analyze", *leaking, f"--work={work}"]) == ExitCode.FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: --work: ")
    assert message in captured.err
    assert captured.err.endswith("  see docs/errors.md#usage\n")


def test_work_is_any_growing_number(leaking: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", *leaking, "--work", " 0.5, 1e2,600 ", "--json", "-"])

    assert [one["work"] for one in json.loads(capsys.readouterr().out)["inputs"]] == [0.5, 100, 600]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected at least one heap snapshot, found none"),
        (["-", "-"], "expected - (standard input) at most once, found 2"),
        (["{0}", "--compare"], "--compare: expected two or more snapshots, found 1"),
        (["{0}", "--json", "-", "--markdown", "-"], "--markdown: expected a target of its own"),
        (["{0}", "--json", "{tmp}/x", "--markdown", "{tmp}/./x"], "--markdown: expected a target of its own"),
        (["{0}", "--json", "{tmp}/none/x"], "the folder {tmp}/none does not exist"),
        (["{0}", "--json", "{tmp}"], "expected a file, found a folder"),
        (["{0}", "--json", "{0}"], "is one of the snapshots and would be overwritten"),
        (
            ["{tmp}/nothing.heapsnapshot"],
            "nothing.heapsnapshot: expected a heap snapshot, found no such file",
        ),
        (["{tmp}"], "{tmp}: "),
        (["{0}", "{0}"], "is the same "),
    ],
)
def test_what_cannot_work_is_refused_before_the_work(
    arguments: list[str],
    message: str,
    leaking: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = Path(leaking[0]).read_bytes()
    given = [argument.format(*leaking, tmp=tmp_path) for argument in arguments]

    assert main(["analyze", *given]) == ExitCode.FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert message.format(tmp=tmp_path) in captured.err
    assert re.search(r"\n  see docs/errors\.md#[a-z-]+\n\Z", captured.err)
    assert Path(leaking[0]).read_bytes() == before
    assert not (tmp_path / "x").exists()


def test_a_damaged_file_is_one_clear_error(tmp_path: Path, leaking: list[str], heapsleuth: Run) -> None:
    damaged = tmp_path / "half.heapsnapshot"
    damaged.write_bytes(Path(leaking[0]).read_bytes()[:5000])

    done = heapsleuth("analyze", str(damaged))

    assert done.returncode == ExitCode.FAILED
    assert done.stdout == b""
    assert done.stderr.decode().startswith(f"error: {damaged}: ")
    assert done.stderr.decode().endswith("docs/errors.md#snapshot-truncated\n")


def test_a_path_cannot_send_escapes_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "\x1b[31mred\n.heapsnapshot"]) == ExitCode.FAILED

    text = capsys.readouterr().err
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_examples_of_the_help_are_commands_that_parse(capsys: pytest.CaptureFixture[str]) -> None:
    main(["analyze", "--help"])

    examples = re.findall(
        r"heapsleuth (analyze [a-][^|]*?)(?=\n    \w|\n  \w|\||\n\n)", capsys.readouterr().out
    )
    assert len(examples) == 4
    for example in examples:
        main([*example.replace("\\\n", " ").split(), "--help"])
        assert "Usage: heapsleuth analyze" in capsys.readouterr().out


def test_the_package_runs_as_a_module(leaking: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "heapsleuth", "analyze", "-q", *leaking, *WORK],
        capture_output=True,
        check=False,
    )

    assert done.returncode == ExitCode.LEAK
