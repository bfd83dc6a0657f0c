"""A backup as pg_restore tells it: whose it is, of which schema, and its rows, table by table.

pg_restore only reads the file here and never connects; whatever a file holds, nothing but rows of our tables and
positions of their sequences is taken from it. What does not belong here: putting them into a warehouse.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from spacex_assets.load.schema import SCHEMAS
from spacex_assets.upkeep.errors import BackupUnreadable
from spacex_assets.upkeep.programs import Program

_NAME = r'(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")'
_COPY = re.compile(rf"COPY (?P<table>(?:{'|'.join(SCHEMAS)})\.{_NAME}) \({_NAME}(?:, {_NAME})*\) FROM stdin;\n")
_SETVAL = re.compile(rf"SELECT pg_catalog\.setval\('(?:{'|'.join(SCHEMAS)})\.{_NAME}', \d+, (?:true|false)\);\n")
VERSION_TABLE = "ops.alembic_version"


@dataclass(frozen=True)
class Rows:
    """The rows of a table, in PostgreSQL's text format, and the COPY statement that takes them."""

    table: str
    statement: str
    lines: Iterator[bytes]


@dataclass(frozen=True)
class Position:
    """A statement that sets a sequence to where it was."""

    statement: str


@dataclass(frozen=True)
class Archive:
    """A file that `pg_dump --format=custom` wrote."""

    file: Path
    pg_restore: Program

    @property
    def world(self) -> str:
        """The world whose data it has. Raises :class:`BackupUnreadable`."""
        return self._only("ops.world")

    @property
    def revision(self) -> str:
        """The migration that its schema is at. Raises :class:`BackupUnreadable`."""
        return self._only(VERSION_TABLE)

    @contextmanager
    def parts(self, *options: str) -> Iterator[Iterator[Rows | Position]]:
        """All tables and sequences in it, once. Raises :class:`BackupUnreadable`, at the latest when it is left."""
        command = [self.pg_restore.path, "--data-only", "--file=-", *options, str(self.file.absolute())]
        with TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                env=self.pg_restore.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert process.stdout is not None
            script = _Script(process.stdout)
            try:
                yield script.parts()
                whole = not script.inside and not process.stdout.read(1)
            except BaseException:
                process.kill()
                raise
            finally:
                process.stdout.close()
                status = process.wait()
            if status or not whole:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip() or "it ends in the middle"
                raise BackupUnreadable(
                    f"{self.file}: expected a backup that {self.pg_restore} can read to its end, but: {said}\n"
                    f"Take another file; if it was written by a newer pg_dump, install that version's pg_restore."
                )

    def counts(self) -> dict[str, int]:
        """Rows by table but the version's, as a restore tells them; reads all. Raises :class:`BackupUnreadable`."""
        with self.parts() as parts:
            rows = {part.table: sum(1 for _ in part.lines) for part in parts if isinstance(part, Rows)}
        return {table: count for table, count in rows.items() if table != VERSION_TABLE}

    def _only(self, table: str) -> str:
        schema, _, name = table.partition(".")
        with self.parts(f"--schema={schema}", f"--table={name}") as parts:
            rows = [line for part in parts if isinstance(part, Rows) and part.table == table for line in part.lines]
        if len(rows) != 1:
            raise BackupUnreadable(
                f"{self.file}: expected a backup of a warehouse, with one row in {table}, found {len(rows)}."
            )
        return rows[0].decode(errors="replace").rstrip("\n")


class _Script:
    """The text of pg_restore; ``inside`` says that it stands, or ended, inside a table."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines, self.inside = iter(lines), False

    def parts(self) -> Iterator[Rows | Position]:
        for line in self.lines:
            if not line.startswith((b"COPY ", b"SELECT ")):
                continue
            text = line.decode(errors="replace")
            if text.startswith("COPY "):
                rows = self._rows()
                if match := _COPY.fullmatch(text):
                    yield Rows(match["table"], text, rows)
                for _ in rows:
                    pass
            elif _SETVAL.fullmatch(text):
                yield Position(text)

    def _rows(self) -> Iterator[bytes]:
        self.inside = True
        for line in self.lines:
            if line == b"\\.\n":
                self.inside = False
                return
            yield line
