"""The table of renderers."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
import report_samples

from heapsleuth.reports import RENDERERS, renderer


@pytest.mark.parametrize("name", RENDERERS)
def test_every_renderer_writes_the_same_text_twice(name: str) -> None:
    first, second = io.StringIO(), io.StringIO()

    renderer(name)(report_samples.leak(), first)
    renderer(name)(report_samples.leak(), second)

    assert "reportCache" in first.getvalue()
    assert first.getvalue() == second.getvalue()


def test_an_unknown_renderer_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="pdf"):
        renderer("pdf")


def test_the_json_form_needs_no_terminal_library() -> None:
    code = "import sys, heapsleuth.reports as r; r.renderer('json'); sys.exit('rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
