"""Findings for tests of advice, and Node.js as the judge of what is JavaScript."""

from __future__ import annotations

import json
import subprocess

from heapsleuth.leaks.model import CodeLine, Finding, Holder, Members, Site, Verdict
from heapsleuth.places import Package, SourceLocation
from tests.node_programs import node_binaries


def finding(
    category: str = "cache",
    holder: str = "reports",
    kind: str = "Map",
    members: str = "Report",
    *,
    package: Package | None = None,
    sites: tuple[Site, ...] = (),
    title: str = "",
) -> Finding:
    return Finding(
        signature="0" * 16,
        category=category,
        verdict=Verdict.LEAK,
        confidence=1.0,
        title=title,
        holder=Holder(holder, kind, 1, None, package),
        members=Members(members, None, (), (), 1.0, 1.0),
        exclusive_bytes=0,
        path=(),
        evidence_for=(),
        evidence_against=(),
        sites=sites,
    )


def site(
    role: str, *lines: str, marked: int = 0, file: str = "/app/src/app.js", dep: str | None = None
) -> Site:
    code = tuple(CodeLine(10 + at, text, at == marked) for at, text in enumerate(lines))
    place = SourceLocation(file, 10 + marked)
    return Site(role, place, None if dep is None else Package(dep, "1.2.3"), code)


def errors_in(snippets: list[str]) -> list[str]:
    """Return what Node says about snippets that are no body of an async method."""
    script = """
      const vm = require('node:vm');
      const codes = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
      for (const code of codes) {
        const names = new Set(code.match(/#[A-Za-z_$][\\w$]*/g) ?? []);
        const fields = [...names].map((name) => `${name};`).join(' ');
        try { new vm.Script(`(class extends Object { ${fields} async method() {\\n${code}\\n} })`); }
        catch (error) { console.log(JSON.stringify(`${error.message}: ${code}`)); }
      }
    """
    node = node_binaries()[0]
    done = subprocess.run(
        [node, "-e", script],
        input=json.dumps(snippets),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


LISTENER = finding("listener", 'bus "change" listeners', "EventEmitter", "function onChange")
