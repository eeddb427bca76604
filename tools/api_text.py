"""The public API as text: every exported name with its signature, fields and public members."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys

import heapsleuth

__all__ = ["api_text"]


def _signature(function: object) -> str:
    return str(inspect.signature(function)).replace("'", "")  # type: ignore[arg-type]


def _member(name: str, value: object) -> str | None:
    if name.startswith("_"):
        return None
    if isinstance(value, property):
        returns = inspect.signature(value.fget).return_annotation if value.fget else "?"
        return f"{name}: {returns}"
    if isinstance(value, (classmethod, staticmethod)):
        return f"{name}{_signature(value.__func__)}"
    return f"{name}{_signature(value)}" if inspect.isfunction(value) else None


def _describe_class(name: str, kind: type) -> list[str]:
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    lines = [f"class {name}({bases})" if bases else f"class {name}"]
    if issubclass(kind, enum.Enum):
        return lines + [f"    {member.name} = {member.value!r}" for member in kind]
    if dataclasses.is_dataclass(kind):
        lines += [f"    {field.name}: {field.type}" for field in dataclasses.fields(kind)]
    elif not issubclass(kind, Exception):
        lines.append(f"    {_signature(kind)}")
    members = [_member(key, value) for key, value in sorted(vars(kind).items())]
    return lines + [f"    {text}" for text in members if text]


def api_text() -> str:
    """Return the public API, one name after the other in the order of `__all__`."""
    lines: list[str] = []
    for name in heapsleuth.__all__:
        value = getattr(heapsleuth, name)
        if inspect.isclass(value):
            lines += _describe_class(name, value)
        elif callable(value):
            lines.append(f"{name}{_signature(value)}")
        else:
            lines.append(f"{name}: {type(value).__name__}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(api_text())
