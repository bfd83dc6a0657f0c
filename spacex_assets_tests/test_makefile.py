"""What the Makefile does beside calling the command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spacex_assets.embedded import EmbeddedPostgres

MAKEFILE = Path(__file__).parent.parent / "Makefile"
# Stands for the Python that builds the environment: everything in it says on standard output what it does.
PYTHON = """#!/bin/sh
echo "python $*"
if [ "$2" = venv ]; then
    mkdir -p "$3/bin"
    printf '#!/bin/sh\\necho "pip $*"\\n' > "$3/bin/pip"
    printf '#!/bin/sh\\necho "called $*"\\n' > "$3/bin/python"
    chmod +x "$3/bin/pip" "$3/bin/python"
fi
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ours = ("SPACEX_", "DAGSTER_", "MAKE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = ["make", "-f", str(MAKEFILE), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_db_url_is_alone_on_standard_output_though_the_environment_is_built_first(tmp_path: Path) -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    done = make(tmp_path, "db-url", f"PYTHON={python}")
    assert (done.returncode, done.stdout) == (0, "called -m spacex_assets db-url\n"), done.stderr
    assert "pip install" in done.stderr


def test_clean_leaves_nothing_wherever_the_data_live(tmp_path: Path) -> None:
    bystander = EmbeddedPostgres(tmp_path / "other" / "postgres")
    ours, theirs = EmbeddedPostgres(tmp_path / ".local" / "postgres").start().data, bystander.start().data
    try:
        done = make(tmp_path, "clean", f"VENV={sys.prefix}")
        assert done.returncode == 0, done.stderr
        assert not ours.exists()
        assert not (tmp_path / ".local").exists()
        assert not ours.parent.exists()
        assert theirs.exists()
        assert bystander.running()
    finally:
        bystander.remove()
