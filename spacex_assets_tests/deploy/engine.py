"""Whether there is a Docker engine to test on; where there is none the tests say so and are skipped."""

import shutil
import subprocess


def engine_missing() -> str | None:
    if shutil.which("docker") is None:
        return "there is no docker"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"`{' '.join(command)}` says: {done.stderr.strip().splitlines()[-1:]}"
    return None
