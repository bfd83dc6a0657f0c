"""The command line behind the Makefile: `python -m spacex_assets --help`.

What does not belong here: what the commands do; each calls the room that does it, and imports it only then.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spacex_assets.config import Settings
from spacex_assets.config import settings as read_settings
from spacex_assets.errors import PlatformError

if TYPE_CHECKING:
    from spacex_assets.simulator.content import Content


class _Group(click.Group):
    """Prints what a person has to act on without a traceback, and exits with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PlatformError as error:
            click.secho(str(error), fg="red", err=True)
            ctx.exit(1)


@click.group(cls=_Group)
@click.option(
    "--source", help="Instead of SPACEX_SOURCE: an http(s) URL, a folder of recorded responses, or 'simulated'."
)
@click.pass_context
def main(context: click.Context, source: str | None) -> None:
    """The SpaceX data platform: from the SpaceX API to typed PostgreSQL tables, through a Dagster asset graph."""
    context.obj = read_settings(source=source) if source else read_settings()


@main.command()
@click.pass_obj
def run(settings: Settings) -> None:
    """Load every endpoint into PostgreSQL; exits with 1 if an asset failed."""
    from spacex_assets.local import prepare

    click.echo(f"Source: {settings.source_shown}, a source of the {settings.world} world.", err=True)
    ready = prepare(settings)

    from spacex_assets.run import run_everything

    failed = run_everything(ready)
    if failed:
        click.secho(f"\n{len(failed)} step(s) failed; what they were to load is as it was before:", fg="red", err=True)
        for failure in failed:
            click.secho(f"\n{failure.step}\n  {failure.reason}", fg="red", err=True)
        sys.exit(1)
    click.echo(
        "\nNext: `make psql` to query the tables (schema spacex), `make ui` to see the graph, `make help` for more."
    )


@main.command()
@click.pass_obj
def ui(settings: Settings) -> None:
    """Serve the Dagster UI and daemon until Ctrl-C."""
    from spacex_assets.ui import serve_ui

    serve_ui(settings)


@main.command()
@click.pass_obj
def shell(settings: Settings) -> None:
    """Open a shell in which every `dagster` command works."""
    from spacex_assets.local import prepare

    prepare(settings)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    click.echo(
        "Every `dagster` command works here, for example:\n"
        "  dagster asset materialize --select '*'\n"
        "  dagster asset materialize --select 'key:\"raw/launches\"+'\n"
        "  dagster definitions validate",
        err=True,
    )
    program = os.environ.get("SHELL", "/bin/sh")
    os.execvp(program, [program])


@main.command()
@click.argument("arguments", nargs=-1)
@click.pass_obj
def psql(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; further arguments go to psql (after --)."""
    from spacex_assets.psql import psql_on_warehouse

    call = psql_on_warehouse(settings, arguments)
    os.environ.update(call.environment)
    os.execv(call.program, call.arguments)


@main.command("db-url")
@click.pass_obj
def db_url(settings: Settings) -> None:
    """Print the URL of the warehouse that the source selects."""
    from spacex_assets.local import databases

    click.echo(databases(settings).warehouse)


@main.command()
@click.pass_obj
def stop(settings: Settings) -> None:
    """Stop the embedded PostgreSQL."""
    from spacex_assets.local import embedded

    postgres = embedded(settings)
    data = postgres.place.data
    click.echo(f"Stopped PostgreSQL on {data}." if postgres.stop() else "No embedded PostgreSQL was running.")


@main.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the warehouse to the present schema."""
    from spacex_assets.local import prepare

    prepare(settings)


@main.command()
@click.argument("message")
@click.pass_obj
def migration(settings: Settings, message: str) -> None:
    """Write the migration from the last one to the declared schema, in a scratch database."""
    import sqlalchemy as sa

    from spacex_assets.load.migrate import upgrade, write_migration
    from spacex_assets.load.schema import SCHEMAS
    from spacex_assets.local import embedded

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


@main.command()
def dictionary() -> None:
    """Write docs/data-dictionary.md from the declarations."""
    from spacex_assets.dictionary import FILE
    from spacex_assets.dictionary import dictionary as written

    FILE.write_text(written(), encoding="utf-8")
    click.echo(f"Wrote {FILE}.")


@main.group()
def simulator() -> None:
    """The simulated SpaceX API: SPACEX_SIMULATED_LAUNCHES (205) and SPACEX_SIMULATED_SEED (42) say which fleet flies.

    Its corrections are kept in .local/simulator/edits.json.
    """


@simulator.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option("--recordings", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Serve this folder.")
@click.pass_obj
def serve(settings: Settings, port: int, recordings: Path | None) -> None:
    """Serve the simulated fleet, or a folder of recorded responses, over HTTP until Ctrl-C.

    Every document is made before the server says that it is ready. Corrections of recorded responses end with it.

    \b
    While it serves, GET shows what is in force, POST adds to it, DELETE ends it all:
      /simulator/edits   {"endpoint": "cores", "id": "...", "change": {"path": value}}, or "change": null to delete
      /simulator/faults  {"kind": "status", "status": 503, "endpoint": "cores", "times": 2}
    The other kinds of fault are reset, truncated, slow ("bytes_per_second"), html, error and body ("body").
    Without "endpoint" a fault is for all, with "times": null for ever; "seconds" delays it.
    """
    from spacex_assets.endpoints.registry import ENDPOINTS
    from spacex_assets.simulator.content import Content, Recordings
    from spacex_assets.simulator.server import listening
    from spacex_assets.simulator.server import serve as serve_content

    with listening(port) as listener:
        content = Content(Recordings(recordings)) if recordings else _fleet(settings)
        for endpoint in ENDPOINTS if content.simulated else ():
            content.spool(endpoint)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        click.echo(f"Serving on {url}, for example {url}/v5/launches. Ctrl-C ends it.", err=True)
        serve_content(content, listener)


@simulator.command()
@click.argument("endpoint")
@click.argument("document_id")
@click.argument("change")
@click.pass_obj
def edit(settings: Settings, endpoint: str, document_id: str, change: str) -> None:
    """Correct a document of the simulated source: CHANGE is JSON, {"path": value}, or null to delete it.

    Dots in a path lead into objects. A whole document under a new id is added. A server that runs already does not
    see the correction; POST it to its /simulator/edits.
    """
    from spacex_assets.simulator.content import EditRefused

    try:
        wanted = json.loads(change)
    except ValueError as error:
        raise EditRefused(f"Expected JSON, found {change!r}: {error}") from error
    _fleet(settings).edit(endpoint, document_id, wanted)
    click.echo(f"Corrected {endpoint} {document_id}; the next run picks it up.")


@simulator.command()
@click.pass_obj
def reset(settings: Settings) -> None:
    """Forget every correction of the simulated source; a server that runs already keeps its own."""
    _fleet(settings).reset()


def _fleet(settings: Settings) -> "Content":
    from spacex_assets.simulator.content import Content
    from spacex_assets.simulator.fleet import Fleet

    fleet = Fleet(settings.simulated_seed, settings.simulated_launches)
    return Content(fleet, settings.local.absolute() / "simulator" / "edits.json")
