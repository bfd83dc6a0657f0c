"""A backup of the warehouse: one file of pg_dump, consistent, complete or not there at all.

It has the schemas spacex, history and ops. What does not belong here: Dagster's storage and the lake, which the next
run makes anew, and what pg_dump is (``programs.py``).
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.load.schema import SCHEMAS
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.upkeep.archive import Archive
from spacex_assets.upkeep.errors import BackupError, BackupExists
from spacex_assets.upkeep.programs import Programs, connecting


@dataclass(frozen=True)
class Backup:
    """A file, and the rows in it by table."""

    file: Path
    rows: Mapping[str, int]


def backup_name(world: World, now: datetime) -> str:
    """``spacex-simulated-20260131T120000Z.dump``; ``now`` is in UTC."""
    return f"spacex-{world}-{now:%Y%m%dT%H%M%SZ}.dump"


def back_up(url: str, world: World, file: Path, programs: Programs) -> Backup:
    """Writes the warehouse to a new file, for its owner alone, and reads it back before it gets its name.

    Raises :class:`BackupError`, :class:`SchemaOutdated` and :class:`WorldMismatch`.
    """
    if file.exists():
        raise BackupExists(f"{file} is there already; nothing was written. Give another name, or remove it.")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    program = programs.pg_dump(_server_version(url, world))
    dsn, secret = connecting(sa.make_url(url))
    options = [f"--schema={schema}" for schema in SCHEMAS]
    command = [program.path, "--format=custom", "--no-password", f"--file={partial}", *options, f"--dbname={dsn}"]
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        done = subprocess.run(
            command, env={**program.environment, **secret}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BackupError(f"{program} failed; nothing was written. {done.stderr.strip()}")
        rows = Archive(partial, programs.pg_restore()).counts()
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        # Not a rename, which would replace what somebody else wrote meanwhile.
        file.hardlink_to(partial)
    except FileExistsError as error:
        raise BackupExists(f"{error.filename2 or error.filename} is there already; nothing was written.") from error
    finally:
        partial.unlink(missing_ok=True)
    return Backup(file, rows)


def _server_version(url: str, world: World) -> int:
    warehouse = Warehouse.connect(url, world)
    try:
        return int((warehouse.engine.dialect.server_version_info or (0,))[0])
    finally:
        warehouse.close()
