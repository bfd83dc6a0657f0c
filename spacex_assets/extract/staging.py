"""Files that are being written, on this machine: in ``staging/`` below a lake's folder, until they are moved elsewhere.

Each is locked by its writer, so that what killed processes left can be told from what is at work.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile


@contextmanager
def staging_file(folder: Path) -> Iterator[Path]:
    """A file below ``folder`` to write to; gone at the end unless it was moved to its place.

    Meanwhile it is locked, so that :func:`sweep` leaves it alone; the lock ends with the process, however it ends.
    """
    with _locked(folder, fcntl.LOCK_SH) as staging:
        file = NamedTemporaryFile(dir=staging, suffix=".part", delete=False)  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_EX)
    path = Path(file.name)
    try:
        with file:
            yield path
    finally:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> int:
    """Removes what nobody has locked: left by processes that were killed, or copies; how many files."""
    swept = 0
    with _locked(folder, fcntl.LOCK_EX) as staging:
        for path in staging.iterdir():
            # Its owner has it still, or has just moved it.
            with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                swept += 1
    return swept


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[Path]:
    """The staging folder, locked: a file in it is made and locked by its owner before anybody may sweep."""
    staging = folder / "staging"
    staging.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(staging, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield staging
    finally:
        os.close(descriptor)
