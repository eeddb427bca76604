"""Stores to test with: each test that asks for one runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.store.sql_store import SqlStore

_NUMBERS = count(1)


def program(name: str) -> str:
    """Find a program of PostgreSQL; distributions keep some out of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"no {name}: PostgreSQL is not installed")
    return found


def as_server(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("run as root, and there is no user `postgres` to run PostgreSQL as")
    return ["runuser", "-u", "postgres", "--", *command]


@contextmanager
def running_postgres() -> Iterator[str]:
    """Run a server; gives the folder of its socket."""
    initdb, postgres = program("initdb"), program("postgres")
    # Short, because the path of a socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="hs-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        as_server([])
        shutil.chown(folder, "postgres")
    data, log = folder / "data", folder / "log"
    made = subprocess.run(
        as_server(
            [
                initdb,
                "-D",
                str(data),
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ]
        ),
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    options = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "max_connections=60"]
    with log.open("w") as out:
        server = subprocess.Popen(
            as_server([postgres, "-D", str(data), *(part for option in options for part in ("-c", option))]),
            stdout=out,
            stderr=out,
            cwd=folder,
        )
    try:
        engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={folder}")
        for _ in range(600):
            try:
                with engine.connect():
                    break
            except Exception:  # noqa: BLE001  (whatever it says until it is up)
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        engine.dispose()
        yield str(folder)
    finally:
        stop = [program("pg_ctl"), "-D", str(data), "stop", "-m", "immediate", "-s"]
        subprocess.run(as_server(stop), check=False, cwd=folder)
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[str]:
    with running_postgres() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that does not exist, or is empty."""
    if request.param == "sqlite":
        return str(tmp_path / "heapsleuth.db")
    folder = request.getfixturevalue("postgres_folder")
    name = f"test_{next(_NUMBERS)}"
    engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={folder}")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture
def store(database_url: str) -> Iterator[SqlStore]:
    opened = open_store(database_url)
    yield opened
    opened.close()
