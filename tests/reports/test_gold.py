"""What people see, whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import report_samples

from heapsleuth.reports import json, junit, markdown, sarif, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = ["clean", "hostile", "leak", "many", "single", "two_snapshots"]


def ascii_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")


@pytest.mark.parametrize("name", SAMPLES)
def test_terminal_at_eighty_columns_without_colour(
    name: str, assert_gold: Callable[[str, str], None]
) -> None:
    out = io.StringIO()

    terminal.render(getattr(report_samples, name)(), out)

    assert_gold(f"{name}.txt", out.getvalue())


@pytest.mark.parametrize("name", ["leak", "single", "hostile"])
def test_terminal_with_colour(name: str, assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    terminal.render(getattr(report_samples, name)(), out, colour=True)

    assert_gold(f"{name}.colour.txt", out.getvalue())


@pytest.mark.parametrize("name", ["leak", "single", "hostile"])
def test_terminal_that_knows_only_ascii(name: str, assert_gold: Callable[[str, str], None]) -> None:
    out = ascii_stream()

    terminal.render(getattr(report_samples, name)(), out)
    out.seek(0)

    assert_gold(f"{name}.ascii.txt", out.read())


def test_terminal_at_sixty_columns(assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    terminal.render(report_samples.leak(), out, width=60)

    assert_gold("leak.width60.txt", out.getvalue())


def test_terminal_with_every_finding_in_full(assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    terminal.render(report_samples.many(), out, limit=None)

    assert_gold("many.all.txt", out.getvalue())


@pytest.mark.parametrize("name", ["clean", "hostile", "leak", "single"])
def test_markdown_for_a_pull_request(name: str, assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    markdown.render(getattr(report_samples, name)(), out)

    assert_gold(f"{name}.md", out.getvalue())


@pytest.mark.parametrize("name", ["hostile", "leak", "single", "two_snapshots"])
def test_json_of_the_whole_report(name: str, assert_gold: Callable[[str, str], None]) -> None:
    assert_gold(f"{name}.json", json.render_text(getattr(report_samples, name)()))


@pytest.mark.parametrize("name", ["hostile", "leak", "single"])
def test_junit_of_the_whole_report(name: str, assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    junit.render(getattr(report_samples, name)(), out)

    assert_gold(f"{name}.junit.xml", out.getvalue())


@pytest.mark.parametrize("name", ["hostile", "leak"])
def test_sarif_of_the_whole_report(name: str, assert_gold: Callable[[str, str], None]) -> None:
    out = io.StringIO()

    sarif.render(getattr(report_samples, name)(), out, base_dir="/srv/app")

    assert_gold(f"{name}.sarif", out.getvalue())
