"""Reports built by hand, as the analysis would give them; the gold files show what becomes of them."""

from __future__ import annotations

from heapsleuth.leaks.model import (
    AnalysisReport,
    AsyncStack,
    CensusRow,
    ClassDelta,
    ClassRow,
    CodeLine,
    Comparison,
    Evidence,
    Finding,
    Fix,
    Holder,
    Input,
    Members,
    PathStep,
    Site,
    SnapshotSummary,
    Verdict,
    Warning_,
    WasteRow,
)
from heapsleuth.places import Package, SourceLocation

__all__ = ["clean", "hostile", "leak", "many", "single", "two_snapshots"]

_FILE = "/srv/app/src/reports/cache.js"
_EVERY_ROUND = Evidence("grows-every-round", "grew in 2 of 2 rounds, in step with the work", 1.0)
_NO_DELETE = Evidence("never-shrinks", "none of the members of the first snapshot was ever released", 1.0)
_FEW = Evidence("few-rounds", "only two rounds were seen", 2.0)


def leak() -> AnalysisReport:
    """Four snapshots' worth of a leaking service: two leaks, one doubtful, two bounded, one suppressed."""
    return AnalysisReport(
        mode="identity",
        verdict=Verdict.LEAK,
        inputs=_inputs(3),
        findings=(_cache(), _listeners(), _doubtful(), _intended()),
        bounded=(
            _bounded("lru", "LruVal", 25, (3000, 3000, 3000)),
            _bounded("config", "ConfigRow", 31, (0, 10000, 10000)),
        ),
        warnings=(
            Warning_(
                "few-rounds", "Three snapshots show two rounds; four or more make the confidence firmer."
            ),
        ),
        model="provisional-1",
    )


def clean() -> AnalysisReport:
    """Nothing grew; calibrated model."""
    return AnalysisReport(
        mode="identity",
        verdict=Verdict.CLEAN,
        inputs=_inputs(3),
        findings=(),
        bounded=(_bounded("lru", "LruVal", 25, (3000, 3000, 3000)),),
        model="1",
    )


def two_snapshots() -> AnalysisReport:
    """Two snapshots from different processes without work, compared class by class."""
    inputs = tuple(
        Input(f"snaps/{name}.heapsnapshot", 95_400_000, 1_210_331, 4_410_020, heap, None, "node")
        for name, heap in (("before", 98_100_000), ("after", 113_000_000))
    )
    return AnalysisReport(
        mode="structural",
        verdict=Verdict.UNDECIDED,
        inputs=inputs,
        findings=(_doubtful(),),
        warnings=(
            Warning_("different-processes", "Object ids do not match: growth is judged by shape and path."),
        ),
        comparison=Comparison(
            0,
            1,
            (
                ClassDelta("RequestCtx", None, 120, 120, 0, 14_400, 14_400, 0),
                ClassDelta("Conn", None, 0, 12, -12, 0, 1_200, -1_200),
                ClassDelta("ReportEntry", SourceLocation(_FILE, 12), 4000, 0, 4000, 6_600_800, 0, 6_600_800),
                ClassDelta("(string)", None, 8123, 23, 8100, 1_450_000, 2_300, 1_447_700),
            ),
        ),
        model="provisional-1",
    )


def single() -> AnalysisReport:
    """One snapshot: suspects and what is in it."""
    return AnalysisReport(
        mode="single",
        verdict=Verdict.UNDECIDED,
        inputs=_inputs(1),
        findings=(
            Finding(
                signature="77aa",
                category="cache",
                verdict=Verdict.UNDECIDED,
                confidence=0.4,
                title="Map `reportCache` holds 6,000 ReportEntry",
                holder=Holder("reportCache", "Map", 4711, SourceLocation(_FILE, 20), Package("app", "1.4.0")),
                members=Members("ReportEntry", SourceLocation(_FILE, 12), (6000,), (9_900_000,), 0.0, 0.0),
                exclusive_bytes=9_900_000,
                path=_cache().path,
                evidence_for=(Evidence("share-of-heap", "10 % of the heap hangs on this one object", 0.1),),
                evidence_against=(),
            ),
        ),
        snapshot=SnapshotSummary(
            classes=(
                ClassRow("(string)", None, 210_344, 14_200_000, 14_200_000, 3),
                ClassRow("ReportEntry", SourceLocation(_FILE, 12), 6000, 336_000, 9_900_000, 5),
                ClassRow("Detached <div>", None, 3, 300, 900, -1),
                *(ClassRow(f"Filler{i:02}", None, 10 + i, 100 * i, 1000 * i, 4) for i in range(20)),
            ),
            census=(
                CensusRow(
                    "listeners", 'EventEmitter "invalidate"', 3000, 4_100_000, SourceLocation(_FILE, 27)
                ),
                CensusRow("timers", "heartbeatTick every 60000 ms", 300, 780_000, SourceLocation(_FILE, 28)),
                CensusRow("promises", "pending", 600, 120_000, None),
            ),
            waste=(
                WasteRow("duplicate-string", '"application/json; charset=utf-8"', 6000, 288_000),
                WasteRow("big-buffer", "ArrayBuffer @991", 1, 2_097_152),
            ),
            off_heap_bytes=8_388_608,
            statistics=(
                ("code", 11_000_000),
                ("strings", 14_200_000),
                ("JS arrays", 6_000_000),
                ("typed arrays", 0),
                ("system", 2_000_000),
                ("other", 64_900_000),
            ),
        ),
        model="provisional-1",
    )


def many() -> AnalysisReport:
    """More findings than are shown in full, over many rounds."""
    counts = tuple(range(1000, 26000, 1000))
    inputs = tuple(
        Input(
            f"round-{i:02}.heapsnapshot", 90_000_000, 1_000_000, 4_000_000, 60_000_000 + i, float(i), "node"
        )
        for i in range(25)
    )
    findings = tuple(
        Finding(
            signature=f"{i:04x}",
            category="collection",
            verdict=Verdict.LEAK,
            confidence=0.99 - i / 100,
            title=f"Array `queue{i}` gains 1.0 Job{i} per unit of work",
            holder=Holder(f"queue{i}", "Array", 100 + i, SourceLocation(f"src/queues/q{i}.js", 3 + i), None),
            members=Members(f"Job{i}", None, counts, tuple(c * 100 for c in counts), 1.0, 100.0),
            exclusive_bytes=0,
            path=(),
            evidence_for=tuple(Evidence(f"e{n}", f"fact number {n}", 1.0) for n in range(7)),
            evidence_against=(),
        )
        for i in range(13)
    )
    return AnalysisReport("identity", Verdict.LEAK, inputs, findings, model="1")


def hostile() -> AnalysisReport:
    """Every string a heap can put into a report tries to break out of it."""
    ansi = "\x1b[31mred\x1b[0m\x07\x9b2J"
    markup = "[red]not markup[/red] [link=file:///etc/passwd]x[/link] :boom:"
    bidi = "user\u202egnp.exe\u2066\u200b\ud800"
    long = "k" * 5000
    table = 'a|b `c` <script>alert("x")</script> @team ![x](http://example.invalid) \\'
    location = SourceLocation(f"/srv/{long}/caché\n日本語.js", 7, 3, ansi)
    finding = Finding(
        signature="dead",
        category="cache\n",
        verdict=Verdict.LEAK,
        confidence=0.9,
        title=f"Map `{ansi}` gains {markup}\nand {bidi}",
        holder=Holder(f"{ansi}{long}", markup, 1, location, Package(bidi, "1\r2")),
        members=Members(table, location, (1, 2), (10, 20), float("nan"), float("inf")),
        exclusive_bytes=1,
        path=(
            PathStep("", bidi, 1),
            PathStep(f'Map["{long}"]', ansi, 3, suspect=True),
            PathStep(markup, table, 5),
        ),
        evidence_for=(Evidence("x\ny", f"{ansi} → {table}", 1e-300),),
        evidence_against=(Evidence("z", long, -0.0),),
        also_retained=(markup,),
        also_retained_by=(table, ansi),
        related=(table, "dead"),
        sites=(
            Site(markup, location, Package(table, None), (CodeLine(7, f"\t{ansi}{table}", marked=True),)),
            Site("added", SourceLocation(table, None), None, (CodeLine(1, "", marked=False),)),
        ),
        stacks=(AsyncStack((markup, table, long), location, 2, 10), AsyncStack((), None, 1, 0)),
        settles=f"{markup} {ansi}",
        fix=Fix(bidi, f"```\n{ansi}\n{table}", f"\tok();\n{long}", f"docs/{markup}"),
    )
    return AnalysisReport(
        mode="identity",
        verdict=Verdict.LEAK,
        inputs=tuple(Input(f"{ansi}-{i}\n.heapsnapshot", 1, 2, 3, 4 + i, i + 0.5, table) for i in range(2)),
        findings=(finding,),
        bounded=(finding,),
        warnings=(Warning_(bidi, markup),),
        comparison=Comparison(0, 1, (ClassDelta(table, location, 1, 2, -1, 3, 4, -1),)),
        model=f"provisional-{ansi}",
    )


def _inputs(count: int) -> tuple[Input, ...]:
    rows = (
        Input("leakA.heapsnapshot", 86_400_000, 1_110_331, 4_010_020, 98_100_000, 6000.0, "node"),
        Input("leakB.heapsnapshot", 90_100_000, 1_160_120, 4_190_211, 106_000_000, 10000.0, "node"),
        Input("leakC.heapsnapshot", 94_800_000, 1_210_554, 4_380_744, 113_200_000, 14000.0, "node"),
    )
    return rows[:count]


def _cache() -> Finding:
    return Finding(
        signature="9f2c41d07be3",
        category="cache",
        verdict=Verdict.LEAK,
        confidence=0.97,
        title="Map `reportCache` gains 1.0 ReportEntry per unit of work and never loses one",
        holder=Holder("reportCache", "Map", 4711, SourceLocation(_FILE, 20, 6), Package("app", "1.4.0")),
        members=Members(
            "ReportEntry",
            SourceLocation(_FILE, 12, 19, "handleReport"),
            (6000, 10000, 14000),
            (9_900_000, 16_500_000, 23_100_000),
            1.0,
            1650.2,
        ),
        exclusive_bytes=23_100_000,
        path=(
            PathStep("", "(GC roots)", 1),
            PathStep("native_context", "system / NativeContext", 17),
            PathStep("require.cache", "Object", 201),
            PathStep('["/srv/app/src/reports/cache.js"]', "Module", 3303),
            PathStep("exports", "handleReport()", 4401),
            PathStep("context", "system / Context", 4405),
            PathStep("reportCache", "Map", 4711, suspect=True),
            PathStep('["/api/report?x=1:1"]', "ReportEntry", 88213, suspect=True),
            PathStep("rows", "Array", 88217),
        ),
        evidence_for=(_EVERY_ROUND, _NO_DELETE),
        evidence_against=(_FEW,),
        also_retained=("60,000 strings of ReportEntry.rendered",),
        also_retained_by=("Array `recent` (context of `handleReport`)",),
        related=("17b0aa93c2f4",),
        sites=_cache_sites(),
        fix=Fix(
            "Bound the cache: drop the oldest entry when it is full",
            "reportCache.set(key, entry);",
            "reportCache.set(key, entry);\n"
            "if (reportCache.size > 1000) reportCache.delete(reportCache.keys().next().value);",
            "docs/leaks/cache.md",
        ),
    )


def _listeners() -> Finding:
    return Finding(
        signature="17b0aa93c2f4",
        category="listener",
        verdict=Verdict.LEAK,
        confidence=0.95,
        title='EventEmitter `bus` gains 0.50 "invalidate" listeners per unit of work',
        holder=Holder(
            'bus "invalidate" listeners', "EventEmitter", 5205, SourceLocation(_FILE, 20, 42), None
        ),
        members=Members(
            "closure onInvalidate",
            SourceLocation(
                "/srv/app/node_modules/@acme/observability-instrumentation/dist/lib/subscribe.js", 127, 4
            ),
            (3000, 5000, 7000),
            (4_110_000, 6_850_000, 9_590_000),
            0.5,
            685.0,
        ),
        exclusive_bytes=9_590_000,
        path=(
            PathStep("", "(GC roots)", 1),
            PathStep("bus", "EventEmitter", 5205, suspect=True),
            PathStep('"invalidate" listener', "onInvalidate()", 9911, suspect=True),
        ),
        evidence_for=(_EVERY_ROUND,),
        evidence_against=(),
        related=("9f2c41d07be3", "b-lru"),
        stacks=(
            AsyncStack(
                ("waitForReport", "handleReport", "listen"), SourceLocation(_FILE, 34, 10), 412, 1_200_000
            ),
            AsyncStack(("flush",), None, 1, 900),
        ),
    )


def _cache_sites() -> tuple[Site, ...]:
    app = Package("app", "1.4.0")
    held = (
        "const { LruMap } = require('./lru');",
        "",
        "const reportCache = new Map();  // url -> ReportEntry",
        "const bus = new EventEmitter();",
        "",
    )
    added = (
        "  const entry = new ReportEntry(url, render(rows));",
        "  reportCache.set(`${url}:${rows.length}`, entry);",
        "  return entry;",
    )
    return (
        Site("holder", SourceLocation(_FILE, 20, 6), app, _lines(held, 18, 20)),
        Site("added", SourceLocation(_FILE, 41, 2, "handleReport"), app, _lines(added, 40, 41)),
        Site("member", SourceLocation(_FILE, 12, 19, "handleReport"), app),
    )


def _lines(texts: tuple[str, ...], first: int, marked: int) -> tuple[CodeLine, ...]:
    return tuple(CodeLine(number, text, number == marked) for number, text in enumerate(texts, first))


def _doubtful() -> Finding:
    return Finding(
        signature="c0ffee000001",
        category="collection",
        verdict=Verdict.UNDECIDED,
        confidence=0.55,
        title="Array `history` gained 120 Snapshot in one round of two",
        holder=Holder("history", "Array", 812, None, None),
        members=Members("Snapshot", None, (0, 120), (0, 48_000), 0.015, 6.0),
        exclusive_bytes=48_000,
        path=(),
        evidence_for=(),
        evidence_against=(Evidence("not-every-round", "did not grow in the last round", 0.5),),
        settles="two more rounds of 4,000 requests: a leak grows in both",
    )


def _intended() -> Finding:
    return Finding(
        signature="c0ffee000002",
        category="cache",
        verdict=Verdict.LEAK,
        confidence=0.9,
        title="Map `templates` gains 0.10 Template per unit of work",
        holder=Holder("templates", "Map", 900, SourceLocation(_FILE, 44), None),
        members=Members("Template", None, (600, 1000, 1400), (60_000, 100_000, 140_000), 0.1, 10.0),
        exclusive_bytes=140_000,
        path=(),
        evidence_for=(),
        evidence_against=(),
        suppressed="comment in cache.js:43: CACHE: one per template on disk",
    )


def _bounded(name: str, members: str, line: int, counts: tuple[int, ...]) -> Finding:
    return Finding(
        signature=f"b-{name}",
        category="cache",
        verdict=Verdict.BOUNDED,
        confidence=0.02,
        title=f"Map `{name}` stopped growing",
        holder=Holder(name, "Map", 6000 + line, SourceLocation(_FILE, line), None),
        members=Members(members, None, counts, tuple(count * 120 for count in counts), 0.0, 0.0),
        exclusive_bytes=360_000,
        path=(),
        evidence_for=(),
        evidence_against=(),
    )
