"""Creates a cluster: the data folder with its password.

What does not belong here: running it (``postgres.py``).
"""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from spacex_assets.embedded.errors import EmbeddedPostgresError
from spacex_assets.embedded.place import Place
from spacex_assets.embedded.processes import end_all
from spacex_assets.embedded.server import USER

PARTIAL = "data.new-"


def create_cluster(place: Place) -> None:
    """Creates the cluster beside its place and renames it, so that an interrupted creation leaves none."""
    password = secrets.token_urlsafe(24)
    _write_privately(place.password, password)
    partial = place.base / f"{PARTIAL}{os.getpid()}"
    partial.mkdir(mode=0o700)
    secret = partial.with_suffix(".password")
    try:
        _write_privately(secret, password)
        if place.user is not None:
            shutil.chown(partial, place.user)
            shutil.chown(secret, place.user)
        command = [
            *(str(place.binary("initdb")), "--pgdata", str(partial), "--username", USER, "--pwfile", str(secret)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            # Checksums would log every hint bit, 800 MB for the first re-run after a million rows.
            *(["--no-data-checksums"] if place.installation.name.endswith("18") else []),
        ]
        done = subprocess.run(
            command,
            cwd=partial,
            capture_output=True,
            text=True,
            check=False,
            env=place.environment,
            **place.identity,
        )
    finally:
        secret.unlink(missing_ok=True)
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed in {partial}: {done.stderr.strip() or done.stdout.strip()}")
    partial.rename(place.data)


def remove_interrupted(place: Place) -> None:
    """Ends and removes creations whose process was killed."""
    for secret in place.base.glob(f"{PARTIAL}*.password"):
        secret.unlink()
    for partial in place.base.glob(f"{PARTIAL}*"):
        end_all(partial, signal.SIGKILL)
        shutil.rmtree(partial)


def _write_privately(file: Path, text: str) -> None:
    """Writes for the owner alone, and down to the disk: without its password the cluster is lost."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
