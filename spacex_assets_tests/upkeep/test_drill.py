"""The drill of docs/upkeep.md, as it is written there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from spacex_assets.config import Settings
from spacex_assets_tests.conftest import Platform
from spacex_assets_tests.upkeep.test_backup import contents, suffer_outage

ROOT = Path(__file__).parents[2]


def drill() -> list[str]:
    block = re.search(r"Rehearse it:\n\n```sh\n(.*?)```", (ROOT / "docs" / "upkeep.md").read_text(), re.DOTALL)
    assert block is not None
    return block[1].splitlines()


def make(line: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Runs a line with the virtual environment that exists; what it pipes into psql stands behind it."""
    command, _, typed = line.replace("/tmp/spacex.dump", str(file)).partition("#")
    words = [*shlex.split(command), f"CLI={sys.executable} -m spacex_assets", "READY="]
    standard_input = typed if "psql" in command else ""
    return subprocess.run(words, cwd=ROOT, env=os.environ, input=standard_input, capture_output=True, text=True)


def test_the_drill_loses_everything_and_gets_it_back(platform: Platform, tmp_path: Path) -> None:
    suffer_outage(platform.url)
    said, seen = {}, {}
    for line in drill():
        done = make(line, tmp_path / "spacex.dump")
        assert (done.returncode != 0) == ("refused" in line), (line, done.stdout, done.stderr)
        said[line.partition("#")[0].strip()], seen[line.partition("#")[0].strip()] = done, contents(platform.url)
    first, last = said["make run"], list(said)
    assert "make psql" in last and first.returncode == 0
    lost, back = seen["make psql"], seen["make restore FILE=/tmp/spacex.dump REPLACE=1"]
    assert lost["spacex.launches"] == [] and len(back["spacex.launches"]) == Settings().simulated_launches
    assert seen["make restore FILE=/tmp/spacex.dump"] == lost
    assert back == seen["make backup FILE=/tmp/spacex.dump"]
    [total] = [line for line in said["make run"].stdout.splitlines() if line.startswith("total")]
    inserted, updated, deleted, unchanged = [int(cell.replace(",", "")) for cell in total.split()[3:7]]
    assert (inserted, updated, deleted) == (0, 0, 0) and unchanged > 0
