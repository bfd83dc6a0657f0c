"""A backup put into a warehouse, in one transaction: all of it is there afterwards, or nothing has changed.

The migrations make the tables, as of the backup, and the rights that go with them here; the backup gives the rows;
then the migrations since go over them. What does not belong here: reading the file (``archive.py``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import sqlalchemy as sa
from psycopg2 import DataError, IntegrityError, OperationalError
from psycopg2.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InsufficientPrivilege,
    LockNotAvailable,
    UndefinedColumn,
    UndefinedTable,
)
from psycopg2.extensions import cursor as Cursor

from spacex_assets.config import World
from spacex_assets.errors import WorldMismatch
from spacex_assets.load.migrate import known_revisions, rebuild, upgrade_within
from spacex_assets.load.routines import changes
from spacex_assets.load.schema import SCHEMAS, TABLES, routines
from spacex_assets.upkeep.archive import VERSION_TABLE, Archive, Position, Rows
from spacex_assets.upkeep.errors import BackupUnreadable, RestoreFailed, WarehouseNotEmpty
from spacex_assets.upkeep.programs import Programs

LOCK_SECONDS = 30
"""How long a restore waits for each table that somebody else uses."""

_RIGID = """\
SELECT format('ALTER TABLE %%s ALTER CONSTRAINT %%I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'f' AND NOT condeferrable AND connamespace::regnamespace::text = ANY (%s)"""
_DAMAGED = "The file is damaged: take another one. Nothing was changed."
_FOREIGN = "Something of yours is made of these tables. Drop it, restore, and make it anew."
_ADVICE = {
    LockNotAvailable: f"A session has used a table for {LOCK_SECONDS} s. End it (see pg_stat_activity), try again.",
    InsufficientPrivilege: "Restore as the owner of the schemas (SPACEX_DATABASE_URL).",
    OperationalError: "PostgreSQL was not reached, or ended the connection. See its log, try again.",
    DependentObjectsStillExist: _FOREIGN,
    FeatureNotSupported: _FOREIGN,
}


def restore(url: str, world: World, file: Path, programs: Programs, *, replace: bool) -> dict[str, int]:
    """Makes the warehouse what it was when the backup was made; the rows by table.

    Raises :class:`WarehouseNotEmpty` unless it may ``replace`` rows, :class:`WorldMismatch`,
    :class:`BackupUnreadable` and :class:`RestoreFailed`; the warehouse is then as it was.
    """
    archive = Archive(file, programs.pg_restore())
    _check_archive(archive, world)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
            _check_target(connection, world, replace)
            rebuild(connection, archive.revision)
            rows = _fill(connection, archive)
            _verify(connection, rows)
            upgrade_within(connection)
            _check_routines(connection)
            connection.execute(sa.text("ANALYZE"))
        return rows
    except (sa.exc.DBAPIError, psycopg2.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        advice = next((text for kind, text in _ADVICE.items() if isinstance(cause, kind)), None)
        if advice is None:
            raise
        raise RestoreFailed(f"{file} was not restored; nothing was changed. {str(cause).strip()}\n{advice}") from error
    finally:
        engine.dispose()


def _check_archive(archive: Archive, world: World) -> None:
    if not archive.file.is_file():
        raise BackupUnreadable(f"{archive.file}: expected a backup, found no such file.")
    if archive.world != world:
        raise WorldMismatch(
            f"{archive.file} is a backup of the {archive.world} world, but the source is in the {world} world. The two "
            f"never mix: change SPACEX_SOURCE, or take another file. Nothing was changed."
        )
    if archive.revision not in (known := known_revisions()):
        raise BackupUnreadable(
            f"{archive.file}: its schema is at migration {archive.revision}, this version of the package knows them up "
            f"to {max(known)}. Restore it with the version that wrote it, or a newer one. Nothing was changed."
        )


def _check_target(connection: sa.Connection, world: World, replace: bool) -> None:
    tables = _tables(connection)
    if "ops.world" in tables:
        found = connection.scalar(sa.text("SELECT name FROM ops.world"))
        if found not in (None, world):
            raise WorldMismatch(
                f"The warehouse holds {found} data, but the source is in the {world} world. The two never mix. "
                f"Nothing was changed."
            )
    if replace:
        return
    for table in tables:
        if table not in ("ops.world", VERSION_TABLE) and _count(connection, table, limit=1):
            raise WarehouseNotEmpty(
                f"The warehouse has rows in {table}, perhaps in others too. Nothing was changed. Back it up, then "
                f"restore with --replace; or restore into another database (SPACEX_DATABASE_URL)."
            )


def _fill(connection: sa.Connection, archive: Archive) -> dict[str, int]:
    driver = connection.connection.driver_connection
    assert driver is not None
    tables = set(_tables(connection))
    try:
        with driver.cursor() as cursor, _in_any_order(cursor):
            return _copy(cursor, archive, tables)
    except (DataError, IntegrityError, UndefinedColumn, UndefinedTable) as error:
        raise BackupUnreadable(
            f"{archive.file}: expected the rows of a warehouse, as PostgreSQL took them before, but: "
            f"{str(error).strip()}\n{_DAMAGED}"
        ) from error


@contextmanager
def _in_any_order(cursor: Cursor) -> Iterator[None]:
    """In it a row may come before the one that it refers to, as pg_restore gives them; all are there when it is left.

    No foreign key has anything to check afterwards, or no table could be altered by a migration.
    """
    cursor.execute(_RIGID, [list(SCHEMAS)])
    rigid = [alter for (alter,) in cursor.fetchall()]
    for alter in rigid:
        cursor.execute(f"{alter} DEFERRABLE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    yield
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for alter in rigid:
        cursor.execute(f"{alter} NOT DEFERRABLE")


def _copy(cursor: Cursor, archive: Archive, tables: set[str]) -> dict[str, int]:
    rows: dict[str, int] = {}
    with archive.parts() as parts:
        cursor.execute("SET LOCAL client_encoding = 'UTF8'")
        for part in parts:
            if isinstance(part, Position):
                cursor.execute(part.statement)
            elif part.table not in tables:
                raise RestoreFailed(
                    f"{archive.file}: {part.table} is in the backup, but no migration makes it; nothing was changed. "
                    f"Move it out of the schemas {', '.join(SCHEMAS)}, and back up again."
                )
            elif part.table != VERSION_TABLE:
                reader = _Reader(part)
                cursor.copy_expert(part.statement, reader)
                rows[part.table] = reader.count
    if missing := sorted(tables & {table.fullname for table in TABLES} - rows.keys()):
        raise BackupUnreadable(
            f"{archive.file}: expected every table, if only an empty one; missing: {', '.join(missing)}.\n{_DAMAGED}"
        )
    return rows


class _Reader:
    """Gives psycopg2 the rows of a table in pieces of some size, and counts them."""

    def __init__(self, rows: Rows) -> None:
        self.lines, self.count = rows.lines, 0

    def read(self, size: int) -> bytes:
        return b"".join(self._some(size))

    def _some(self, size: int) -> Iterator[bytes]:
        for line in self.lines:
            self.count += 1
            yield line
            size -= len(line)
            if size <= 0:
                return


def _verify(connection: sa.Connection, rows: dict[str, int]) -> None:
    expected = {**dict.fromkeys(_tables(connection), 0), **rows}
    expected.pop(VERSION_TABLE, None)
    found = {table: _count(connection, table) for table in expected}
    wrong = [
        f"{table}: {expected[table]} in the backup, {found[table]} in the warehouse"
        for table in expected
        if expected[table] != found[table]
    ]
    if wrong:
        raise RestoreFailed(f"Rows differ after restoring; nothing was changed. {'; '.join(wrong)}")


def _check_routines(connection: sa.Connection) -> None:
    forth, _ = changes(connection, routines())
    if forth:
        raise RestoreFailed(f"Triggers or functions are not as declared; nothing was changed. First: {forth[0]}")


def _tables(connection: sa.Connection) -> list[str]:
    query = sa.text(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY (:schemas) ORDER BY 1"
    )
    return list(connection.scalars(query, {"schemas": list(SCHEMAS)}))


def _count(connection: sa.Connection, table: str, limit: int | None = None) -> int:
    some = f"SELECT FROM {table}" + (f" LIMIT {limit}" if limit else "")
    return int(connection.scalar(sa.text(f"SELECT count(*) FROM ({some}) AS found")) or 0)
