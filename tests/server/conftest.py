"""What tests of the collector share: one that runs for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server.collector_process import collector_process

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.collector_process import Running


@pytest.fixture(scope="session")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a collector to tests that leave it as they found it, but for instances of their own."""
    with collector_process(tmp_path_factory.mktemp("collector")) as running:
        yield running
