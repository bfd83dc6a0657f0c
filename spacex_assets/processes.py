"""Which process does something, said so that others can tell whether it still lives.

A process id alone is given to somebody else in time; with the moment of its start it is not.
"""

import os
import socket
from pathlib import Path


def this_process() -> str:
    """The host, the id and the start of this process."""
    return f"{socket.gethostname()} {os.getpid()} {_start(os.getpid())}"


def lives(identity: str) -> bool | None:
    """Whether the process that said so of itself still lives; ``None``: on another host, who knows."""
    host, pid, start = identity.split(" ")
    return _start(int(pid)) == start if host == socket.gethostname() else None


def _start(pid: int) -> str | None:
    """When a process started, in whatever unit; ``None`` if it has ended."""
    if Path("/proc/self/stat").exists():
        try:
            state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if state in "ZX" else fields[18]
    import psutil

    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
