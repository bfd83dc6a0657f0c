"""What the README tells to type: when something is wrong, and for one more endpoint."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.fleet import COLLECTIONS, Fleet
from spacex_assets_tests.conftest import Platform

README = Path(__file__).parent.parent / "README.md"


def commands(section: str) -> list[list[str]]:
    """The arguments of the command line in the section's first block; `make` targets have its commands' names."""
    block = re.search(rf"## {section}\n.*?```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    lines = [shlex.split(line, comments=True) for line in block.group(1).splitlines()]
    return [words[1:] if words[0] == "make" else words[3:] for words in lines]


def test_the_commands_for_when_something_is_wrong_work(platform: Platform) -> None:
    platform.load("launches")
    said = {}
    for arguments in commands("When something is wrong"):
        if arguments[0] == "psql":
            command = [sys.executable, "-m", "spacex_assets", *arguments]
            said["psql"] = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout
        else:
            said[" ".join(arguments[:2])] = platform.call(*arguments).stdout
    assert set(said) >= {
        "run",
        "status",
        "quarantine",
        "quarantine show",
        "explain launches",
        "quarantine retry",
        "psql",
    }
    assert "1 open (launches 1)" in said["status"]
    assert "$.flight_number: expected a valid integer, found 'four'" in said["quarantine"]
    assert "still broken" in said["quarantine retry"]
    assert "(0 rows)" in said["psql"]


def test_one_more_endpoint_is_migrated_described_and_loaded_from_a_folder(
    local_environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    checkout, archive = tmp_path / "checkout", tmp_path / "archive"
    shutil.copytree(README.parent / "spacex_assets", checkout / "spacex_assets")
    shutil.copy(README.parent / "dagster.yaml", checkout)
    (checkout / "docs").mkdir()
    section = README.read_text().partition("## One more endpoint")[2]
    record = section.partition("```python\n")[2].partition("```")[0]
    endpoints = checkout / "spacex_assets" / "endpoints"
    (endpoints / "fairings.py").write_text(record)
    registry = (endpoints / "registry.py").read_text()
    line = "from spacex_assets.endpoints.history import history\n"
    registry = registry.replace(line, f"from spacex_assets.endpoints.fairings import fairings\n{line}")
    (endpoints / "registry.py").write_text(registry.replace(" history,\n", " fairings,\n            history,\n"))
    archive.mkdir()
    for name in COLLECTIONS:
        documents = list(Fleet(launches=30).documents(name))
        body = json.dumps(documents[0] if ENDPOINTS[name].single else documents)
        (archive / f"{name}.json").write_text(body.replace(SIMULATED_MARK, ""))
    fairing = {"id": "5e9d0d95f1a0000000000001", "serial": "F1", "reuse_count": 2}
    (archive / "fairings.json").write_text(json.dumps([fairing]))

    def said(*arguments: str, source: str = str(archive), status: int = 0) -> str:
        command = [sys.executable, "-m", "spacex_assets", *arguments]
        environment = {**local_environment, "SPACEX_SOURCE": source, "SPACEX_DATABASE_URL": database_url}
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "add_fairings.py" in said("migration", "Add fairings")
    said("dictionary")
    written = (checkout / "docs" / "data-dictionary.md").read_text()
    assert "| `reuse_count` | integer | yes | Flights after the first. |  | `reuse_count` |  |  |" in written
    assert re.search(r"^fairings +1 +0 +1 +0 +0 +0 ", said("run"), re.MULTILINE)
    ask = ["psql", "--", "-Atc", "SELECT serial, reuse_count FROM spacex.fairings"]
    assert said(*ask) == "F1|2\n"
