"""The commands that ask about the data: status, explain, quarantine."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from spacex_assets.config import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa
    from pydantic import BaseModel

as_json = click.option("--json", "as_json", is_flag=True, help="For machines.")


class _Instant(click.ParamType[datetime]):
    """An ISO 8601 moment; UTC unless it says otherwise."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"Expected a moment like 2026-01-31T12:00:00Z, found {value!r}.", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@click.command()
@as_json
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Show how the data stands: loads, runs, quarantine, drift and checks; exits with 0 whatever it shows."""
    from spacex_assets.local import attach

    settings = attach(settings)

    from spacex_assets.inspection.graph import graph
    from spacex_assets.inspection.screen import screen
    from spacex_assets.inspection.status import heard_at
    from spacex_assets.inspection.status import status as status_of

    with _reading(settings) as connection:
        seen = graph(settings, heard_at(connection))
        found = status_of(connection, settings.source_shown, settings.world, seen)
    click.echo(_json(found) if as_json else screen(found))


@click.command()
@click.argument("table")
@click.argument("key", nargs=-1)
@click.option("--at", type=_Instant(), help="Show the row as it was at this moment (ISO 8601; UTC by default).")
@as_json
@click.pass_obj
def explain(settings: Settings, table: str, key: tuple[str, ...], at: datetime | None, as_json: bool) -> None:
    """Tell the story of a row: `explain launches <id>`, `explain launch_cores <launch id> <position>`."""
    from spacex_assets.extract.lake import RawLake
    from spacex_assets.extract.store import open_store
    from spacex_assets.inspection.story import story
    from spacex_assets.inspection.telling import told
    from spacex_assets.local import attach

    settings = attach(settings)
    with _reading(settings) as connection:
        found = story(connection, RawLake(open_store(settings)), table, key, at)
    click.echo(_json(found) if as_json else told(found))


@click.group(invoke_without_command=True)
@click.option("--all", "resolved", is_flag=True, help="Also those that were resolved.")
@as_json
@click.pass_context
def quarantine(context: click.Context, resolved: bool, as_json: bool) -> None:
    """List the documents that break their record and are not loaded."""
    if context.invoked_subcommand is not None:
        return
    from spacex_assets.inspection.entries import entries, listed
    from spacex_assets.local import attach

    with _reading(attach(context.obj)) as connection:
        found = entries(connection, resolved=resolved)
    if as_json:
        click.echo(_json_list(found))
    else:
        click.echo(listed(found) or "Nothing is in quarantine.")


@quarantine.command()
@click.argument("endpoint")
@click.argument("key")
@as_json
@click.pass_obj
def show(settings: Settings, endpoint: str, key: str, as_json: bool) -> None:
    """Show a document in quarantine, by its endpoint and its key in the list."""
    from spacex_assets.inspection.entries import entries_of, shown
    from spacex_assets.local import attach

    with _reading(attach(settings)) as connection:
        found = entries_of(connection, endpoint, key)
    click.echo(_json_list(found) if as_json else "\n\n".join(map(shown, found)))


@quarantine.command()
@click.argument("endpoint", required=False)
@click.pass_obj
def retry(settings: Settings, endpoint: str | None) -> None:
    """Load what is in quarantine again, from the raw snapshots and without fetching, after a contract was mended."""
    from spacex_assets.inspection.entries import became, entries
    from spacex_assets.local import prepare

    settings = prepare(settings)
    with _reading(settings) as connection:
        before = entries(connection, endpoint)
    if not before:
        click.echo(f"Nothing{f' of {endpoint}' if endpoint else ''} is in quarantine.")
        return

    from spacex_assets.cli.operating import report
    from spacex_assets.run import run_from_snapshots

    names = sorted({entry.endpoint for entry in before})
    failed = run_from_snapshots(settings, names)
    with _reading(settings) as connection:
        after = [entry for name in names for entry in entries(connection, name, resolved=True)]
    click.echo(f"\n{became(before, after)}")
    if failed:
        report(failed)
        sys.exit(1)


@contextmanager
def _reading(settings: Settings) -> "Iterator[sa.Connection]":
    """A connection to the warehouse that cannot write and whose moments are in UTC."""
    from spacex_assets.load.warehouse import Warehouse

    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    try:
        with warehouse.engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
            yield connection
    finally:
        warehouse.close()


def _json(model: "BaseModel") -> str:
    return model.model_dump_json(indent=2)


def _json_list(models: "Sequence[BaseModel]") -> str:
    return json.dumps([model.model_dump(mode="json") for model in models], indent=2, ensure_ascii=False)


COMMANDS = (status, explain, quarantine)
