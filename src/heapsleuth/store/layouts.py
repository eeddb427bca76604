"""
Layouts: which value stands where in a packed row.

Agents send a handful of different sets of metrics, so a row holds values only and the number of its
layout.  A row that lacks a few metrics of a known layout takes that one, with NaN in their places; so
there stay few layouts, whatever comes and goes from sample to sample.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Literal

import numpy as np
from sqlalchemy import select

from heapsleuth.store import schema
from heapsleuth.store.metrics import Keep, metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database
    from heapsleuth.store.model import Row

__all__ = ["Form", "Layout", "Layouts"]

Form = Literal["sample", "rollup"]
"""`sample`: all values float64.  `rollup`: float32, but for times and totals, whose differences count."""

# Above this many, metrics that no layout has are left out: names that never repeat would fill the database.
MAX_LAYOUTS = 2_000
MAX_NAMES = 1_024

_NAN = float("nan")


@dataclass(frozen=True)
class Layout:
    """Names of the values of a packed row, and their types."""

    id: int
    form: Form
    names: tuple[str, ...]
    dtype: np.dtype[np.void]

    def pack(self, columns: Mapping[str, NDArray[np.float64]], rows: int) -> list[bytes]:
        """Return `rows` packed rows of columns; NaN where a column is missing."""
        packed = np.full(rows, np.nan, dtype=self.dtype)
        for name in self.names:
            if name in columns:
                packed[name] = columns[name]
        data, size = packed.tobytes(), self.dtype.itemsize
        return [data[at : at + size] for at in range(0, len(data), size)]

    def unpack(self, bodies: Sequence[bytes]) -> NDArray[np.void]:
        """Return packed rows as one array with a field for each name."""
        return np.frombuffer(b"".join(bodies), dtype=self.dtype)


def _dtype(form: Form, names: Iterable[str]) -> np.dtype[np.void]:
    def kind(name: str) -> str:
        exact = form == "sample" or name == "at_ms" or (":" not in name and metric(name).keep is Keep.TOTAL)
        return "<f8" if exact else "<f4"

    return np.dtype([(name, kind(name)) for name in names])


class Layouts:
    """The layouts of a database; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._by_id: dict[int, Layout] = {}
        self._fits: OrderedDict[tuple[Form, tuple[str, ...]], Layout] = OrderedDict()
        self._packers: dict[tuple[str, ...], Callable[[Row], tuple[int, bytes]]] = {}
        with database.read() as connection:
            self._load(connection)

    def _load(self, connection: Connection) -> None:
        for row in connection.execute(select(schema.layouts)):
            names = tuple(row.names.split("\n"))
            self._by_id[row.id] = Layout(row.id, row.form, names, _dtype(row.form, names))

    def __getitem__(self, number: int) -> Layout:
        """Return a layout by its number; another process may have added it."""
        if number not in self._by_id:
            with self._lock, self._database.read() as connection:
                self._load(connection)
        return self._by_id[number]

    def fit(self, form: Form, names: Iterable[str]) -> Layout:
        """Return a layout that has these names and few others; it is in the database when this returns."""
        wanted = tuple(sorted(names))
        with self._lock:
            found = self._fits.get((form, wanted))
            if found is None:
                found = self._nearest(form, frozenset(wanted)) or self._add(form, wanted)
                self._fits[form, wanted] = found
                if len(self._fits) > MAX_LAYOUTS:
                    self._fits.popitem(last=False)
            return found

    def _nearest(self, form: Form, wanted: frozenset[str]) -> Layout | None:
        spare = max(8, len(wanted) // 2)
        fitting = [
            layout
            for layout in self._by_id.values()
            if layout.form == form
            and len(layout.names) - len(wanted) <= spare
            and wanted.issubset(layout.names)
        ]
        if fitting:
            return min(fitting, key=lambda layout: len(layout.names))
        if len(self._by_id) < MAX_LAYOUTS:
            return None
        alike = [layout for layout in self._by_id.values() if layout.form == form]
        return max(alike, key=lambda layout: len(wanted & frozenset(layout.names)), default=None)

    def _add(self, form: Form, names: tuple[str, ...]) -> Layout:
        names = names[:MAX_NAMES]
        with self._database.write() as connection:
            added = schema.layouts.insert().values(form=form, names="\n".join(names))
            number = int(connection.execute(added.returning(schema.layouts.c.id)).scalar_one())
        layout = Layout(number, form, names, _dtype(form, names))
        self._by_id[number] = layout
        return layout

    def pack_sample(self, row: Row) -> tuple[int, bytes]:
        """Return a sample's layout and body."""
        key = tuple(row)
        packer = self._packers.get(key)
        if packer is None:
            if len(self._packers) > MAX_LAYOUTS:
                self._packers.clear()
            packer = self._packers[key] = self._packer(key)
        return packer(row)

    def _packer(self, key: tuple[str, ...]) -> Callable[[Row], tuple[int, bytes]]:
        # Aspects of roll-ups are told by a colon, and names are kept one a line.
        key = tuple(name for name in key if name and ":" not in name and "\n" not in name)
        layout = self.fit("sample", key)
        number, names = layout.id, layout.names
        pack = Struct(f"<{len(names)}d").pack
        if len(names) > 1 and names == tuple(sorted(key)):
            values = itemgetter(*names)
            return lambda row: (number, pack(*values(row)))
        return lambda row: (number, pack(*map(row.get, names, repeat(_NAN))))
