"""The commands that run the platform and open its doors: run, ui, metrics, shell, psql, db-url, stop."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spacex_assets.config import Settings

if TYPE_CHECKING:
    from spacex_assets.run import Failure


@click.command()
@click.pass_obj
def run(settings: Settings) -> None:
    """Load every endpoint into PostgreSQL; exits with 1 if an asset failed."""
    from spacex_assets.extract.source import require_source
    from spacex_assets.local import prepare

    require_source(settings)
    click.echo(f"Source: {settings.source_shown}, a source of the {settings.world} world.", err=True)
    ready = prepare(settings)

    from spacex_assets.run import run_everything

    failed = run_everything(ready)
    if failed:
        report(failed)
        sys.exit(1)
    click.echo(
        "\nNext: `make psql` to query the tables (schema spacex), `make ui` to see the graph, `make help` for more."
    )


@click.command()
@click.pass_obj
def ui(settings: Settings) -> None:
    """Serve the Dagster UI and daemon until Ctrl-C."""
    from spacex_assets.ui import serve_ui

    serve_ui(settings)


@click.command()
@click.pass_obj
def metrics(settings: Settings) -> None:
    """Serve the metrics as an OpenMetrics page for Prometheus until Ctrl-C."""
    from spacex_assets.databases import is_embedded
    from spacex_assets.inspection.exporter import serve
    from spacex_assets.local import attach

    # A configured warehouse is read as it is, by whatever role; nothing of Dagster's is needed.
    serve(attach(settings) if is_embedded(settings) else settings)


@click.command()
@click.pass_obj
def shell(settings: Settings) -> None:
    """Open a shell in which `dagster` commands work; instead of `dagster dev` there is `make ui`."""
    from spacex_assets.local import prepare

    prepare(settings)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    click.echo(
        "Every `dagster` command works here but `dagster dev` (use `make ui`), for example:\n"
        "  dagster asset materialize --select '*'\n"
        "  dagster asset materialize --select 'key:\"raw/launches\"+'\n"
        "  dagster asset materialize --select 'tag:endpoint=launches and group:spacex'\n"
        "  dagster definitions validate",
        err=True,
    )
    program = os.environ.get("SHELL", "/bin/sh")
    os.execvp(program, [program])


@click.command()
@click.argument("arguments", nargs=-1)
@click.pass_obj
def psql(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; further arguments go to psql (after --)."""
    from spacex_assets.psql import psql_on_warehouse

    call = psql_on_warehouse(settings, arguments)
    os.environ.update(call.environment)
    os.execv(call.program, call.arguments)


@click.command("db-url")
@click.pass_obj
def db_url(settings: Settings) -> None:
    """Print the URL of the warehouse that the source selects."""
    from spacex_assets.databases import warehouse

    click.echo(warehouse(settings).warehouse_url)


@click.command()
@click.option("--remove", is_flag=True, help="Also delete its data, wherever they are.")
@click.pass_obj
def stop(settings: Settings, remove: bool) -> None:
    """Stop the embedded PostgreSQL."""
    from spacex_assets.databases import embedded

    postgres = embedded(settings)
    data = postgres.place.data
    click.echo(f"Stopped PostgreSQL on {data}." if postgres.stop() else "No embedded PostgreSQL was running.")
    if remove:
        postgres.remove()
        click.echo(f"Removed {data}.")


def report(failed: "Sequence[Failure]") -> None:
    """Names every step that failed, and why."""
    click.secho(f"\n{len(failed)} step(s) failed; what they were to load is as it was before:", fg="red", err=True)
    for failure in failed:
        click.secho(f"\n{failure.step}\n  {failure.reason}", fg="red", err=True)


COMMANDS = (run, ui, metrics, shell, psql, db_url, stop)
