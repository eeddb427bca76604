"""Places on the terminal are relative to the folder one is in, wherever they stand."""

from __future__ import annotations

import io
from dataclasses import replace

from heapsleuth.leaks.model import Evidence
from heapsleuth.places import SourceLocation
from heapsleuth.reports import terminal
from tests.report_samples import leak


def rendered(base_dir: str) -> str:
    report = leak()
    first = report.findings[0]
    holder = replace(first.holder, location=SourceLocation("/srv/shop/src/cache.js", 8))
    fact = Evidence("only-added", "nothing in /srv/shop/src/cache.js ever removes a member", 1.0)
    finding = replace(first, holder=holder, evidence_for=(fact,))
    out = io.StringIO()
    terminal.render(replace(report, findings=(finding,)), out, width=110, base_dir=base_dir)
    return out.getvalue()


def test_places_lose_the_folder_one_is_in() -> None:
    text = rendered("/srv/shop")

    assert "src/cache.js:8" in text
    assert "nothing in src/cache.js ever" in text
    assert "/srv/shop" not in text


def test_places_outside_stay_whole() -> None:
    assert "/srv/shop/src/cache.js:8" in rendered("/srv/sho")
