"""A living server is waited for and never ended; what a killed one left behind is."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from spacex_assets.embedded import EmbeddedPostgres, EmbeddedPostgresError, Server
from spacex_assets.embedded import postgres as room
from spacex_assets_tests.embedded.conftest import Execute, Starter


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ANSWER_SECONDS", 0.5)


def connect(server: Server) -> Connection:
    return psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))


def works(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@contextmanager
def every_connection(server: Server) -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        taken = []
        with suppress(psycopg2.OperationalError):
            while True:
                taken.append(stack.enter_context(closing(connect(server))))
        yield taken


@pytest.mark.usefixtures("impatient")
def test_a_server_out_of_connections_is_left_alone_and_the_error_says_what_to_do(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    with every_connection(server) as taken:
        assert len(taken) >= 90
        with pytest.raises(EmbeddedPostgresError, match="too many clients") as raised:
            postgres.start()
        with taken[0].cursor() as cursor:
            cursor.execute("SELECT 1")
    for told in (f"pid {server.pid}", str(postgres.place.home / "server.log"), "make stop"):
        assert told in str(raised.value)
    assert postgres.start() == server


def test_a_start_waits_until_a_connection_is_free(postgres: EmbeddedPostgres, starter: Starter) -> None:
    server = postgres.start()
    with every_connection(server):
        process = starter(postgres.home)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
    assert int(process.communicate(timeout=20)[0]) == server.port
    assert postgres.running() == server


def test_a_start_waits_for_a_server_that_is_held_up(postgres: EmbeddedPostgres, starter: Starter) -> None:
    server = postgres.start()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        process = starter(postgres.home)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(6)  # longer than two attempts to connect
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert int(process.communicate(timeout=20)[0]) == server.port
    assert postgres.running() == server


def test_a_start_in_crash_recovery_gets_the_same_server(postgres: EmbeddedPostgres, execute: Execute) -> None:
    server = postgres.start()
    execute(server, "CREATE TABLE kept AS SELECT generate_series(1, 200000)")
    with closing(connect(server)) as backend:
        os.kill(backend.info.backend_pid, signal.SIGKILL)
        while "reinitializing" not in (postgres.home / "server.log").read_text():
            time.sleep(0.002)
    assert postgres.start() == server
    assert execute(server, "SELECT count(*) FROM kept") == [(200_000,)]


def test_a_start_during_a_shutdown_gives_the_next_server(postgres: EmbeddedPostgres, starter: Starter) -> None:
    server = postgres.start()
    with closing(connect(server)):
        os.kill(server.pid, signal.SIGTERM)
        while "shutting down" not in (server.refusal() or ""):
            time.sleep(0.02)
        process = starter(postgres.home)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
    assert int(process.communicate(timeout=20)[0]) == server.port
    assert postgres.start().pid != server.pid


def test_a_busy_backend_of_a_killed_server_is_ended(postgres: EmbeddedPostgres, execute: Execute) -> None:
    server = postgres.start()
    client = subprocess.Popen(
        [postgres.binary("psql"), "-c", "SELECT count(*) FROM generate_series(1, 1e12)"],
        env=server.libpq_environment("postgres"),
        stderr=subprocess.DEVNULL,
    )
    find = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%1e12%' AND pid <> pg_backend_pid()"
    while not (found := execute(server, find)):
        time.sleep(0.02)
    backend = psutil.Process(int(str(found[0][0])))
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.5)
    assert works(backend)
    assert postgres.start().pid != server.pid
    assert not works(backend)
    assert client.wait(10) != 0


def test_a_program_of_somebody_in_the_data_folder_is_not_ended(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    with subprocess.Popen(["sleep", "60"], cwd=server.data) as somebody:
        os.kill(server.pid, signal.SIGKILL)
        assert postgres.start().pid != server.pid
        assert postgres.stop()
        assert somebody.poll() is None
        somebody.kill()


def test_a_home_behind_a_link_is_the_same_home(postgres: EmbeddedPostgres, open_path: Path) -> None:
    server = postgres.start()
    link = open_path / "link"
    link.symlink_to(postgres.home)
    assert EmbeddedPostgres(link).start() == server
    assert EmbeddedPostgres(link).stop()


def test_without_the_password_the_cluster_is_left_alone(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    away = postgres.place.password.rename(postgres.home / "away")
    with pytest.raises(EmbeddedPostgresError, match="its password is gone"):
        postgres.start()
    away.rename(postgres.place.password)
    assert postgres.start() == server
