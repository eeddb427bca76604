"""Files are there whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import check_samples
import click
import pytest
import report_samples
from click.testing import CliRunner

from heapsleuth.cli.outputs import Output, collect, report_options, write_all
from heapsleuth.errors import OutputError
from heapsleuth.reports import check_json
from heapsleuth.reports.json import render_text

if TYPE_CHECKING:
    from pathlib import Path


def test_an_existing_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old " * 10_000)

    Output("json", str(target)).write(report_samples.leak())

    assert target.read_text(encoding="utf-8") == render_text(report_samples.leak())
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_file_that_cannot_be_written_is_told_and_the_old_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    blocker = tmp_path / f".report.json.{os.getpid()}.tmp"
    blocker.mkdir()

    with pytest.raises(OutputError, match=r"report\.json: cannot be written: "):
        Output("json", str(target)).write(report_samples.leak())

    assert target.read_text() == "old"


def test_others_may_read_the_report_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        Output("json", str(tmp_path / "report.json")).write(report_samples.clean())
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest.json"
    link.symlink_to("real/report.json")

    Output("json", str(link)).write(report_samples.clean())

    assert link.is_symlink()
    assert (tmp_path / "real" / "report.json").read_text().startswith("{")


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")), daemon=True)
    reader.start()

    Output("json", str(pipe)).write(report_samples.clean())
    reader.join(10)

    assert read == [render_text(report_samples.clean())]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_check_is_written_in_its_own_form(tmp_path: Path) -> None:
    Output("json", str(tmp_path / "check.json")).write(check_samples.check_leak())

    assert (tmp_path / "check.json").read_text() == check_json.render_text(check_samples.check_leak())


def test_only_the_forms_asked_for_are_collected_and_paths_are_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    wanted = collect(None, json="-", markdown=None, sarif="a.sarif")

    root = os.path.realpath(tmp_path)
    assert wanted == [Output("json", "-"), Output("sarif", "a.sarif", {"base_dir": root})]
    assert collect("sub", sarif="-")[0].options == {"base_dir": os.path.realpath(tmp_path / "sub")}


def test_files_are_written_before_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "summary.md"

    free = write_all([Output("junit", "-"), Output("markdown", str(target))], report_samples.leak())

    assert not free
    assert capsys.readouterr().out.startswith("<?xml")
    assert target.exists()
    assert write_all([Output("json", str(tmp_path / "a.json"))], report_samples.clean())


def test_every_form_has_an_option_that_any_command_can_take() -> None:
    @click.command()
    @report_options
    def command(**options: str | None) -> None:
        click.echo(repr(options))

    given = [
        "--json",
        "a",
        "--html",
        "h",
        "--markdown",
        "b",
        "--junit",
        "c",
        "--sarif",
        "d",
        "--base-dir",
        "e",
    ]
    result = CliRunner().invoke(command, given)

    expected = {
        "json_target": "a", "html_target": "h", "markdown_target": "b", "junit_target": "c",
        "sarif_target": "d", "base_dir": "e",
    }  # fmt: skip
    assert result.output == f"{expected}\n"
