"""Brings a warehouse to the schema that this version of the package owns, and writes new migrations."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from spacex_assets.load.compare import quoted
from spacex_assets.load.schema import SCHEMAS, TABLES

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Applies what is missing; two at once wait for each other. Does nothing to a current warehouse."""
    with engine.begin() as connection:
        _prepare(connection)
        command.upgrade(_config(connection), revision)


def rebuild(connection: sa.Connection, revision: str) -> None:
    """Drops every table of ours with all rows and makes those of a revision; commits nothing."""
    _prepare(connection)
    _empty(connection)
    command.downgrade(_config(connection), "base")
    command.upgrade(_config(connection), revision)


def upgrade_within(connection: sa.Connection) -> None:
    """Applies what is missing; commits nothing."""
    command.upgrade(_config(connection), "head")


def known_revisions() -> set[str]:
    """The revisions that this version of the package knows."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def write_migration(engine: sa.Engine, message: str) -> Path | None:
    """Writes the migration that leads from the database's schema to the declared one; ``None`` if they are equal.

    The database has to be at the newest migration.
    """
    # The default schema of a user named spacex is spacex, and Alembic would look for its tables under no name.
    engine = sa.create_engine(engine.url, poolclass=sa.NullPool, connect_args={"options": "-c search_path=public"})
    with engine.begin() as connection:
        _prepare(connection)
        config = _config(connection)
        number = 1 + len(list((MIGRATIONS / "versions").glob("0*.py")))
        script = command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
    assert script is not None and not isinstance(script, list)
    path = Path(script.path)
    if "    pass" in path.read_text().partition("def downgrade")[0]:
        path.unlink()
        return None
    return path


def _prepare(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('spacex_assets.migrate'))"))
    # IF NOT EXISTS alone would ask for the right to make one, which who only loads has not.
    for schema in set(SCHEMAS).difference(sa.inspect(connection).get_schema_names()):
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))


def _empty(connection: sa.Connection) -> None:
    """Takes all rows out of our tables, unnoticed by triggers: an earlier schema need not be able to hold them."""
    there = {(schema, name) for schema in SCHEMAS for name in sa.inspect(connection).get_table_names(schema)}
    ours = [quoted(*key) for table in TABLES if (key := (str(table.schema), table.name)) in there]
    for table in ours:
        connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    if ours:
        connection.execute(sa.text(f"TRUNCATE {', '.join(ours)}"))


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
