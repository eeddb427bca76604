"""The HTML form: one file, nothing in it but ours is markup, and everything the report says is there."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import check_samples
import pytest
import report_samples
from check_strategies import checks
from hypothesis import given
from report_strategies import fewer, reports, texts

from heapsleuth.leaks.model import AnalysisReport, Verdict
from heapsleuth.places import SourceLocation
from heapsleuth.reports import check_html, html
from heapsleuth.reports.html_finding import findings_of
from heapsleuth.reports.html_kinds import about
from heapsleuth.reports.untrusted import clean

if TYPE_CHECKING:
    from heapsleuth.leaks.check_model import CheckReport

TEMPLATES = Path(html.__file__).parent / "templates"
VOID = {"meta", "line", "circle", "polyline", "polygon", "rect"}
TAGS = VOID | {
    "html", "head", "title", "style", "script", "body", "a", "header", "p", "span", "button", "main",
    "footer", "h1", "h2", "h3", "h4", "section", "article", "nav", "ul", "ol", "li", "dl", "dt", "dd", "div",
    "code", "b", "pre", "mark", "figure", "figcaption", "details", "summary", "table", "caption", "thead",
    "tbody", "tr", "th", "td", "svg", "desc", "g", "text",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "type", "hidden", "tabindex",
    "aria-label", "aria-labelledby", "aria-hidden", "role", "focusable", "scope", "colspan", "data-value",
    "rel", "viewbox", "preserveaspectratio", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r",
    "width", "height", "text-anchor",
}  # fmt: skip


@dataclass
class Element:
    """A tag with its attributes and the text inside it."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


class Document(HTMLParser):
    """Every element in order; fails where a tag is not closed as it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))
        if tag in {"dd", "dt", "td", "th"}:
            self.handle_data(" ")  # as a browser's text of a row has
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def all(self, tag: str, kind: str = "") -> list[Element]:
        return [
            one
            for one in self.elements
            if one.tag == tag and (not kind or kind in one.attributes.get("class", "").split())
        ]

    def ids(self) -> list[str]:
        return [one.attributes["id"] for one in self.elements if "id" in one.attributes]


def shown(report: AnalysisReport | CheckReport, base_dir: str = "") -> str:
    out = io.StringIO()
    if isinstance(report, AnalysisReport):
        html.render(report, out, base_dir=base_dir)
    else:
        check_html.render(report, out, base_dir=base_dir)
    return out.getvalue()


def assert_is_sound(page: str) -> None:
    """The page is closed, made of our tags only, and usable without eyes or a pointer."""
    document = Document(page)
    ids = document.ids()
    assert {one.tag for one in document.elements} <= TAGS
    assert {name for one in document.elements for name in one.attributes} <= ATTRIBUTES
    assert len(document.all("script")) == len(document.all("style")) == len(document.all("h1")) == 1
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    for one in document.elements:
        target = one.attributes.get("href", "#main")
        assert target[1:] in ids if target.startswith("#") else target.startswith("https://")
        assert set(one.attributes.get("aria-labelledby", "").split()) <= set(ids)
    levels = [int(one.tag[1]) for one in document.elements if re.fullmatch("h[1-6]", one.tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(document.all("caption")) == len(document.all("table"))
    assert all("scope" in one.attributes or "aria-hidden" in one.attributes for one in document.all("th"))
    for drawing in document.all("svg"):
        assert drawing.attributes.get("aria-hidden") or "aria-labelledby" in drawing.attributes
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)


@fewer
@given(reports())
def test_whatever_is_in_a_report_the_page_is_made_of_our_own_tags(report: AnalysisReport) -> None:
    assert_is_sound(shown(report))


@fewer
@given(checks())
def test_whatever_is_in_a_check_the_page_is_made_of_our_own_tags(report: CheckReport) -> None:
    assert_is_sound(shown(report))


@pytest.mark.parametrize("name", report_samples.__all__)
def test_the_samples_are_sound_pages(name: str) -> None:
    assert_is_sound(shown(getattr(report_samples, name)()))


@fewer
@given(texts())
def test_a_title_is_on_the_page_as_text_with_nothing_hidden(name: str) -> None:
    report = report_samples.leak()
    finding = replace(report.findings[0], title=name)

    document = Document(shown(replace(report, findings=(finding,))))

    # Backticks around names are how titles mark code.
    assert document.all("p", "title")[0].text.replace("`", "") == " ".join(clean(name, 600).split()).replace(
        "`", ""
    )


def test_only_the_style_and_script_of_the_package_are_allowed() -> None:
    page = shown(report_samples.hostile())
    policy = Document(page).all("meta")[1].attributes["content"]

    for tag in ("style", "script"):
        inner = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_template_lets_a_string_through_unescaped_or_asks_for_anything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\|\s*(safe|e|escape|forceescape|tojson|urlize|xmlattr)\b", text)
    assert not re.search(r"autoescape|Markup|innerHTML|insertAdjacent|eval\(|fetch\(|\bimport\(", text)
    assert not re.search(r"\s(style|on\w+|src)\s*=\s*\"|@import|url\(|https?:", text)


def test_the_first_screen_tells_cause_place_rate_confidence_and_fix() -> None:
    document = Document(shown(report_samples.leak(), "/srv/app"))

    assert document.all("h1")[0].text == "Leak 2 causes keep growing, together 2.34 kB per unit of work."
    first = document.all("li", "is-leak")[0].text
    for part in (
        "Map reportCache gains 1.0 ReportEntry per unit of work", "src/reports/cache.js:20",
        "+1.65 kB", "0.97",
        "Fix Bound the cache: drop the oldest entry when it is full",
    ):  # fmt: skip
        assert part in first


def test_a_finding_says_all_there_is_to_say_about_it() -> None:
    document = Document(shown(report_samples.leak(), "/srv/app"))
    text = document.all("article")[0].text

    for part in (
        "cache", "+1.0 objects per unit of work", "23.1 MB held by nothing else", "app 1.4.0",
        "src/reports/cache.js:12 in handleReport", "grew in 2 of 2 rounds", "only two rounds were seen",
        "60,000 strings of ReportEntry.rendered", "Array recent (context of handleReport)", "9f2c41d07be3",
        "src/reports/cache.js:41 in handleReport adds the members", "More about this kind of leak",
        "not calibrated",
    ):  # fmt: skip
        assert part in text, part
    assert document.all("mark")[0].text == "const reportCache = new Map(); // url -> ReportEntry"
    assert "/srv/app" not in shown(report_samples.leak(), "/srv/app")


def test_code_begins_and_ends_with_a_line_that_says_something() -> None:
    document = Document(shown(report_samples.leak()))

    holder = document.all("figure", "code")[0]
    assert holder.text.endswith("21const bus = new EventEmitter();")
    # Inside, blank lines stay: the numbers would not follow on one another.
    assert "19" in holder.text


def test_lines_that_a_fix_keeps_are_neither_before_nor_after() -> None:
    document = Document(shown(report_samples.leak()))

    assert [one.text for one in document.all("span", "both")] == ["reportCache.set(key, entry);"]
    assert document.all("span", "after")[0].text.startswith("+if (reportCache.size > 1000)")
    assert document.all("span", "before") == []


def test_suspect_edges_of_the_path_are_marked() -> None:
    document = Document(shown(report_samples.leak()))

    assert [one.text for one in document.all("li", "suspect")][:2] == [
        "reportCache suspect → Map @4711",
        '["/api/report?x=1:1"] suspect → ReportEntry @88213',
    ]


def test_of_a_long_path_what_is_far_from_the_suspect_edges_is_folded_and_nothing_is_lost() -> None:
    report = report_samples.leak()
    steps = report.findings[0].path
    long = steps[:3] + steps[2:4] * 5 + steps[4:]
    finding = replace(report.findings[0], path=long)

    stretches = findings_of(replace(report, findings=(finding,))).counted[0].path

    assert tuple(step for stretch in stretches for step in stretch.steps) == long
    assert [stretch.folded for stretch in stretches] == [False, True, False]
    assert [step.node for step in stretches[2].steps] == ["system / Context", "Map", "ReportEntry", "Array"]


def test_related_findings_are_links_and_unknown_ones_are_named() -> None:
    document = Document(shown(report_samples.leak()))

    links = [one for one in document.all("a") if one.text.startswith("2 EventEmitter")]
    assert [one.attributes["href"] for one in links] == ["#finding-2"]
    assert "b-lru" in document.all("article")[1].text


def test_suspended_calls_are_counted_with_what_awaits_them() -> None:
    text = Document(shown(report_samples.leak(), "/srv/app")).all("ol", "stacks")[0].text

    assert (
        "412 calls stuck in waitForReport ← handleReport ← listen "
        "the innermost is defined at src/reports/cache.js:34" in text
    )
    assert "1 call stuck in flush 900 B retained" in text


def test_suppressed_findings_are_listed_with_their_reason() -> None:
    document = Document(shown(report_samples.leak()))

    suppressed = document.all("article", "is-suppressed")
    assert [one.attributes["id"] for one in suppressed] == ["finding-4"]
    assert "Reason: comment in cache.js:43: CACHE: one per template on disk" in suppressed[0].text
    assert "Template" in suppressed[0].text
    assert "4" not in [one.text for one in document.all("span", "number")][:3]


def test_what_would_settle_an_undecided_finding_is_said() -> None:
    text = Document(shown(report_samples.leak())).all("article")[2].text

    assert "What would settle it: two more rounds of 4,000 requests: a leak grows in both" in text


def test_charts_have_axes_a_title_and_their_figures() -> None:
    document = Document(shown(report_samples.leak()))

    described = {one.text for one in document.all("desc")}
    assert "6,000 at work 6,000, 14,000 at work 14,000." in described
    assert "9.90 MB at work 6,000, 23.1 MB at work 14,000." in described
    labels = [one.text for one in document.all("text")]
    assert {"0 MB", "10 MB", "30 MB", "6,000", "14,000", "work"} <= set(labels)
    assert "work Members held Bytes retained by them 6,000 6,000 9.90 MB" in document.all("table")[0].text


@pytest.mark.parametrize(
    ("model", "confidence", "verdict", "meaning"),
    [
        ("provisional-1", 0.97, Verdict.LEAK, "not calibrated"),
        ("2026-01", 0.97, Verdict.LEAK, "about 97 are leaks"),
        ("2026-01", 0.9999, Verdict.LEAK, "fewer than 1 is a false alarm"),
        ("2026-01", 0.55, Verdict.UNDECIDED, "About 55 of 100 findings with this evidence are leaks"),
    ],
)
def test_a_confidence_is_told_in_words(model: str, confidence: float, verdict: Verdict, meaning: str) -> None:
    report = report_samples.leak()
    finding = replace(report.findings[0], confidence=confidence, verdict=verdict)

    one = findings_of(replace(report, findings=(finding,), model=model)).counted[0]

    assert meaning in one.meaning


def test_one_snapshot_shows_resources_waste_kinds_and_classes() -> None:
    document = Document(shown(report_samples.single(), "/srv/app"))
    text = document.all("main")[0].text

    assert "Undecided One snapshot shows what is big" in text
    for part in ("heartbeatTick every 60000 ms", "application/json", "8.39 MB", "ReportEntry"):
        assert part in text
    assert document.all("circle") == []


def test_a_comparison_is_ordered_by_growth_and_sortable_by_the_numbers_behind_it() -> None:
    document = Document(shown(report_samples.two_snapshots()))
    table = next(one for one in document.all("table", "sortable") if "Difference by class" in one.text)

    names = [one.text for one in document.all("td", "name")][:4]
    assert names == ["ReportEntry", "(string)", "RequestCtx", "Conn"]
    assert "+6.60 MB" in table.text
    assert "6600800" in [one.attributes.get("data-value") for one in document.all("td", "num")]


def test_a_table_by_class_is_cut_and_says_how_much_is_missing() -> None:
    report = report_samples.single()
    assert report.snapshot is not None
    rows = tuple(replace(report.snapshot.classes[1], class_name=f"C{i}") for i in range(250))

    page = shown(replace(report, snapshot=replace(report.snapshot, classes=rows)))

    assert "50 classes more in the JSON report." in page
    assert ">C98<" not in page
    assert ">C0<" in page
    assert ">C99<" not in page


def test_a_check_tells_criteria_memory_load_and_how_to_run_it_again() -> None:
    report = check_samples.check_leak()
    text = Document(shown(report)).all("main")[0].text

    for part in (
        "Leak 2 causes keep growing, together 2.34 kB per request.", "not judged stable-floor",
        "fail budget:ReportEntry", "pass peak",
        "Heap after garbage collection Leak rises by 825 B per request", "Resident memory (RSS)",
        "External memory", "Array buffers", "20,000 responses in 12.5 s", "1,600 per second", "99 % within",
        "Map reportCache", "No memory limit was found", "four or more make the confidence firmer",
        report.target.reproduce, "node 20.20.2", "axis begins at",
    ):  # fmt: skip
        assert part in text, part


def test_memory_that_is_fine_is_drawn_from_zero() -> None:
    rounds = tuple(
        replace(one, external_bytes=2_000_000 + 50_000 * i)
        for i, one in enumerate(check_samples.check_leak().rounds)
    )

    titles = [
        one.text
        for one in Document(shown(replace(check_samples.check_leak(), rounds=rounds))).all("figcaption")
    ]

    assert [title for title in titles if title.startswith("External memory Clean")] != []
    assert [title for title in titles if title.startswith("Resident memory (RSS) axis begins at")] != []


def test_a_check_that_could_not_run_says_so_with_the_last_output() -> None:
    document = Document(shown(check_samples.check_failed()))

    assert document.all("h1")[0].text.startswith("Could not run The program ended in round 2")
    assert "Reached heap limit Allocation failed" in document.all("pre", "output")[0].text


def test_the_command_to_run_an_analysis_again_is_one_line_for_a_shell() -> None:
    report = report_samples.leak()
    odd = replace(report.inputs[0], path="it's; rm\n-rf.heapsnapshot")

    text = Document(shown(replace(report, inputs=(odd, *report.inputs[1:])))).all("code", "command")[0].text

    assert text == (
        "heapsleuth analyze 'it'\"'\"'s; rm\\n-rf.heapsnapshot' leakB.heapsnapshot leakC.heapsnapshot "
        "--work 6000,10000,14000"
    )


def test_only_addresses_of_the_web_become_links() -> None:
    report = report_samples.leak()
    fix = report.findings[0].fix
    assert fix is not None
    nameless = replace(report.findings[0], category="not-a-kind")
    for doc, links in (("https://example.invalid/a#b", 1), ("javascript:alert(1)", 0), ("docs/a.md", 0)):
        finding = replace(nameless, fix=replace(fix, doc=doc))
        document = Document(shown(replace(report, findings=(finding,))))

        assert [one.attributes["href"] for one in document.all("a") if one.attributes["href"] == doc] == [
            doc
        ] * links


def test_paths_inside_the_base_folder_lose_it_and_others_keep_theirs() -> None:
    report = report_samples.leak()
    finding = replace(
        report.findings[0],
        evidence_for=(
            replace(
                report.findings[0].evidence_for[0],
                text="/srv/app: /srv/app/x.js, /srv/apple/y.js, /mnt/srv/app/z.js",
            ),
        ),
        holder=replace(report.findings[0].holder, location=SourceLocation("/srv/app/a.js", 3)),
    )
    report = replace(report, findings=(finding,))

    assert ".: x.js, /srv/apple/y.js, /mnt/srv/app/z.js" in shown(report, "/srv/app")
    assert "/srv/app: /srv/app/x.js, " in shown(report, "/")
    assert '<code class="place">a.js:3</code>' in shown(report, "/srv/app/")


def test_the_page_brings_what_the_documentation_says_of_its_kinds_of_leaks() -> None:
    document = Document(shown(report_samples.leak()))

    kinds = document.all("details", "kind")
    assert [one.attributes["id"] for one in kinds] == ["about-cache", "about-listener", "about-collection"]
    for heading in (
        "What leaks",
        "Leaking example",
        "Fixed example",
        "Known false alarms",
        "How to confirm it",
    ):
        assert heading in kinds[0].text
    assert "```" not in shown(report_samples.leak())
    assert "#about-cache" in [one.attributes["href"] for one in document.all("a")]


def test_of_a_page_headings_code_lists_and_links_are_told_apart() -> None:
    [kind] = about(["cache", "cache", "no-such-kind", "../cache", "base"])

    assert [block.text for block in kind.blocks if block.form == "heading"][:2] == [
        "What leaks",
        "Leaking example",
    ]
    assert [block.form for block in kind.blocks][:4] == ["heading", "text", "heading", "code"]
    assert "WeakMap" in [block.text for block in kind.blocks if block.form == "link"]
    assert all(block.address.startswith("https://") for block in kind.blocks if block.form == "link")
    assert not any("](" in block.text for block in kind.blocks)
