"""PostgreSQL's processes, told by the folder they work in.

All of them work in their data folder. A pid that was given to somebody else meanwhile, or a shell that somebody opened
in the data folder, is therefore never taken for PostgreSQL, nor harmed. What does not belong here: which of these
processes may be ended (``postgres.py``).
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from spacex_assets.embedded.errors import EmbeddedPostgresError

PROGRAMS = ("postgres", "initdb")
END_SECONDS = 10.0


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process is PostgreSQL's and its working folder is this one, or was until it was deleted."""
    try:
        process = psutil.Process(pid)
        return process.name() in PROGRAMS and process.cwd() == str(folder)
    except psutil.Error:
        return False  # gone meanwhile, or another user's


def all_gone(folder: Path, seconds: float) -> bool:
    """Whether nobody works in the folder any more, within these seconds."""
    deadline = time.monotonic() + seconds
    while _working_in(folder):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.03)
    return True


def send(pid: int, how: signal.Signals) -> None:
    """Sends a signal to a process that may be gone meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, how)


def end_all(folder: Path, *signals: signal.Signals) -> bool:
    """Ends all who work in the folder, by one signal after another; whether there was any.

    Raises :class:`EmbeddedPostgresError` if one does not end.
    """
    found = _working_in(folder)
    for how in signals if found else ():
        for pid in _working_in(folder):
            send(pid, how)
        if all_gone(folder, END_SECONDS):
            return True
    if found:
        left = ", ".join(str(pid) for pid in sorted(_working_in(folder)))
        raise EmbeddedPostgresError(f"PostgreSQL processes of {folder} do not end: pid {left}. End them by hand.")
    return False


def _working_in(folder: Path) -> set[int]:
    return {pid for pid in psutil.pids() if works_in(pid, folder)}
