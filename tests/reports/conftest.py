"""Gold files: whole renderings, compared byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLD = Path(__file__).parent.parent / "gold"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-gold", action="store_true", help="write the gold files in place of comparing them"
    )


@pytest.fixture
def assert_gold(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a rendering with the gold file of that name, or write it under --update-gold."""
    update = request.config.getoption("--update-gold", default=False)

    def check(name: str, text: str) -> None:
        path = GOLD / name
        if update:
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_bytes().decode("utf-8"), f"differs from tests/gold/{name}"

    return check
