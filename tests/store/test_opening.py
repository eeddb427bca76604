"""Opening a database: made, brought up to date, refused with a word about what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from store_messages import MINUTE, T, batch, every

from heapsleuth.errors import StoreError
from heapsleuth.store import schema
from heapsleuth.store.database import Database
from heapsleuth.store.migration import migrate
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path


def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    open_store(database_url).close()
    url = database_url if "://" in database_url else f"sqlite:///{database_url}"
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_collectors_that_start_at_once_make_one_database(database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(open_store, [database_url] * 4))
    for number, store in enumerate(stores):
        store.append([batch([{"at_ms": T + number, "fds": 1.0}])])

    assert len(stores[0].rows("web-1", T, T + MINUTE)) == 4
    for store in stores:
        store.close()


def test_two_processes_that_start_at_once_make_one_database(database_url: str) -> None:
    program = "import sys; from heapsleuth.store.opening import open_store; open_store(sys.argv[1]).close()"
    running = [subprocess.Popen([sys.executable, "-c", program, database_url]) for _ in range(2)]

    assert [process.wait(120) for process in running] == [0, 0]
    open_store(database_url).close()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(database_url: str) -> None:
    open_store(database_url).close()
    database = Database(database_url if "://" in database_url else f"sqlite:///{database_url}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '99'")

    with pytest.raises(StoreError, match=r"has version 99, this heapsleuth knows .* up to \d+\. Start"):
        open_store(database_url)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "99"
    database.close()


def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    database = Database(database_url if "://" in database_url else f"sqlite:///{database_url}")
    with database.write() as connection:
        # Stands in the way of the last of the tables.
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("CREATE TABLE tokens (id INTEGER)")

    with pytest.raises(StoreError, match=r"other tables|already exists"):
        migrate(database)
    with database.read() as connection:
        tables = sorted(MigrationContext.configure(connection).dialect.get_table_names(connection))
    assert tables == ["alembic_version", "tokens"]
    database.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all " * 100)

    with pytest.raises(StoreError, match=r"notes\.txt: it is no SQLite database .* Name another file"):
        open_store(path)
    assert path.read_text().startswith("not a database")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (id INTEGER)")

    with pytest.raises(StoreError, match=r"found one with other tables \(recipes\)"):
        open_store(path)


def test_a_folder_in_the_way_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="folder cannot be made"):
        open_store(tmp_path / "file" / "heapsleuth.db")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path)


def test_folders_of_the_database_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "heapsleuth.db"
    open_store(path).close()

    assert path.exists()


def test_a_read_only_database_says_so_when_something_is_written(tmp_path: Path) -> None:
    path = tmp_path / "heapsleuth.db"
    open_store(path).close()

    with pytest.raises(StoreError, match=r"cannot be written .* Let this user write the file and its folder"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true")


@pytest.mark.parametrize("url", ["mysql://root@localhost/x", "nonsense://x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        open_store(url)


def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://ann:secret@127.0.0.1:1/metrics")

    assert "127.0.0.1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_full_disk_refuses_messages_keeps_what_was_taken_and_recovers(tmp_path: Path) -> None:
    store = open_store(tmp_path / "heapsleuth.db")
    with store._database._writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        # What SQLite says when the disk is full, and this is how full it may get.
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")
    taken = 0
    rows = every(1.0, 200.0, **{f"metric_{n}": float(n) for n in range(40)})

    def fill() -> None:
        nonlocal taken
        for sequence in range(1, 100):
            store.append([batch(rows, sequence=sequence)])
            taken = sequence

    with pytest.raises(StoreError, match=r"the disk is full .* Make room, or keep data for less long"):
        fill()
    with store._database._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")

    assert taken < 99
    assert store.append([batch(rows, sequence=taken), batch(rows, sequence=taken + 1)]) == (False, True)
    store.close()


def test_the_file_shrinks_again_after_its_data_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "heapsleuth.db"
    store = open_store(path)
    noise = [{"at_ms": T + n, **{f"m{i}": float(hash((n, i))) for i in range(100)}} for n in range(1000)]
    for number in range(20):
        store.append([batch([{**row, "at_ms": row["at_ms"] + number * 1000} for row in noise])])
    store.close()
    full = path.stat().st_size
    store = open_store(path)
    store.maintain(T + 50 * 3_600_000)
    store.close()

    assert full > 15e6
    assert path.stat().st_size < 10e6
