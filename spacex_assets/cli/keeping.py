"""The commands that keep the platform small and safe: upkeep."""

import click

from spacex_assets.config import Settings


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def upkeep(settings: Settings, dry_run: bool) -> None:
    """Delete old runs of Dagster, raw snapshots and, where SPACEX_KEEP_HISTORY_DAYS is set, versions of rows."""
    from spacex_assets.local import attach

    settings = attach(settings)

    from spacex_assets.automation.upkeep import upkeep_here

    click.echo("\n".join(upkeep_here(settings, dry_run=dry_run)))


COMMANDS = (upkeep,)
