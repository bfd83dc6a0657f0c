"""PostgreSQL's own programs: which are there, of which version, and which will do.

pg_dump has to be as new as the server, pg_restore as the pg_dump that wrote. What does not belong here: what they are
called for.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from psycopg2.extensions import make_dsn

from spacex_assets.upkeep.errors import ProgramMissing


@dataclass(frozen=True)
class Program:
    """A program of PostgreSQL, its major version, and the environment in which it runs."""

    path: str
    version: int
    environment: Mapping[str, str] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.path} ({self.version})"


@dataclass(frozen=True)
class Programs:
    """Where to look; ``environment`` is that of every program."""

    folders: Sequence[Path]
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def at_hand(cls, only: Path | None, packaged: Sequence[Path], environment: Mapping[str, str]) -> "Programs":
        """Those of the one folder, if it is given; else those on the PATH of the environment and the packaged ones."""
        on_path = [Path(folder) for folder in environment.get("PATH", "").split(":") if folder]
        return cls([only] if only else [*on_path, *packaged], environment)

    def pg_dump(self, server: int) -> Program:
        """The oldest one that can dump a server of this major version, so that many can read what it writes.

        Raises :class:`ProgramMissing`.
        """
        found = self._found("pg_dump")
        able = [program for program in found if program.version >= server]
        if not able:
            raise ProgramMissing(
                f"expected a pg_dump of version {server} or newer, as the server is; {self._of(found)}"
            )
        return min(able, key=lambda program: program.version)

    def pg_restore(self) -> Program:
        """The newest one, which can read the most. Raises :class:`ProgramMissing`."""
        found = self._found("pg_restore")
        if not found:
            raise ProgramMissing(f"expected a pg_restore; {self._of(found)}")
        return max(found, key=lambda program: program.version)

    def _found(self, name: str) -> list[Program]:
        paths = dict.fromkeys(shutil.which(name, path=str(folder)) for folder in self.folders)
        return [Program(path, _version(path, self.environment), self.environment) for path in paths if path]

    def _of(self, found: Sequence[Program]) -> str:
        there = ", ".join(map(str, found)) or "none"
        return (
            f"found {there} in {', '.join(map(str, self.folders)) or 'no folder'}. Install PostgreSQL's client "
            f"programs, or set SPACEX_PG_BIN to their folder."
        )


def connecting(url: sa.URL) -> tuple[str, dict[str, str]]:
    """A connection string without password, and the environment that has it."""
    _, options = url.get_dialect()().create_connect_args(url)
    password = options.pop("password", None)
    return make_dsn(**options), {"PGPASSWORD": password} if password else {}


def _version(path: str, environment: Mapping[str, str]) -> int:
    said = subprocess.run([path, "--version"], env=environment, capture_output=True, text=True, check=False)
    match = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    if match is None:
        raise ProgramMissing(
            f"{path}: expected that --version says the version, found {(said.stdout + said.stderr).strip()!r}. Repair "
            f"it, or set SPACEX_PG_BIN to the folder of another one."
        )
    return int(match[1])
