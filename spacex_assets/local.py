"""Makes everything ready on this machine: schema, world, DAGSTER_HOME, and the environment of children.

What does not belong here: which databases these are (``databases.py``), and what is then run.
"""

import os
from pathlib import Path
from tempfile import TemporaryFile

import sqlalchemy as sa
from psycopg2.errors import InsufficientPrivilege

from spacex_assets.config import Settings, World
from spacex_assets.databases import DatabaseNotUsable, claim_storage, databases, is_embedded
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import PlatformError
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.store import open_store
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse

ROOT = Path(__file__).resolve().parent.parent
MODULE = "spacex_assets.definitions"
EVENT_BATCH = "1000"
"""Events that Dagster may store together: all that a run plans."""


class FolderNotUsable(PlatformError):
    """The folder of everything local cannot be written."""


def prepare(settings: Settings) -> Settings:
    """Settings in which everything is there: migrated, of the right world, with a DAGSTER_HOME.

    Also makes this process's environment the one that Dagster expects. Raises :class:`PlatformError`.
    """
    _ensure_writable(settings.local.absolute())
    found = databases(settings)
    engine = sa.create_engine(found.warehouse_url)
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
    _create_dagster_storage(found.dagster_url or "")
    claim_storage(found)
    RawLake(open_store(settings)).sweep()
    return _entered(found)


def attach(settings: Settings) -> Settings:
    """Settings with which to read: a configured warehouse is left as it is, the embedded one is prepared.

    Also makes this process's environment the one that Dagster expects. Raises :class:`PlatformError`.
    """
    return prepare(settings) if is_embedded(settings) else _entered(databases(settings))


def _entered(settings: Settings) -> Settings:
    _link_dagster_home(settings.dagster_home)
    os.environ.update(environment(settings))
    return settings


def environment(settings: Settings) -> dict[str, str]:
    """What a child process needs so that `dagster` commands work in it, in whatever folder.

    All but ``dagster dev``: it gives its children a workspace, which they do not take beside DAGSTER_MODULE_NAME.
    """
    secrets = {
        "SPACEX_DATABASE_URL": settings.database_url,
        "SPACEX_DATABASE_PASSWORD": settings.database_password,
        "SPACEX_DAGSTER_DATABASE_URL": settings.dagster_database_url,
        "SPACEX_DAGSTER_DATABASE_PASSWORD": settings.dagster_database_password,
    }
    lake = {} if settings.lake is None else {"SPACEX_LAKE": _anywhere(settings.lake)}
    return {
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_MODULE_NAME": MODULE,
        "DAGSTER_EVENT_BATCH_SIZE": EVENT_BATCH,
        "SPACEX_SOURCE": settings.source if settings.world is World.SIMULATED else _anywhere(settings.source),
        "SPACEX_LOCAL": str(settings.local.absolute()),
        **lake,
        **{name: secret.get_secret_value() for name, secret in secrets.items() if secret is not None},
    }


def _anywhere(place: str) -> str:
    """A URL as it is, a folder by its absolute path."""
    return place if "://" in place else str(Path(place).absolute())


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
