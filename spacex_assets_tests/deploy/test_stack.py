"""The stack of docker-compose.yml on a real engine, from inside and outside; the tests build on each other's stack."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from spacex_assets_tests.deploy.stack import ROOT, SERVICES, Stack

OUTSIDE = "example.org"
COUNTS = "SELECT sum(rows_inserted), sum(rows_updated) FROM ops.loads WHERE outcome = 'loaded'"


def engine_missing() -> str | None:
    if shutil.which("docker") is None:
        return "there is no docker"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"`{' '.join(command)}` says: {done.stderr.strip().splitlines()[-1:]}"
    return None


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if missing := engine_missing():
        pytest.skip(f"the stack needs a Docker engine with compose, and {missing}")
    secrets = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy" / "secrets.sh", secrets], check=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    stack = Stack(f"spacex-test-{uuid4().hex[:8]}", secrets, port)
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("down", "--volumes", "--timeout", "10", check=False)


@pytest.fixture(scope="module")
def loaded(stack: Stack) -> Stack:
    assert stack.run_everything() == "SUCCESS"
    return stack


def test_a_run_through_graphql_fills_every_table(loaded: Stack) -> None:
    empty = loaded.sql("analyst", "SELECT count(*) FROM ops.loads WHERE outcome <> 'loaded' OR rows_inserted = 0")
    tables = loaded.sql("analyst", "SELECT count(DISTINCT table_name) FROM ops.loads")
    launches = loaded.sql("analyst", "SELECT count(*) FROM spacex.launches")
    assert (empty.stdout.strip(), tables.stdout.strip(), launches.stdout.strip()) == ("0", "23", "205")


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM spacex.launches", "INSERT INTO ops.world VALUES ('real')", "CREATE TEMP TABLE t (i int)"],
)
def test_the_analyst_cannot_write(loaded: Stack, statement: str) -> None:
    refused = loaded.sql("analyst", f"SET TRANSACTION READ WRITE; {statement}")
    assert "permission denied" in refused.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE spacex.launches ADD COLUMN c int",
        "DROP TABLE spacex.launches",
        "TRUNCATE spacex.launch_cores",
        "CREATE TABLE spacex.t (i int)",
        "CREATE TABLE public.t (i int)",
        "DELETE FROM history.launches",
        "INSERT INTO history.launches SELECT * FROM history.launches",
        "ALTER TABLE spacex.launches DISABLE TRIGGER ALL",
    ],
)
def test_the_loader_changes_no_schema_and_writes_no_history(loaded: Stack, statement: str) -> None:
    refused = loaded.sql("loader", statement)
    assert "must be owner" in refused.stderr or "permission denied" in refused.stderr


def test_what_the_loader_changes_is_kept_in_history_and_repaired_by_the_next_run(loaded: Stack) -> None:
    assert loaded.sql("loader", "UPDATE spacex.launches SET name = 'edited'").returncode == 0
    assert loaded.sql("loader", "DELETE FROM spacex.launch_cores").returncode == 0
    assert loaded.run_everything() == "SUCCESS"
    found = loaded.sql(
        "analyst",
        "SELECT (SELECT count(*) FROM spacex.launches WHERE name = 'edited'),"
        " (SELECT count(*) FROM history.launches WHERE ended_user = 'spacex_loader'),"
        " (SELECT count(*) > 0 FROM spacex.launch_cores)",
    )
    assert found.stdout.strip() == "0|410|t"


def test_a_role_without_its_password_is_not_let_in(stack: Stack) -> None:
    refused = stack.inside("postgres", "psql -h 127.0.0.1 -w -U spacex_loader -d spacex_simulated -c 'SELECT 1'")
    assert "no password supplied" in refused.stderr


def test_dagsters_role_does_not_see_the_warehouse_nor_the_loader_dagsters_storage(stack: Stack) -> None:
    assert "permission denied for database" in stack.sql("dagster", "SELECT 1").stderr
    assert "permission denied for database" in stack.sql("loader", "\\connect dagster_simulated").stderr


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_runs_as_root_or_has_a_capability(stack: Stack, service: str) -> None:
    found = stack.inside(service, "cat /proc/[0-9]*/status | grep -E '^(Uid|CapEff|NoNewPrivs):' | sort -u").stdout
    uid = "999" if service == "postgres" else "10001"
    assert {tuple(line.split()) for line in found.splitlines()} == {
        ("Uid:", uid, uid, uid, uid),
        ("CapEff:", "0000000000000000"),
        ("NoNewPrivs:", "1"),
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_root_file_system_refuses_writes(stack: Stack, service: str) -> None:
    for folder in ("/", "/usr/local", "/app" if service != "postgres" else "/etc"):
        assert "Read-only file system" in stack.inside(service, f"echo > {folder}/written").stderr


def test_only_the_ui_is_published_and_only_on_the_loopback(stack: Stack) -> None:
    published = "{{range $port, $hosts := .NetworkSettings.Ports}}{{range $hosts}}{{$port}} {{.HostIp}}{{end}}{{end}}"
    assert {service: stack.inspect(service, published) for service in SERVICES} == {
        "postgres": "",
        "code": "",
        "webserver": "3000/tcp 127.0.0.1",
        "daemon": "",
    }


def test_no_container_has_the_docker_socket(stack: Stack) -> None:
    for service in SERVICES:
        assert "docker.sock" not in stack.inspect(service, "{{json .Mounts}}")


def test_postgresql_cannot_be_reached_from_the_egress_network(stack: Stack) -> None:
    network = f"{stack.name}_backend_network"
    address = stack.inspect("postgres", f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}')
    assert reaches(stack, f"{stack.name}_backend_network", address)
    assert not reaches(stack, f"{stack.name}_egress_network", address)
    assert not reaches(stack, f"{stack.name}_ui_network", address)


def reaches(stack: Stack, network: str, address: str) -> bool:
    call = ["docker", "run", "--rm", "--network", network, "spacex-assets:test"]
    probe = ["timeout", "5", "bash", "-c", f"echo > /dev/tcp/{address}/5432"]
    return subprocess.run([*call, *probe], capture_output=True).returncode == 0


def test_code_alone_has_a_way_out(stack: Stack) -> None:
    try:
        address = socket.gethostbyname(OUTSIDE)
        socket.create_connection((address, 443), timeout=10).close()
    except OSError as error:
        pytest.skip(f"this machine itself does not reach {OUTSIDE}: {error}")
    probe = f"timeout 5 bash -c 'echo > /dev/tcp/{address}/443'"
    assert {service for service in SERVICES if stack.inside(service, probe).returncode == 0} == {"code"}


def test_no_secret_is_in_the_containers_settings_or_the_image(stack: Stack) -> None:
    passwords = [file.read_text() for file in stack.secrets.iterdir()]
    history = ["docker", "history", "--no-trunc", "spacex-assets:test"]
    shown = subprocess.run(history, capture_output=True, text=True, check=True).stdout
    shown += "".join(stack.inspect(service, "{{json .}}") for service in SERVICES)
    shown += stack.compose("logs").stdout
    assert len(passwords) == 5
    assert not [password for password in passwords if password in shown]


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_and_the_next_run_is_clean(loaded: Stack, service: str) -> None:
    before = loaded.sql("analyst", COUNTS).stdout
    restarts = int(loaded.inspect(service, "{{.RestartCount}}"))
    loaded.kill(service)
    loaded.await_return(service, restarts + 1)
    assert loaded.run_everything() == "SUCCESS"
    assert loaded.sql("analyst", COUNTS).stdout == before


def test_down_and_up_keep_the_data(loaded: Stack) -> None:
    before = loaded.sql("analyst", COUNTS).stdout
    loaded.compose("down", "--timeout", "10")
    loaded.up()
    assert loaded.run_everything() == "SUCCESS"
    assert loaded.sql("analyst", COUNTS).stdout == before


def test_a_missing_secret_stops_the_start_with_a_line_that_names_it(stack: Stack, tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy" / "secrets.sh", tmp_path], check=True)
    (tmp_path / "loader_password").unlink()
    other = Stack(f"{stack.name}-bare", tmp_path, stack.port)
    try:
        refused = other.compose("up", "--detach", "postgres", check=False)
        assert refused.returncode != 0
        assert [line for line in refused.stderr.splitlines() if str(tmp_path / "loader_password") in line]
    finally:
        other.compose("down", "--volumes", check=False)
