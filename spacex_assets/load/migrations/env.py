"""Alembic's entry point: runs on the connection that ``migrate.py`` hands over."""

from alembic import context

from spacex_assets.load.schema import METADATA, add_routines, is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table_schema="ops",
    include_schemas=True,
    include_name=is_ours,  # type: ignore[arg-type]
    compare_type=True,
    process_revision_directives=add_routines,
)
with context.begin_transaction():
    context.run_migrations()
