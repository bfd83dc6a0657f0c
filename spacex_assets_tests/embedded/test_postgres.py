import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from spacex_assets.embedded import EmbeddedPostgres, EmbeddedPostgresError
from spacex_assets_tests.embedded.conftest import Execute, Starter


def wait_until_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text():
        time.sleep(0.02)


def test_several_starts_at_once_give_one_server_and_it_outlives_them(
    postgres: EmbeddedPostgres, starter: Starter, execute: Execute
) -> None:
    with ThreadPoolExecutor() as pool:
        ports = list(pool.map(lambda process: process.communicate()[0], [starter(postgres.home) for _ in range(4)]))
    server = postgres.start()
    assert {int(port) for port in ports} == {server.port}
    version = execute(server, "SHOW server_version_num")[0][0]
    assert int(str(version)) >= 160000


def test_it_survives_kill_9_and_keeps_its_port_and_data(postgres: EmbeddedPostgres, execute: Execute) -> None:
    first = postgres.start()
    execute(first, "CREATE TABLE kept (x int)")
    os.kill(first.pid, signal.SIGKILL)
    second = postgres.start()
    assert second.pid != first.pid
    assert second.port == first.port
    assert execute(second, "SELECT count(*) FROM kept") == [(0,)]


def test_a_starter_killed_in_mid_start_is_no_harm(
    postgres: EmbeddedPostgres, starter: Starter, execute: Execute
) -> None:
    for delay in (0.15, 0.35, 0.6):
        process = starter(postgres.home)
        time.sleep(delay)
        process.kill()
        process.communicate()
    assert execute(postgres.start(), "SELECT 1") == [(1,)]
    assert not list(postgres.place.base.glob("data.new-*"))


def test_starter_and_server_killed_together_is_no_harm(
    postgres: EmbeddedPostgres, starter: Starter, execute: Execute
) -> None:
    server = postgres.start()
    process = starter(postgres.home)
    process.kill()
    os.kill(server.pid, signal.SIGKILL)
    process.communicate()
    assert execute(postgres.start(), "SELECT 1") == [(1,)]


def test_a_stale_pid_file_that_names_a_living_stranger_harms_neither(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    pid_file = server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(server.pid, signal.SIGKILL)
    wait_until_gone(server.pid)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert postgres.running() is None
        assert postgres.start().pid != stranger.pid
        assert postgres.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_another_port_is_taken_if_the_old_one_is_not_free(postgres: EmbeddedPostgres) -> None:
    port = postgres.start().port
    postgres.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert postgres.start().port != port


def test_only_the_owner_reads_the_password_and_no_command_line_shows_it(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    assert stat.S_IMODE((postgres.home / "password").stat().st_mode) == 0o600
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = command.read_bytes()
        except OSError:
            continue
        assert server.password.encode() not in text
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(host="127.0.0.1", port=server.port, user="spacex", password="x", dbname="postgres")


def test_it_listens_on_this_machine_only(postgres: EmbeddedPostgres, execute: Execute) -> None:
    server = postgres.start()
    assert execute(
        server, "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
    ) == [("127.0.0.1", "")]
    assert execute(server, "SHOW password_encryption") == [("scram-sha-256",)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to lend the server another user")
def test_root_lends_it_an_ordinary_user(postgres: EmbeddedPostgres) -> None:
    assert postgres.start().data.stat().st_uid != 0
    assert Path(f"/proc/{postgres.start().pid}").stat().st_uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that root alone can enter")
def test_below_a_folder_of_root_alone_it_lives_outside_and_stop_covers_it(tmp_path: Path, execute: Execute) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "postgres")
    try:
        server = postgres.start()
        assert not server.data.is_relative_to(tmp_path)
        assert str(server.data) in (postgres.home / "location").read_text()
        execute(server, "CREATE TABLE old (x int)")
        subprocess.run(["rm", "-rf", str(postgres.home)], check=True)
        anew = EmbeddedPostgres(postgres.home)
        fresh = anew.start()
        assert not Path(f"/proc/{server.pid}").exists() or fresh.pid != server.pid
        assert execute(fresh, "SELECT count(*) FROM pg_tables WHERE tablename = 'old'") == [(0,)]
    finally:
        assert EmbeddedPostgres(postgres.home).stop()
        shutil.rmtree(postgres.place.outside)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that root alone can enter")
@pytest.mark.parametrize(("before", "after"), [(0o700, 0o755), (0o755, 0o700)])
def test_the_data_stay_where_they_are_when_their_folder_is_opened_or_closed(
    postgres: EmbeddedPostgres, execute: Execute, before: int, after: int
) -> None:
    folder = postgres.home.parent
    folder.mkdir(mode=before)
    first = postgres.start()
    execute(first, "CREATE TABLE kept (x int)")
    folder.chmod(after)
    again = EmbeddedPostgres(postgres.home)
    assert again.start() == first
    assert again.stop()
    folder.chmod(0o755)
    assert execute(EmbeddedPostgres(postgres.home).start(), "SELECT count(*) FROM kept") == [(0,)]


def test_a_deleted_home_is_a_clean_start(postgres: EmbeddedPostgres, execute: Execute) -> None:
    old = postgres.start()
    execute(old, "CREATE TABLE old (x int)")
    subprocess.run(["rm", "-rf", str(postgres.home)], check=True)
    fresh = EmbeddedPostgres(postgres.home).start()
    assert execute(fresh, "SELECT count(*) FROM pg_tables WHERE tablename = 'old'") == [(0,)]
    wait_until_gone(old.pid)


@pytest.mark.parametrize("how", ["as it is", "killed", "without its home"])
def test_nothing_is_left_of_it_when_it_is_removed(tmp_path: Path, how: str) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    server = postgres.start()
    if how == "killed":
        os.kill(server.pid, signal.SIGKILL)
    if how == "without its home":
        subprocess.run(["rm", "-rf", str(postgres.home)], check=True)
    EmbeddedPostgres(postgres.home).remove()
    wait_until_gone(server.pid)
    for folder in (server.data, postgres.home, postgres.place.outside):
        assert not folder.exists()
    EmbeddedPostgres(postgres.home).remove()


def test_stopping_says_whether_there_was_anything(postgres: EmbeddedPostgres) -> None:
    assert not postgres.stop()
    postgres.start()
    assert postgres.stop()
    assert postgres.running() is None


def test_the_programs_of_the_installation_are_there(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    done = subprocess.run(
        [postgres.binary("psql"), "-Atc", "SELECT current_database()"],
        env=server.libpq_environment("postgres"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "postgres\n"


def test_a_cluster_that_cannot_start_says_why(postgres: EmbeddedPostgres) -> None:
    server = postgres.start()
    postgres.stop()
    (server.data / "postgresql.conf").write_text("no such setting\n")
    with pytest.raises(EmbeddedPostgresError, match="did not start"):
        postgres.start()
