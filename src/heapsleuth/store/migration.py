"""Bringing a database to this version's tables when it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from heapsleuth.errors import StoreError
from heapsleuth.store.database import MIGRATION_LOCK

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database

__all__ = ["migrate"]


def migrate(database: Database) -> None:
    """
    Run the steps that the database lacks, in one transaction.

    Of several that start at once, one does it and the others wait.

    Raises:
        StoreError: The database was made by a newer version, or belongs to another program.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        _check(database, connection, script, current)
        if current != script.get_current_head():
            _upgrade(config, script, connection)


def _check(database: Database, connection: Connection, script: ScriptDirectory, current: str | None) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            f"{database.name}: the database has version {current}, this heapsleuth knows versions up to "
            f"{script.get_current_head()}. Start the newer heapsleuth, or name another database."
        )
    if current is None and database.is_sqlite and (tables := inspect(connection).get_table_names()):
        raise StoreError(
            f"{database.name}: expected a database of heapsleuth or none, found one with other tables "
            f"({', '.join(tables[:3])}). Name another file."
        )


def _upgrade(config: Config, script: ScriptDirectory, connection: Connection) -> None:
    def steps(revision: Any, _context: MigrationContext) -> Any:
        # The private name is what Alembic's own documentation gives for running steps from a program.
        return script._upgrade_revs("head", revision)  # noqa: SLF001

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
