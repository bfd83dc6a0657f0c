"""The command line behind the Makefile: `python -m spacex_assets --help`; one file per group of commands.

What does not belong here: what the commands do; each calls the room that does it, and imports it only then.
"""

import click
import structlog

from spacex_assets import logs
from spacex_assets.cli import declaring, inspecting, keeping, operating
from spacex_assets.cli.simulator import simulator
from spacex_assets.config import settings
from spacex_assets.errors import PlatformError


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
    context.obj = settings(source=source) if source else settings()
    logs.configure(context.obj)
    context.with_resource(structlog.contextvars.bound_contextvars(command=context.invoked_subcommand))


for command in (*operating.COMMANDS, *declaring.COMMANDS, *inspecting.COMMANDS, *keeping.COMMANDS, simulator):
    main.add_command(command)
