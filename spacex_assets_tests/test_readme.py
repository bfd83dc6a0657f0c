"""The commands that the README tells to type when something is wrong."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

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
