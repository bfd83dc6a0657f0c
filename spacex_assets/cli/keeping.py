"""The commands that keep the platform small and safe: upkeep, backup, restore."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from spacex_assets.config import Settings

if TYPE_CHECKING:
    from spacex_assets.upkeep.programs import Programs


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def upkeep(settings: Settings, dry_run: bool) -> None:
    """Delete old runs of Dagster, raw snapshots and, where SPACEX_KEEP_HISTORY_DAYS is set, versions of rows."""
    from spacex_assets.local import attach

    settings = attach(settings)

    from spacex_assets.automation.upkeep import upkeep_here

    click.echo("\n".join(upkeep_here(settings, dry_run=dry_run)))


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def backup(settings: Settings, file: Path | None) -> None:
    """Write the warehouse to FILE, by default <local>/backups/spacex-<world>-<UTC time>.dump, with pg_dump."""
    from spacex_assets.local import attach
    from spacex_assets.upkeep.backup import back_up, backup_name

    settings = attach(settings)
    name = backup_name(settings.world, datetime.now(UTC))
    if file is None:
        file = settings.local / "backups" / name
    elif file.is_dir():
        file = file / name
    done = back_up(settings.warehouse_url, settings.world, file, _programs(settings))
    click.echo(f"Wrote {done.file}: {sum(done.rows.values()):,} rows of {len(done.rows)} tables.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Even if the warehouse has rows, which are then gone.")
@click.pass_obj
def restore(settings: Settings, file: Path, replace: bool) -> None:
    """Make the warehouse what it was when FILE was written; all of it or, on failure, nothing."""
    from spacex_assets.databases import warehouse
    from spacex_assets.upkeep.restore import restore as restored

    rows = restored(warehouse(settings).warehouse_url, settings.world, file, _programs(settings), replace=replace)
    click.echo(
        f"Restored {file}: {sum(rows.values()):,} rows of {len(rows)} tables, of the {settings.world} world.\n"
        f"Next: `make run` loads what the source has now."
    )


def _programs(settings: Settings) -> "Programs":
    from spacex_assets.embedded.place import installations
    from spacex_assets.upkeep.programs import Programs

    return Programs.at_hand(settings.pg_bin, [folder / "bin" for folder in installations()], os.environ)


COMMANDS = (upkeep, backup, restore)
