"""The demo, as a user runs it but with fewer visits."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "examples" / "leaky-shop"
VISITS = 800

pytestmark = pytest.mark.node

# Holder as named in the source, count per visit, and the lines that count as its place.
PLANTED = [
    (
        "quotesByBasket",
        1.0,
        "src/cache/quotes.js",
        ("new Map()", "quotesByBasket.set", "class Quote", "constructor("),
    ),
    ("bus", 0.5, "src", ("new EventEmitter", "const { bus } =", "bus.on(", "class Order")),
    (
        "pendingTransfers",
        0.1,
        "src",
        ("pendingTransfers = []", "pendingTransfers.push", "class Transfer", "constructor("),
    ),
    ("refreshSession", 0.05, "src/sessions/session.js", ("setInterval(", "class Session")),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    if shutil.which("node") is None and not os.environ.get("CI"):
        pytest.skip("no Node.js on this machine")
    folder = tmp_path_factory.mktemp("demo")
    command = [
        sys.executable,
        str(ROOT / "examples" / "demo.py"),
        "--visits",
        str(VISITS),
        "--output",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    outcome = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=120
    )

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def finding_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    found = [
        finding
        for finding in report["findings"]
        if finding["verdict"] == "leak" and name in f"{finding['title']} {finding['holder']['name']}"
    ]
    assert len(found) == 1, [finding["title"] for finding in report["findings"]]
    return dict(found[0])


@pytest.mark.parametrize(("name", "rate", "folder", "marks"), PLANTED, ids=[row[0] for row in PLANTED])
def test_the_demo_names_each_planted_leak_with_its_rate_and_place(
    demo: tuple[str, dict[str, Any]], name: str, rate: float, folder: str, marks: tuple[str, ...]
) -> None:
    finding = finding_of(demo[1], name)
    places = [place for place in (finding["holder"]["location"], finding["members"]["location"]) if place]

    assert finding["members"]["count_per_work"] == pytest.approx(rate, rel=0.02)
    assert places
    for place in places:
        assert Path(place["file"]).is_relative_to(SHOP / folder)
        line = Path(place["file"]).read_text(encoding="utf-8").splitlines()[place["line"] - 1]
        assert any(mark in line for mark in marks), line


def test_the_demo_reports_nothing_but_the_planted_leaks(demo: tuple[str, dict[str, Any]]) -> None:
    leaks = [finding["title"] for finding in demo[1]["findings"] if finding["verdict"] == "leak"]

    assert len(leaks) == len(PLANTED)
    assert not re.search("Page|TaxRule", " ".join(leaks))


def test_the_demo_shows_its_command_and_a_file_and_line_per_leak(demo: tuple[str, dict[str, Any]]) -> None:
    assert "$ heapsleuth analyze " in demo[0]
    for name in ("quotes.js:", "session.js:", "webhooks.js:"):
        assert name in demo[0]


def test_without_node_the_demo_says_what_is_missing() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NODE": "no-such-node"}
    command = [sys.executable, str(ROOT / "examples" / "demo.py")]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert outcome.returncode == 2
    assert "demo: needs Node.js 18 or later" in outcome.stderr
