"""The HTML form in a real browser: nothing runs or is fetched, it fits, can be read, printed, sorted."""

from __future__ import annotations

import io
import shutil
import subprocess
from typing import TYPE_CHECKING

import check_samples
import pytest
import report_samples
from browser import browser_binary, open_browser

from heapsleuth.leaks.model import AnalysisReport
from heapsleuth.reports import check_html, html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from browser import Page

BINARY = browser_binary()
SAMPLES = {
    **{name: getattr(report_samples, name) for name in report_samples.__all__},
    **{name: getattr(check_samples, name) for name in dir(check_samples) if name.startswith("check_")},
}
WIDTHS = (390, 1440)

pytestmark = pytest.mark.skipif(BINARY is None, reason="needs Chromium (Debian: apt-get install chromium)")

# Contrast by WCAG 2: of every text against the nearest background that is painted below it.
FAINT = """
(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faint = [];
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  for (const element of document.body.querySelectorAll("*:not(script)")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || element.closest("title, desc") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(element.closest("svg") ? style.fill : style.color), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(element.tagName + "." + element.className + " " + ratio.toFixed(2));
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    assert BINARY is not None
    with open_browser(BINARY) as page:
        yield page


def written(name: str, folder: Path) -> Path:
    report = SAMPLES[name]()
    out = io.StringIO()
    if isinstance(report, AnalysisReport):
        html.render(report, out)
    else:
        check_html.render(report, out)
    path = folder / f"{name}.html"
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_page_fits_asks_for_nothing_and_makes_no_complaint(
    browser: Page, name: str, width: int, tmp_path: Path
) -> None:
    path = written(name, tmp_path)

    browser.open(path, width)
    wide = browser.run("document.documentElement.scrollWidth")
    unfolded = browser.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; }), "
        "document.documentElement.scrollWidth"
    )

    assert (wide, unfolded) == (width, width)
    assert browser.complaints() == []
    assert browser.requests() == [path.as_uri()]


@pytest.mark.parametrize("name", ["hostile", "check_hostile"])
def test_nothing_in_a_hostile_report_comes_to_life(browser: Page, name: str, tmp_path: Path) -> None:
    browser.open(written(name, tmp_path))
    # Long enough for whatever a timer or an image that fails to load would start.
    browser.run("new Promise((done) => setTimeout(done, 200))")

    assert browser.dialogs() == []
    assert browser.run("document.scripts.length") == 1
    assert (
        browser.run("document.querySelectorAll('img, iframe, object, embed, link, base, form').length") == 0
    )
    assert (
        browser.run(
            "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames())"
            ".filter((name) => /^on|style/.test(name))"
        )
        == []
    )
    title = browser.run("document.querySelector('#finding-1-title').textContent")
    assert "[red]not markup[/red] [link=file:///etc/passwd]x[/link] :boom:\\nand user\\u202egnp.exe" in title
    members = browser.run("document.querySelector('#finding-1 dl').textContent")
    assert 'a|b `c` <script>alert("x")</script> @team ![x](http://example.invalid)' in members


@pytest.mark.parametrize(
    "inserted",
    [
        "const s = document.createElement('script'); s.textContent = 'ran = 1'; document.body.append(s)",
        "document.body.innerHTML += '<img src=x onerror=\"ran = 1\">'",
        "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))",
    ],
)
def test_even_markup_that_got_in_would_neither_run_nor_fetch(
    browser: Page, inserted: str, tmp_path: Path
) -> None:
    path = written("leak", tmp_path)
    browser.open(path)

    browser.run(f"{{ {inserted} }}")
    browser.run("new Promise((done) => setTimeout(done, 200))")

    assert browser.run("window.ran") is None
    assert "Content Security Policy" in " ".join(browser.complaints())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["leak", "check_leak", "single", "two_snapshots", "check_failed", "clean"])
def test_every_text_has_enough_contrast(browser: Page, name: str, tmp_path: Path, *, dark: bool) -> None:
    browser.open(written(name, tmp_path), dark=dark)

    background = browser.run("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(21, 24, 27)" if dark else "rgb(255, 255, 255)")
    assert browser.run(FAINT) == []


def test_the_theme_can_be_chosen_against_the_system(browser: Page, tmp_path: Path) -> None:
    browser.open(written("leak", tmp_path))
    background = "getComputedStyle(document.body).backgroundColor"
    button = "document.getElementById('theme')"

    seen = []
    for _ in range(3):
        browser.run(f"{button}.click()")
        seen.append((browser.run(f"{button}.getAttribute('aria-label')"), browser.run(background)))

    assert seen == [
        ("Colours: light", "rgb(255, 255, 255)"),
        ("Colours: dark", "rgb(21, 24, 27)"),
        ("Colours: as the system", "rgb(255, 255, 255)"),
    ]


def test_a_table_is_sorted_from_the_keyboard_and_says_so(browser: Page, tmp_path: Path) -> None:
    browser.open(written("two_snapshots", tmp_path))
    head = "document.querySelectorAll('#comparison ~ .scroll th')[1]"
    names = (
        "[...document.querySelectorAll('#comparison ~ .scroll tbody td.name')].map((one) => one.textContent)"
    )

    browser.run(f"{head}.querySelector('button').focus()")
    seen = []
    for _ in range(2):
        browser.press("Enter", 13)
        seen.append((browser.run(f"{head}.getAttribute('aria-sort')"), browser.run(names)))

    by_new = ["(string)", "ReportEntry", "RequestCtx", "Conn"]
    assert seen == [("descending", by_new), ("ascending", by_new[::-1])]


def test_the_first_stop_of_the_keyboard_leads_past_the_header(browser: Page, tmp_path: Path) -> None:
    browser.open(written("leak", tmp_path))

    browser.press("Tab", 9)
    focused = browser.run("document.activeElement.textContent")
    browser.press("Enter", 13)

    assert focused == "Skip to the report"
    assert browser.run("document.activeElement.id") == "main"


def test_a_link_to_what_is_folded_unfolds_it(browser: Page, tmp_path: Path) -> None:
    browser.open(written("leak", tmp_path))
    assert not browser.run("document.querySelector('#finding-4 details').open")

    browser.run("location.hash = '#finding-4'; new Promise((done) => setTimeout(done, 50))")

    assert browser.run("document.querySelector('#finding-4 details').open")


def test_without_scripts_everything_can_be_read(browser: Page, tmp_path: Path) -> None:
    path = written("two_snapshots", tmp_path)
    browser.open(path, scripts=False)

    tree = browser.send("DOM.getDocument", depth=-1)["root"]["nodeId"]
    rows = browser.send("DOM.querySelectorAll", nodeId=tree, selector="#comparison ~ .scroll tbody tr")[
        "nodeIds"
    ]
    button = browser.send("DOM.querySelector", nodeId=tree, selector="#theme[hidden]")["nodeId"]

    assert len(rows) == 4
    assert button != 0


def test_it_prints_with_everything_unfolded(browser: Page, tmp_path: Path) -> None:
    browser.open(written("leak", tmp_path), dark=True)

    paper = tmp_path / "report.pdf"
    paper.write_bytes(browser.pdf())

    assert paper.read_bytes().startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", paper, "-"], capture_output=True, text=True, check=True).stdout
        # A row of figures, which the screen folds away.
        assert "Growth, snapshot by snapshot" in text
        assert "16.5 MB" in text
    assert browser.run("document.querySelectorAll('details[open]').length") == 0
