"""The pages about the JSON of reports and checks, from their schemas: a table per object."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["check_page", "schema_page"]

Schema = dict[str, Any]


def _type(schema: Schema) -> str:
    """Return the type of a field in a few words, with links to other objects' tables."""
    if schema.get("$ref") == "urn:heapsleuth:report:1":
        return "[report](report-json.md)"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name})"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}))}"
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _rows(properties: Schema, prefix: str = "") -> list[str]:
    rows = []
    for name, field in properties.items():
        rows.append(f"| `{prefix}{name}` | {_type(field)} | {field.get('description', '')} |")
        # Small objects written in place are shown in place.
        for inner, mark in ((field, "."), (field.get("items", {}), "[].")):
            rows += _rows(inner.get("properties", {}), f"{prefix}{name}{mark}")
    return rows


def _table(title: str, schema: Schema) -> str:
    head = f"## {title}\n\n" + (f"{schema['description']}\n\n" if "description" in schema else "")
    rows = "\n".join(_rows(schema.get("properties", {})))
    return f"{head}| field | type | meaning |\n|---|---|---|\n{rows}\n"


def schema_page() -> str:
    """Return the page about reports as Markdown."""
    intro = (
        "# The JSON report\n\nWhat `--json` writes and `AnalysisReport.to_json()` returns. The schema is "
        "`src/heapsleuth/reports/report.schema.json`; a change that breaks readers raises `version`.\n"
    )
    return _page(intro, "report", "report.schema.json")


def check_page() -> str:
    """Return the page about checks as Markdown."""
    intro = (
        "# The JSON of a check\n\nWhat `heapsleuth check --json` writes and `CheckReport.to_json()` returns. "
        "The schema is `src/heapsleuth/reports/check.schema.json`; a change that breaks readers raises "
        "`version`.\n"
    )
    return _page(intro, "check", "check.schema.json")


def _page(intro: str, title: str, file: str) -> str:
    schema: Schema = json.loads(files("heapsleuth.reports").joinpath(file).read_text(encoding="utf-8"))
    parts = [_table(title, schema)]
    parts += [_table(name, part) for name, part in schema.get("$defs", {}).items()]
    return intro + "\n" + "\n".join(parts)
