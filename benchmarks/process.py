"""Runs a command as a process of its own: how long it took, and the most memory that it had."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    """``seconds`` from start to end, ``peak`` resident memory in MiB, ``said`` on standard output."""

    seconds: float
    peak: float
    said: str


def taken(command: list[str], env: dict[str, str] | None = None) -> Taken:
    """Raises RuntimeError with the end of the command's messages if it fails."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=messages, text=True) as process,
    ):
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            messages.seek(0)
            end = messages.read()[-4000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command[:3])} … ended with {process.returncode}:\n{said[-1000:]}{end}")
    return Taken(time.perf_counter() - began, usage.ru_maxrss / 1024, said)


def middle(runs: list[Taken]) -> float:
    """The median of the seconds."""
    return sorted(run.seconds for run in runs)[len(runs) // 2]
