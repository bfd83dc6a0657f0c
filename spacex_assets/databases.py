"""Which databases serve, the warehouse and Dagster's storage: where they are, and that each is of this world alone.

What does not belong here: what is in them (``local.py`` makes them ready).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from psycopg2.errors import InsufficientPrivilege
from pydantic import SecretStr

from spacex_assets.config import Settings, World, with_driver
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.embedded.server import ensure_database
from spacex_assets.errors import PlatformError, WorldMismatch

OLDEST = 14
WAREHOUSE, STORAGE = "spacex_{world}", "dagster_{world}"
"""The databases in the embedded PostgreSQL."""
WORLD_KEY = "spacex/world"
"""Where the world of Dagster's storage stands among its keys and values."""


class DatabaseNotUsable(PlatformError):
    """A PostgreSQL that a setting names cannot be used."""


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded PostgreSQL of these settings."""
    return EmbeddedPostgres(settings.local / "postgres")


def is_embedded(settings: Settings) -> bool:
    """Whether the warehouse is the embedded PostgreSQL: no other is configured, or `make shell` set its URL."""
    return _is_own(settings, settings.database_url, WAREHOUSE)


def databases(settings: Settings) -> Settings:
    """Settings with the URLs of both databases, which exist; starts the embedded PostgreSQL where it serves.

    ``{world}`` stays in the URLs, so that a child process with another source finds its own. Raises
    :class:`DatabaseNotUsable`, and :class:`WorldMismatch` if a database has the other world's data.
    """
    found, identity = _warehouse(settings)
    storage = settings.dagster_database_url
    beside = None if is_embedded(settings) else _beside(found)
    if beside is not None and settings.dagster_url in (None, beside.dagster_url):
        _ensure_beside(beside)
        found = beside
    elif _is_own(settings, storage, STORAGE):
        found = _with(found, dagster_database_url=_own(settings, STORAGE))
    with _connected("SPACEX_DAGSTER_DATABASE_URL", found.dagster_url or "") as connection:
        if _identity(connection) == identity:
            raise DatabaseNotUsable(
                f"SPACEX_DAGSTER_DATABASE_URL: expected another database than the warehouse's, found "
                f"{connection.engine.url.render_as_string()} for both. Name another, or none: Dagster's storage then "
                f"gets a database of its own beside the warehouse."
            )
        _check_storage(connection, found.world)
    return found


def warehouse(settings: Settings) -> Settings:
    """The same with the URL of the warehouse alone, for what needs nothing of Dagster's."""
    found, _ = _warehouse(settings)
    return found


def claim_storage(settings: Settings) -> None:
    """Stamps a new storage of Dagster, whose tables are there, with its world.

    Raises :class:`WorldMismatch` if it already has another.
    """
    engine = sa.create_engine(settings.dagster_url or "")
    try:
        with engine.begin() as connection:
            statement = "INSERT INTO public.kvs (key, value) VALUES (:key, :world) ON CONFLICT DO NOTHING"
            connection.execute(sa.text(statement), {"key": WORLD_KEY, "world": settings.world.value})
            _check_storage(connection, settings.world)
    finally:
        engine.dispose()


def _warehouse(settings: Settings) -> tuple[Settings, object]:
    found = _with(settings, database_url=_own(settings, WAREHOUSE)) if is_embedded(settings) else settings
    with _connected("SPACEX_DATABASE_URL", found.warehouse_url) as connection:
        _check_warehouse(connection, found.world)
        return found, _identity(connection)


def _with(settings: Settings, **update: object) -> Settings:
    return settings.model_copy(update=update)


def _is_own(settings: Settings, url: SecretStr | None, database: str) -> bool:
    return url is None or embedded(settings).serves(url.get_secret_value(), database)


def _own(settings: Settings, database: str) -> SecretStr:
    server = embedded(settings).start()
    server.ensure_database(database.format(world=settings.world))
    return SecretStr(server.url(database))


def _beside(settings: Settings) -> Settings:
    """The same with Dagster's storage beside the warehouse, as a parent process may have derived it already."""
    assert settings.database_url is not None
    kept = sa.make_url(with_driver(settings.database_url.get_secret_value()))
    beside = kept.set(database=f"{kept.database}_dagster").render_as_string(hide_password=False)
    return _with(
        settings,
        dagster_database_url=SecretStr(beside.replace("%7Bworld%7D", "{world}")),
        dagster_database_password=settings.database_password,
    )


def _ensure_beside(settings: Settings) -> None:
    url = sa.make_url(settings.warehouse_url)
    name = f"{url.database}_dagster"
    try:
        ensure_database(name, **url.get_dialect()().create_connect_args(url)[1])
    except InsufficientPrivilege as error:
        raise DatabaseNotUsable(
            f"Dagster's storage would be the database {name}, but {url.username} may not create it. Create it, or "
            f"set SPACEX_DAGSTER_DATABASE_URL to a database of yours."
        ) from error


def _next(error: str) -> str:
    if "password authentication failed" in error:
        return (
            "The server knows another password for this role, such as the one that it was set up with: correct the "
            "setting or its secret, or have its owner ALTER ROLE ... PASSWORD"
        )
    return "Start it, create the database, or correct the setting"


@contextmanager
def _connected(setting: str, text: str) -> Iterator[sa.Connection]:
    """A connection to a PostgreSQL that answers and is not too old."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise DatabaseNotUsable(
            f"{setting} is no URL of a PostgreSQL; expected postgresql://user:password@host/database."
        )
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        connection = engine.connect()
    except sa.exc.OperationalError as error:
        raise DatabaseNotUsable(
            f"{setting}: {url.render_as_string()} cannot be reached. {str(error.orig).strip()}\n"
            f"{_next(str(error.orig))}; without it the embedded PostgreSQL serves."
        ) from error
    with connection:
        found = engine.dialect.server_version_info or ()
        if found < (OLDEST,):
            raise DatabaseNotUsable(
                f"{setting}: expected PostgreSQL {OLDEST} or newer, found {'.'.join(map(str, found))} at "
                f"{url.render_as_string()}. Use a newer one; without the setting the embedded PostgreSQL serves."
            )
        yield connection


def _identity(connection: sa.Connection) -> object:
    """The same for two URLs that lead to one database, however they spell it."""
    query = "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
    return tuple(connection.execute(sa.text(query)).one())


def _may_read(connection: sa.Connection, schema: str, table: str) -> bool:
    """Whether the table is there, and this role may see what is in it."""
    query = """
        SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :table
    """
    return bool(connection.scalar(sa.text(query), {"schema": schema, "table": table}))


def _check_warehouse(connection: sa.Connection, world: World) -> None:
    """Does nothing where there is no schema yet, or to a role that may not see whose it is."""
    there = _may_read(connection, "ops", "world")
    found = connection.scalar(sa.text("SELECT name FROM ops.world")) if there else None
    if found not in (None, world):
        raise WorldMismatch(
            f"The source is in the {world} world, but the warehouse {connection.engine.url.render_as_string()} holds "
            f"{found} data. The two never mix: give each world a database of its own (SPACEX_DATABASE_URL, in which "
            f"{{world}} is replaced), or change SPACEX_SOURCE."
        )


def _stamp(connection: sa.Connection) -> str | None:
    query = sa.text("SELECT value FROM public.kvs WHERE key = :key")
    return connection.scalar(query, {"key": WORLD_KEY}) if _may_read(connection, "public", "kvs") else None


def _check_storage(connection: sa.Connection, world: World) -> None:
    """Does nothing where Dagster has no tables yet, or to a role that may not see whose they are."""
    found = _stamp(connection)
    if found not in (None, world):
        raise WorldMismatch(
            f"The source is in the {world} world, but Dagster's storage {connection.engine.url.render_as_string()} "
            f"holds the runs of {found} data. The two never mix: give each world a database of its own "
            f"(SPACEX_DAGSTER_DATABASE_URL, in which {{world}} is replaced), or change SPACEX_SOURCE."
        )
