"""The commands that become another program: psql and the shell, on a terminal and off it."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from spacex_assets import databases as room
from spacex_assets.config import Settings
from spacex_assets.databases import DatabaseNotUsable, databases
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.psql import psql_on_warehouse

COMMAND = [sys.executable, "-m", "spacex_assets"]


def typed_into_a_terminal(command: list[str], environment: dict[str, str], keys: str) -> tuple[int, str]:
    """The exit status of a command on a terminal of its own, and what stood on that terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    os.write(ours, keys.encode())
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # Linux's way to say that nobody holds the other end any more
    finally:
        os.close(ours)
    return process.wait(30), shown.decode(errors="replace")


def test_in_the_shell_every_dagster_command_works(local_environment: dict[str, str]) -> None:
    keys = "dagster definitions validate; echo validated=$?\nexit 7\n"
    status, shown = typed_into_a_terminal([*COMMAND, "shell"], {**local_environment, "SHELL": "/bin/sh"}, keys)
    assert "dagster asset materialize --select '*'" in shown
    assert "validated=0" in shown, shown
    assert status == 7


def in_the_shell(environment: dict[str, str], folder: Path, commands: str) -> list[str]:
    """What stands on standard output after commands in `make shell`, in another folder, by line."""
    program = folder / "commands"
    program.write_text(f"#!/bin/sh\ncd /\n{commands}")
    program.chmod(0o755)
    done = subprocess.run(
        [*COMMAND, "shell"], env={**environment, "SHELL": str(program)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_in_the_shell_another_source_selects_its_own_world(local_environment: dict[str, str], tmp_path: Path) -> None:
    url, world, loaded = in_the_shell(
        local_environment,
        tmp_path,
        f"""
        python -m spacex_assets --source {tmp_path} db-url || exit 1
        python -m spacex_assets --source {tmp_path} psql -- -Atc 'SELECT name FROM ops.world' || exit 1
        python -m spacex_assets psql -- -Atc 'SELECT name FROM ops.world' || exit 1
        """,
    )
    assert url.endswith("/spacex_real")
    assert (world, loaded) == ("real", "simulated")


def test_relative_folders_mean_the_same_in_every_folder_of_the_shell(
    local_environment: dict[str, str], open_folder: Callable[[str], Path], tmp_path: Path, recordings: Path
) -> None:
    folder = open_folder("relative")
    relative = os.path.relpath(recordings)
    environment = {
        **local_environment,
        "SPACEX_SOURCE": relative,
        "SPACEX_LOCAL": os.path.relpath(folder),
        "SPACEX_LAKE": os.path.relpath(folder / "lake"),
    }
    commands = """
        dagster asset materialize --select 'key:"raw/cores"+' >&2 || exit 1
        python -m spacex_assets psql -- -Atc "SELECT DISTINCT source FROM ops.loads WHERE outcome = 'loaded'"
        python -m spacex_assets stop >&2
    """
    assert in_the_shell(environment, tmp_path, commands) == [str(Path(relative).absolute())]
    assert (folder / "lake" / "real").is_dir()
    shutil.rmtree(EmbeddedPostgres(folder / "postgres").place.outside, ignore_errors=True)


def test_the_shell_finds_the_embedded_postgresql_again_after_a_stop(
    local_environment: dict[str, str], tmp_path: Path
) -> None:
    commands = "python -m spacex_assets stop >&2 && python -m spacex_assets psql -- -Atc 'SELECT 7'"
    assert in_the_shell(local_environment, tmp_path, commands) == ["7"]


def test_a_database_that_was_chosen_inside_the_shell_is_the_one_that_serves(
    local_environment: dict[str, str], tmp_path: Path, database_url: str
) -> None:
    commands = f"SPACEX_DATABASE_URL={database_url} python -m spacex_assets db-url"
    assert in_the_shell(local_environment, tmp_path, commands) == [database_url]


def test_psql_on_the_other_worlds_warehouse_is_refused(
    local_environment: dict[str, str], tmp_path: Path, warehouse: Warehouse
) -> None:
    environment = {**local_environment, "SPACEX_DATABASE_URL": warehouse.engine.url.render_as_string(False)}
    for arguments in (["psql", "--", "-c", "SELECT 1"], ["db-url"]):
        done = subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "The source is in the simulated world, but the warehouse" in done.stderr
        assert "holds real data" in done.stderr


def test_psql_reaches_the_migrated_warehouse(local_environment: dict[str, str]) -> None:
    ask = "SELECT current_database(), count(*) FROM spacex.launches"
    done = subprocess.run(
        [*COMMAND, "psql", "--", "-Atc", ask], env=local_environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "spacex_simulated|0\n"), done.stderr


def test_psql_gets_the_password_beside_its_arguments(server: Server, database_url: str) -> None:
    call = psql_on_warehouse(Settings(database_url=SecretStr(f"{database_url}?sslmode=prefer")), ("-c", "SELECT 1"))
    assert call.environment == {"PGPASSWORD": server.password}
    assert not any(server.password in argument for argument in call.arguments)
    assert "sslmode=prefer" in call.arguments[1]
    assert call.arguments[2:] == ["-c", "SELECT 1"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "is no URL of a PostgreSQL"),
        ("mysql://me@127.0.0.1/x", "is no URL of a PostgreSQL"),
        ("postgresql://me:hidden@127.0.0.1:1/x", "cannot be reached"),
    ],
)
def test_an_unusable_database_is_an_error_that_names_the_setting(url: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseNotUsable, match=f"SPACEX_DATABASE_URL.*{reason}") as raised:
        databases(Settings(database_url=SecretStr(url), local=tmp_path))
    assert "hidden" not in str(raised.value)


def test_a_postgresql_that_is_too_old_is_refused(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "OLDEST", 99)
    with pytest.raises(DatabaseNotUsable, match="expected PostgreSQL 99 or newer, found 1"):
        databases(Settings(database_url=SecretStr(database_url), local=tmp_path))
