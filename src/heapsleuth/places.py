"""Places in source code, as every layer and report names them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Package", "SourceLocation"]


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """An npm package, read off the path of one of its files."""

    name: str
    version: str | None
    """None when its package.json is not readable."""


@dataclass(frozen=True, slots=True, order=True)
class SourceLocation:
    """
    A position in source code.

    `line` is 1-based, `column` 0-based, as compilers print them; both None when only the file is
    known.  `generated` is True for a place in generated code although there is a source map: it could not
    be applied, or the file is a dependency's, where what runs is what one opens.
    """

    file: str
    line: int | None
    column: int | None = None
    function: str | None = None
    generated: bool = False

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"
