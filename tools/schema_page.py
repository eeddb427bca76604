"""The page about the JSON of reports and checks, from its schema: a table per object."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

__all__ = ["schema_page"]

Schema = dict[str, Any]


def _type(schema: Schema) -> str:
    """Return the type of a field in a few words, with links to other objects' tables."""
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
    # A number has no fields.
    return f"{head}| field | type | meaning |\n|---|---|---|\n{rows}\n" if rows else head.rstrip() + "\n"


def schema_page() -> str:
    """Return the page about reports, those of checks included, as Markdown."""
    intro = (
        "# The JSON report\n\nWhat `heapsleuth analyze --json` and `heapsleuth check --json` write, and "
        "`AnalysisReport.to_json()` and `CheckReport.to_json()` return. A check has one key more, `check`. "
        "The schema is `src/heapsleuth/reports/report.schema.json`; a change that breaks readers raises "
        "`version`.\n"
    )
    file = files("heapsleuth.reports").joinpath("report.schema.json")
    schema: Schema = json.loads(file.read_text(encoding="utf-8"))
    parts = [_table("report", schema)]
    parts += [_table(name, part) for name, part in schema["$defs"].items()]
    return intro + "\n" + "\n".join(parts)
