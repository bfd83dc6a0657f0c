"""Makes everything ready on this machine: databases, schema, world, DAGSTER_HOME, and the environment of children.

What does not belong here: what is then run.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import sqlalchemy as sa
from psycopg2.errors import InsufficientPrivilege
from pydantic import SecretStr

from spacex_assets.config import Settings
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import PlatformError
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.store import open_store
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse

ROOT = Path(__file__).resolve().parent.parent
MODULE = "spacex_assets.definitions"
OLDEST = 14
EVENT_BATCH = "1000"
"""Events that Dagster may store together: all that a run plans."""


class DatabaseNotUsable(PlatformError):
    """A PostgreSQL that a setting names cannot be used."""


class FolderNotUsable(PlatformError):
    """The folder of everything local cannot be written."""


@dataclass(frozen=True)
class Databases:
    """The URLs of the warehouse and of Dagster's storage."""

    warehouse: str
    dagster: str


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded PostgreSQL of these settings."""
    return EmbeddedPostgres(settings.local / "postgres")


def databases(settings: Settings) -> Databases:
    """The databases of the world, created if need be; starts the embedded PostgreSQL where none is configured."""
    if settings.database_url is None:
        server = embedded(settings).start()
        for name in (f"spacex_{settings.world}", f"dagster_{settings.world}"):
            server.ensure_database(name)
        return Databases(server.url(f"spacex_{settings.world}"), server.url(f"dagster_{settings.world}"))
    warehouse = settings.warehouse_url
    url = _usable("SPACEX_DATABASE_URL", warehouse)
    dagster = settings.dagster_url
    if dagster is not None:
        _usable("SPACEX_DAGSTER_DATABASE_URL", dagster)
        return Databases(warehouse, dagster)
    beside = url.set(database=f"{url.database}_dagster")
    _ensure_database(url, str(beside.database))
    return Databases(warehouse, beside.render_as_string(hide_password=False))


def prepare(settings: Settings) -> Settings:
    """Settings in which everything is there: migrated, of the right world, with a DAGSTER_HOME.

    Also makes this process's environment the one that Dagster expects. Raises :class:`PlatformError`.
    """
    _ensure_writable(settings.local.absolute())
    found = databases(settings)
    engine = sa.create_engine(found.warehouse)
    try:
        upgrade(engine)
        Warehouse(engine).claim(settings.world)
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise DatabaseNotUsable(
            f"The warehouse {engine.url.render_as_string()} cannot be brought to the present schema by "
            f"{engine.url.username}: {str(error.orig).strip()}. Run `python -m spacex_assets migrate` as its owner, or "
            f"grant this role CREATE on the database."
        ) from error
    finally:
        engine.dispose()
    _create_dagster_storage(found.dagster)
    RawLake(open_store(settings)).sweep()
    return _entered(settings, found)


def attach(settings: Settings) -> Settings:
    """Settings with which to read: a configured warehouse is left as it is, the embedded one is prepared.

    Also makes this process's environment the one that Dagster expects. Raises :class:`PlatformError`.
    """
    return prepare(settings) if settings.database_url is None else _entered(settings, databases(settings))


def _entered(settings: Settings, found: Databases) -> Settings:
    _link_dagster_home(settings.dagster_home)
    ready = settings.model_copy(
        update={"database_url": SecretStr(found.warehouse), "dagster_database_url": SecretStr(found.dagster)}
    )
    os.environ.update(environment(ready))
    return ready


def environment(settings: Settings) -> dict[str, str]:
    """What a child process needs so that every `dagster` command works in it."""
    assert settings.database_url is not None
    assert settings.dagster_database_url is not None
    return {
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_MODULE_NAME": MODULE,
        "DAGSTER_EVENT_BATCH_SIZE": EVENT_BATCH,
        "SPACEX_SOURCE": settings.source,
        "SPACEX_LOCAL": str(settings.local.absolute()),
        "SPACEX_DATABASE_URL": settings.database_url.get_secret_value(),
        "SPACEX_DAGSTER_DATABASE_URL": settings.dagster_database_url.get_secret_value(),
    }


def _ensure_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FolderNotUsable(
            f"SPACEX_LOCAL: expected a folder that can be written, found {folder}: {error.strerror}. Make it writable, "
            f"or set SPACEX_LOCAL to another folder."
        ) from error


def _create_dagster_storage(url: str) -> None:
    """Makes the tables of an empty storage, so that no run has to, and a pool with one slot per endpoint.

    Dagster makes pools by itself, but only after it has launched the runs that it first sees them in.
    """
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            there = connection.scalar(sa.text("SELECT to_regclass('public.runs')"))
    finally:
        engine.dispose()
    if there is None:
        from spacex_assets.storage import PooledPostgresStorage

        storage = PooledPostgresStorage(url)
        for name in ENDPOINTS:
            storage.event_log_storage.set_concurrency_slots(name, 1)
        storage.engine.dispose()


def _link_dagster_home(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    link = home / "dagster.yaml"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / "dagster.yaml")


def _usable(setting: str, text: str) -> sa.URL:
    """The URL of a PostgreSQL that answers and is not too old."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise DatabaseNotUsable(
            f"{setting} is no URL of a PostgreSQL; expected postgresql://user:password@host/database."
        )
    engine = sa.create_engine(url)
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        raise DatabaseNotUsable(
            f"{setting}: {url.render_as_string()} cannot be reached. {str(error.orig).strip()}\n"
            f"Start it, create the database, or correct the setting; without it the embedded PostgreSQL serves."
        ) from error
    finally:
        engine.dispose()
    found = engine.dialect.server_version_info or ()
    if found < (OLDEST,):
        raise DatabaseNotUsable(
            f"{setting}: expected PostgreSQL {OLDEST} or newer, found {'.'.join(map(str, found))} at "
            f"{url.render_as_string()}. Use a newer one; without the setting the embedded PostgreSQL serves."
        )
    return url


def _ensure_database(beside: sa.URL, name: str) -> None:
    engine = sa.create_engine(beside, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_advisory_lock(hashtext('ensure_database'))"))
            there = connection.scalar(sa.text("SELECT true FROM pg_database WHERE datname = :name"), {"name": name})
            if not there:
                quoted = engine.dialect.identifier_preparer.quote(name)
                connection.execute(sa.text(f"CREATE DATABASE {quoted}"))
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise DatabaseNotUsable(
            f"Dagster's storage would be the database {name}, but {beside.username} may not create it. Create it, or "
            f"set SPACEX_DAGSTER_DATABASE_URL to a database of yours."
        ) from error
    finally:
        engine.dispose()
