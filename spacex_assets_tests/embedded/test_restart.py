"""A restart of the machine: every process gone at once, pids and ports given to others, the files as they were."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets_tests.embedded.conftest import Execute

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tools for shared memory are Linux's")
Stranger = Callable[[Path], "contextmanager[int]"]


def segments() -> set[str]:
    """The System V shared memory segments of this machine."""
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def cut_the_power(server: Server) -> None:
    """Kills every process of the cluster before any can react to the death of another."""
    everyone = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in everyone:
        process.suspend()
    for process in everyone:
        process.kill()
    psutil.wait_procs(everyone, 10)


@contextmanager
def a_program(folder: Path) -> Iterator[int]:
    with subprocess.Popen(["sleep", "120"], cwd=folder) as process:
        yield process.pid
        assert process.poll() is None
        process.kill()


@contextmanager
def another_cluster(folder: Path) -> Iterator[int]:
    other = EmbeddedPostgres(folder / "other")
    server = other.start()
    yield server.pid
    assert other.running() == server
    other.stop()


@pytest.mark.skipif(shutil.which("ipcrm") is None, reason="ipcrm is not installed")
@pytest.mark.parametrize("stranger", [a_program, another_cluster])
@pytest.mark.parametrize("shared_memory", ["gone", "stale"])
def test_data_survives_a_restart_of_the_machine(
    postgres: EmbeddedPostgres, execute: Execute, open_path: Path, stranger: Stranger, shared_memory: str
) -> None:
    server = postgres.start()
    execute(server, "CREATE TABLE kept AS SELECT generate_series(1, 100000) AS x")
    with closing(psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))) as unfinished:
        unfinished.cursor().execute("INSERT INTO kept VALUES (0)")
        pid_file = server.data / "postmaster.pid"
        recorded = pid_file.read_text().splitlines()
        cut_the_power(server)
    assert pid_file.read_text().splitlines() == recorded
    segment = recorded[6].split()[1]
    assert segment in segments()
    if shared_memory == "gone":
        subprocess.run(["ipcrm", "-m", segment], check=True)
    with stranger(open_path) as pid:
        pid_file.write_text("\n".join([str(pid), *recorded[1:]]) + "\n")
        assert postgres.running() is None
        again = postgres.start()
        assert again.pid not in (server.pid, pid)
        assert execute(again, "SELECT count(*), min(x) FROM kept") == [(100_000, 1)]
        assert postgres.stop()
    assert segment not in segments()


def test_files_that_a_power_cut_left_empty_are_no_harm(postgres: EmbeddedPostgres, execute: Execute) -> None:
    server = postgres.start()
    execute(server, "CREATE TABLE kept (x int)")
    cut_the_power(server)
    (server.data / "postmaster.pid").write_text("")
    (postgres.home / "port").write_text("")
    assert execute(postgres.start(), "SELECT count(*) FROM kept") == [(0,)]


def test_a_pid_file_that_names_the_starter_itself_is_no_harm(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(server.pid, signal.SIGKILL)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert postgres.start().pid not in (server.pid, os.getpid())
