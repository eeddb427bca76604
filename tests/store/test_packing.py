"""Packed rows: nothing is rounded, and layouts stay few whatever agents send."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sqlalchemy import func, select
from store_messages import HOUR, T, batch

from heapsleuth.store import layouts, schema
from heapsleuth.store.blocks import pack_block, unpack_block
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from heapsleuth.store.sql_store import SqlStore

SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 12))


@given(arrays.arrays(np.float64, SHAPES, elements=st.floats(width=64)))
def test_a_block_gives_back_every_bit(rows: np.ndarray) -> None:
    back = unpack_block(pack_block(rows), rows.shape[1])

    assert back.shape == rows.shape
    assert back.tobytes() == np.ascontiguousarray(rows).tobytes()


def test_a_block_of_real_samples_takes_a_fraction_of_their_room() -> None:
    rng = random.Random(1)
    # Bytes that wobble, counts that grow, limits that stay.
    rows = np.array(
        [[float(rng.randrange(10**8, 2 * 10**8)), 1000.0 * at, 4.3e9, 0.5] for at in range(60)],
        dtype=np.float64,
    )

    assert len(pack_block(rows)) < rows.nbytes / 2


def count_of_layouts(store: SqlStore) -> int:
    with store._database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(schema.layouts)).scalar_one())


def test_metrics_that_come_and_go_share_a_layout(store: SqlStore) -> None:
    rng = random.Random(2)
    names = [f"metric_{n}" for n in range(40)]
    rows = [
        {"at_ms": T + at, **{name: rng.random() for name in names if at == 0 or rng.random() > 0.15}}
        for at in range(300)
    ]
    store.append([batch(rows)])

    assert store.rows("web-1", T, T + HOUR) == rows
    assert count_of_layouts(store) <= 3


def test_names_that_never_repeat_do_not_fill_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "MAX_LAYOUTS", 20)
    store = open_store(tmp_path / "heapsleuth.db")
    for at in range(50):
        strange = {f"odd_{at}_{n}": 1.0 for n in range(30)}
        store.append([batch([{"at_ms": T + at, "rss_bytes": float(at), **strange}])])

    assert count_of_layouts(store) <= 20
    assert [row["rss_bytes"] for row in store.rows("web-1", T, T + HOUR)] == [float(at) for at in range(50)]
    store.close()


def test_names_that_would_break_the_bookkeeping_are_left_out(store: SqlStore) -> None:
    store.append([batch([{"at_ms": T, "a:sum": 1.0, "two\nlines": 2.0, "fine": 3.0, "": 4.0}])])
    store.maintain(T + HOUR)

    assert store.rows("web-1", T, T + HOUR) == [{"at_ms": T, "fine": 3.0}]
    assert store.rollups("web-1", T, T + HOUR) == [{"at_ms": T, "fine": 3.0}]
