"""The commands about what is declared: migrate, migration, dictionary."""

import click

from spacex_assets.config import Settings


@click.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the warehouse to the present schema."""
    from spacex_assets.local import prepare

    prepare(settings)


@click.command()
@click.argument("message")
@click.pass_obj
def migration(settings: Settings, message: str) -> None:
    """Write the migration from the last one to the declared schema, in a scratch database."""
    import sqlalchemy as sa

    from spacex_assets.databases import embedded
    from spacex_assets.load.migrate import upgrade, write_migration
    from spacex_assets.load.schema import SCHEMAS

    server = embedded(settings).start()
    server.ensure_database("migration_scratch")
    engine = sa.create_engine(server.url("migration_scratch"))
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {', '.join(SCHEMAS)} CASCADE"))
        upgrade(engine)
        path = write_migration(engine, message)
    finally:
        engine.dispose()
    click.echo(f"Wrote {path}." if path else "Nothing to migrate: the declarations are what the migrations make.")


@click.command()
def dictionary() -> None:
    """Write docs/data-dictionary.md from the declarations."""
    from spacex_assets.dictionary import FILE
    from spacex_assets.dictionary import dictionary as written

    FILE.write_text(written(), encoding="utf-8")
    click.echo(f"Wrote {FILE}.")


COMMANDS = (migrate, migration, dictionary)
