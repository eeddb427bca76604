"""Opening the store that the settings name."""

from __future__ import annotations

from pathlib import Path

from heapsleuth.errors import StoreError
from heapsleuth.store.database import Database
from heapsleuth.store.migration import migrate
from heapsleuth.store.retention import Keep
from heapsleuth.store.sql_store import SqlStore
from heapsleuth.store.upkeep import Upkeep

__all__ = ["open_store", "open_upkeep"]


def open_store(where: str | Path, *, raw_hours: float = 48.0, keep_days: float = 35.0) -> SqlStore:
    """
    Open a database, made or brought up to date when needed.

    Args:
        where: A file for SQLite, or a URL (`sqlite:///FILE`, `postgresql://USER@HOST/NAME`).
        raw_hours: How long samples are kept as they came.
        keep_days: How long everything else is kept.

    Raises:
        StoreError: It cannot be opened, is not ours, or belongs to a newer version.
    """
    database = _open(where, checkpoints=True)
    try:
        migrate(database)
        return SqlStore(database, Keep(raw_hours, keep_days))
    except BaseException:
        database.close()
        raise


def open_upkeep(where: str | Path, *, raw_hours: float = 48.0, keep_days: float = 35.0) -> Upkeep:
    """
    Return the upkeep of a database that `open_store` has opened, in this process or in another.

    Raises:
        StoreError: It cannot be opened.
    """
    return Upkeep(_open(where, checkpoints=False), Keep(raw_hours, keep_days))


def _open(where: str | Path, *, checkpoints: bool) -> Database:
    text = str(where)
    if "://" in text:
        return Database(text, checkpoints=checkpoints)
    path = Path(text).absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{text}: the database's folder cannot be made ({error.strerror}). "
            "Name a file in a folder that can be written."
        ) from error
    return Database(f"sqlite:///{path}", checkpoints=checkpoints)
