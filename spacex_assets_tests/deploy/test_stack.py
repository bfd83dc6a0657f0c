"""The stack of docker-compose.yml on a real engine, from inside and outside; the tests build on each other's stack."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import randrange
from uuid import uuid4

import pytest

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.simulator.fleet import Fleet
from spacex_assets_tests.deploy.engine import engine_missing
from spacex_assets_tests.deploy.outside import Outside, outside, unavailable
from spacex_assets_tests.deploy.stack import ROOT, SERVICES, Stack

COUNTS = "SELECT sum(rows_inserted), sum(rows_updated) FROM ops.loads WHERE outcome = 'loaded'"
LARGE_OBJECTS = ["SELECT lo_from_bytea(0, 'kept')", "SELECT lo_create(0)", "SELECT lo_creat(0)"]
LOAD = "hashtext('spacex_assets.load'), hashtext('ships')"
LOCKS = [
    f"SELECT pg_{attempt}advisory_{kind}lock{shared}({LOAD})"
    for attempt in ("", "try_")
    for kind in ("", "xact_")
    for shared in ("", "_shared")
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if missing := engine_missing():
        pytest.skip(f"the stack needs a Docker engine with compose, and {missing}")
    secrets = tmp_path_factory.mktemp("secrets")
    subprocess.run([ROOT / "deploy" / "secrets.sh", secrets], check=True)
    stack = Stack(f"spacex-test-{uuid4().hex[:8]}", secrets)
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("--profile", "*", "down", "--volumes", "--timeout", "10", check=False)


@pytest.fixture(scope="module")
def loaded(stack: Stack) -> Stack:
    assert stack.run_everything() == "SUCCESS"
    return stack


def test_a_run_through_graphql_fills_every_table(loaded: Stack) -> None:
    empty = loaded.sql("analyst", "SELECT count(*) FROM ops.loads WHERE outcome <> 'loaded' OR rows_inserted = 0")
    tables = loaded.sql("analyst", "SELECT count(DISTINCT table_name) FROM ops.loads")
    launches = loaded.sql("analyst", "SELECT count(*) FROM spacex.launches")
    assert (empty.stdout.strip(), tables.stdout.strip(), launches.stdout.strip()) == ("0", "23", "205")


@pytest.mark.parametrize("command", ["run", "status", "quarantine", "quarantine retry"])
def test_the_runbooks_commands_work_inside(loaded: Stack, command: str) -> None:
    done = loaded.inside("code", f"SPACEX_SHRINK_LIMIT=1 python -m spacex_assets {command}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM spacex.launches",
        "INSERT INTO ops.world VALUES ('real')",
        "CREATE TEMP TABLE t (i int)",
        *LARGE_OBJECTS,
    ],
)
def test_the_analyst_cannot_write(loaded: Stack, statement: str) -> None:
    refused = loaded.sql("analyst", f"SET TRANSACTION READ WRITE; {statement}")
    assert "permission denied" in refused.stderr


@pytest.mark.parametrize("statement", LOCKS)
def test_the_analyst_cannot_take_the_locks_of_loads_and_alerts(stack: Stack, statement: str) -> None:
    assert "permission denied for function" in stack.sql("analyst", statement).stderr
    assert stack.sql("loader", statement).returncode == 0


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
        "UPDATE ops.world SET name = 'real'",
        "DELETE FROM ops.alembic_version",
    ],
)
def test_the_loader_changes_neither_schema_nor_history_nor_whose_data_it_is(loaded: Stack, statement: str) -> None:
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
    assert rights(stack, service) == confined("999" if service == "postgres" else "10001")


def confined(uid: str) -> set[str]:
    return {"\t".join(["Uid:", *[uid] * 4]), "CapEff:\t0000000000000000", "NoNewPrivs:\t1"}


def rights(stack: Stack, service: str) -> set[str]:
    """What the processes of a service may do. The engine's own, with which each health check begins in the container,
    are root until they become the check."""
    look = "grep -HE '^(Name|Uid|CapEff|NoNewPrivs):' /proc/[0-9]*/status"
    processes: dict[str, list[str]] = {}
    for line in stack.inside(service, look).stdout.splitlines():
        process, _, fact = line.partition(":")
        processes.setdefault(process, []).append(fact)
    return {fact for name, *facts in processes.values() if not name.startswith("Name:\trunc:[") for fact in facts}


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
    address = stack.address("postgres", "backend_network")
    networks = ("backend_network", "egress_network", "ui_network", "proxy_network", "simulator_network")
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda network: reaches(stack, f"{stack.name}_{network}", address), networks)
    assert list(found) == [True, False, False, False, False]


def reaches(stack: Stack, network: str, address: str) -> bool:
    call = ["docker", "run", "--rm", "--network", network, "spacex-assets:test"]
    probe = ["timeout", "5", "bash", "-c", f"echo > /dev/tcp/{address}/5432"]
    return subprocess.run([*call, *probe], capture_output=True).returncode == 0


def test_code_alone_has_a_way_out(stack: Stack, tmp_path: Path) -> None:
    if missing := unavailable():
        pytest.skip(missing)
    with outside(tmp_path) as world:
        assert getting_out(stack, SERVICES, world) == {"code"}
        assert world.heard() == {"code"}


def getting_out(stack: Stack, services: Sequence[str], world: Outside) -> set[str]:
    """The services that get an answer from outside; each also says its name there, without waiting for one."""

    def tries(service: str) -> bool:
        stack.inside(service, f"echo {service} > /dev/udp/{world.address}/{world.port}")
        call = f"timeout 5 bash -c 'echo > /dev/tcp/{world.address}/{world.port}'"
        return stack.inside(service, call).returncode == 0

    with ThreadPoolExecutor() as pool:
        return {service for service, out in zip(services, pool.map(tries, services), strict=True) if out}


def test_no_secret_is_in_the_containers_settings_or_the_image(stack: Stack) -> None:
    passwords = [file.read_text() for file in stack.secrets.iterdir()]
    history = ["docker", "history", "--no-trunc", "spacex-assets:test"]
    shown = subprocess.run(history, capture_output=True, text=True, check=True).stdout
    shown += "".join(stack.inspect(service, "{{json .}}") for service in SERVICES)
    shown += stack.compose("logs").stdout
    assert not [password for password in passwords if password in shown]


@pytest.mark.parametrize("service", SERVICES)
def test_no_secret_is_in_a_process_list_or_environment(stack: Stack, service: str) -> None:
    assert shown_secrets(stack, service) == []


def shown_secrets(stack: Stack, service: str) -> list[str]:
    """The secrets that the processes of a service show to each other."""
    everything = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'"
    shown = stack.inside(service, everything).stdout
    assert "PATH=" in shown
    return [file.name for file in stack.secrets.iterdir() if file.read_text() in shown]


@pytest.mark.parametrize("database", ["spacex_simulated", "dagster_simulated"])
def test_no_secret_is_in_a_table(loaded: Stack, database: str) -> None:
    dump = loaded.inside("postgres", f"pg_dump -U postgres --data-only --inserts {database}").stdout
    assert "INSERT INTO" in dump
    assert not [file.name for file in loaded.secrets.iterdir() if file.read_text() in dump]


def test_every_line_of_every_log_is_json(loaded: Stack) -> None:
    for service in (*SERVICES, "migrate"):
        for line in loaded.log(service):
            assert isinstance(json.loads(line), dict), line


def test_everything_has_a_limit(stack: Stack) -> None:
    template = (
        '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{index .HostConfig.LogConfig.Config "max-size"}} '
        "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}"
    )
    for service in SERVICES:
        memory, pids, log, *others = stack.inspect(service, template).split()
        assert int(memory) > 0 and int(pids) > 0 and log == "10m"
        assert others == ["unless-stopped", "[ALL]", "false"]


def test_pages_have_checksums_and_passwords_are_scram(stack: Stack) -> None:
    query = """SELECT current_setting('data_checksums'), string_agg(rolname, ',' ORDER BY rolname),
        bool_and(rolpassword LIKE 'SCRAM-SHA-256%') FROM pg_authid WHERE rolcanlogin AND rolname <> 'postgres'
        UNION ALL SELECT '', rolname, rolpassword IS NULL FROM pg_authid WHERE rolname = 'postgres'"""
    found = stack.inside("postgres", f'psql -U postgres -qAtc "{query}"')
    roles = "spacex_analyst,spacex_backup,spacex_dagster,spacex_loader,spacex_owner"
    assert found.stdout.split() == [f"on|{roles}|t", "|postgres|t"]


def test_public_has_no_right_on_a_database_or_on_the_schema_public(stack: Stack) -> None:
    query = """SELECT count(*) FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS acl
        WHERE grantee = 0 AND datname <> 'template0'"""
    found = stack.inside("postgres", f'psql -U postgres -qAtc "{query}"')
    assert found.stdout.strip() == "0", found.stderr
    assert (
        "permission denied" in stack.sql("analyst", "SET TRANSACTION READ WRITE; CREATE TABLE public.t (i int)").stderr
    )


def test_the_owners_functions_that_write_history_have_a_fixed_search_path(stack: Stack) -> None:
    query = """SELECT count(*), count(*) FILTER (WHERE NOT 'search_path=pg_catalog, pg_temp' = ANY (proconfig))
        FROM pg_proc WHERE prosecdef AND pronamespace IN ('history'::regnamespace, 'ops'::regnamespace)"""
    functions, loose = stack.sql("analyst", query).stdout.strip().split("|")
    assert int(functions) > 20
    assert loose == "0"


def test_the_loaders_own_types_do_not_run_with_the_owners_rights(loaded: Stack) -> None:
    spy = "BEGIN PERFORM set_config(''spy.ran_as'', current_user, false); RETURN true; END"
    made = "; ".join(
        f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.spy())" for name in ("timestamptz", "text")
    )
    attack = f"""CREATE FUNCTION pg_temp.spy() RETURNS boolean LANGUAGE plpgsql AS '{spy}'; {made};
        DELETE FROM spacex.launch_cores WHERE false; SELECT concat('ran as ', current_setting('spy.ran_as', true))"""
    done = loaded.sql("loader", attack)
    assert done.stdout.splitlines()[-1:] == ["ran as "], done.stdout + done.stderr


@pytest.mark.parametrize("service", ["code", "webserver"])
def test_the_health_check_sees_that_a_service_hangs(stack: Stack, service: str) -> None:
    assert stack.inside(service, f"python deploy/healthy.py {service}").returncode == 0
    signals = """for process in /proc/[0-9]*; do
        tr '\\0' ' ' < $process/cmdline | grep -qE '^[^ ]*python[^ ]* [^ ]*/dagster' && kill -{} ${{process#/proc/}}
    done"""
    stack.inside(service, signals.format("STOP"))
    try:
        assert stack.inside(service, f"SPACEX_HEALTH_SECONDS=2 python deploy/healthy.py {service}").returncode == 1
    finally:
        stack.inside(service, signals.format("CONT"))


def test_the_health_check_sees_that_the_webserver_cannot_reach_its_storage(stack: Stack) -> None:
    stack.compose("pause", "postgres")
    try:
        assert stack.inside("webserver", "SPACEX_HEALTH_SECONDS=2 python deploy/healthy.py webserver").returncode == 1
    finally:
        stack.compose("unpause", "postgres")
    assert stack.inside("webserver", "python deploy/healthy.py webserver").returncode == 0


def test_the_health_check_sees_that_the_daemon_is_late(stack: Stack) -> None:
    late = "UPDATE daemon_heartbeats SET timestamp = timestamp - interval '1 hour'"
    assert stack.sql("dagster", late, "dagster_simulated").returncode == 0
    assert "no heartbeat" in stack.inside("daemon", "python deploy/healthy.py daemon").stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_and_the_next_run_is_clean(loaded: Stack, service: str) -> None:
    before = loaded.sql("analyst", COUNTS).stdout
    restarts = int(loaded.inspect(service, "{{.RestartCount}}"))
    loaded.kill(service)
    loaded.await_return(service, restarts + 1)
    assert loaded.run_everything() == "SUCCESS"
    assert loaded.sql("analyst", COUNTS).stdout == before


def test_every_service_stops_by_itself_before_the_ten_seconds_are_over_after_which_it_is_killed(loaded: Stack) -> None:
    assert {loaded.inspect(service, "{{.Config.StopTimeout}}") for service in SERVICES} == {"10"}
    loaded.compose("stop")
    ended = {service: loaded.inspect(service, "{{.State.ExitCode}}") for service in SERVICES}
    assert set(ended.values()) <= {"0", "143"}, ended


STATE = """SELECT (SELECT count(*) FROM history.launches), (SELECT count(*) FROM spacex.launch_cores),
    (SELECT string_agg(l::text, '' ORDER BY id) FROM spacex.launches l)"""
DOWNGRADE = """
import sqlalchemy as sa
from alembic import command
from spacex_assets.config import Settings
from spacex_assets.load import migrate
with sa.create_engine(Settings().warehouse_url).begin() as connection:
    command.downgrade(migrate._config(connection), "-1")
"""


def test_an_upgrade_from_the_migration_before_keeps_the_data(loaded: Stack) -> None:
    """Also `down` and `up`; from here on the proxy stands before the UI, and the simulator is a service."""
    loaded.compose("up", "--detach", "--wait", "postgres")
    revision = "SELECT version_num FROM ops.alembic_version"
    newest, before = loaded.sql("analyst", revision).stdout, loaded.sql("analyst", STATE).stdout
    loaded.compose("run", "--rm", "--no-deps", "migrate", "python", "-c", DOWNGRADE)
    assert int(loaded.sql("analyst", revision).stdout) == int(newest) - 1
    before_this = """GRANT EXECUTE ON FUNCTION lo_create(oid), pg_advisory_lock(bigint) TO PUBLIC;
        DROP EVENT TRIGGER protect_bookkeeping; GRANT UPDATE ON ops.world TO spacex_loader;
        DROP OWNED BY spacex_backup; ALTER ROLE postgres PASSWORD 'older';
        GRANT CONNECT ON DATABASE postgres TO PUBLIC"""
    older = loaded.inside("postgres", f'psql -U postgres -d spacex_simulated -v ON_ERROR_STOP=1 -c "{before_this}"')
    assert older.returncode == 0, older.stderr
    loaded.compose("down", "--timeout", "10")
    served = loaded.but(COMPOSE_PROFILES="proxy,simulator,backup", SPACEX_SIMULATOR_URL="http://simulator:8080")
    served.up()
    assert served.sql("analyst", revision).stdout == newest
    assert served.sql("analyst", STATE).stdout == before
    for call in ("lo_create(0)", "pg_advisory_lock(1)"):
        assert "permission denied" in served.sql("analyst", f"SET TRANSACTION READ WRITE; SELECT {call}").stderr
    assert "permission denied" in served.sql("loader", "UPDATE ops.world SET name = 'real'").stderr
    assert served.sql("backup", "SELECT count(*) FROM ops.loads").returncode == 0
    found = """SELECT evtname, rolpassword IS NULL, has_database_privilege('public', 'postgres', 'CONNECT')
        FROM pg_event_trigger, pg_authid WHERE rolname = 'postgres'"""
    look = served.inside("postgres", f'psql -U postgres -d spacex_simulated -qAtc "{found}"')
    assert look.stdout.strip() == "protect_bookkeeping|t|f", look.stderr
    counts = served.sql("analyst", COUNTS).stdout
    assert served.run_everything() == "SUCCESS"
    assert served.sql("analyst", COUNTS).stdout == counts
    source = served.sql("analyst", "SELECT source FROM ops.loads ORDER BY id DESC LIMIT 1").stdout
    assert source.strip() == "http://simulator:8080"


def ask(stack: Stack, path: str, *arguments: str, user: str | None = None) -> str:
    """The status with which the proxy answers."""
    password = (stack.secrets / "ui_password").read_text()
    login = ["--user", f"{user}:{password}"] if user else []
    certificate = ["--cacert", str(stack.secrets / "tls_certificate")]
    url = f"https://127.0.0.1:{stack.proxy_port}{path}"
    status = ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", *certificate, *login, *arguments, url]
    return subprocess.run(status, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def proxied(stack: Stack) -> Stack:
    if not stack.compose("ps", "--quiet", "proxy").stdout:
        pytest.skip("the proxy is not up; it comes up with the test of the upgrade")
    return stack


def test_the_proxy_lets_in_who_knows_the_password_over_tls(proxied: Stack) -> None:
    assert ask(proxied, "/server_info") == "401"
    assert ask(proxied, "/server_info", user="somebody") == "401"
    assert ask(proxied, "/server_info", user="spacex") == "200"
    assert ask(proxied, "/server_info", "--tls-max", "1.1", user="spacex") == "000"
    body = ["--json", '{"query": "{ version }"}']
    assert ask(proxied, "/graphql", *body, user="spacex") == "200"


@pytest.mark.parametrize(
    "headers",
    [
        ["Origin: https://elsewhere.invalid"],
        ["Origin: null"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        ["Origin: https://elsewhere.invalid", "Connection: Upgrade", "Upgrade: websocket"],
    ],
)
def test_a_page_elsewhere_cannot_use_the_browsers_login_at_the_proxy(proxied: Stack, headers: list[str]) -> None:
    arguments = [part for header in headers for part in ("-H", header)]
    assert ask(proxied, "/graphql", *arguments, "--json", '{"query": "{ version }"}', user="spacex") == "403"


@pytest.mark.parametrize(
    "link",
    [
        "/graphql?query=%7Bversion%7D",
        "/graphql?%71uery=%7Bversion%7D",
        "/graphql?query=&query=%7Bversion%7D",
        "/graphql?op=x&query=%7Bversion%7D",
        "/graphql?op=x;query=%7Bversion%7D",
        "/%67raphql?query=%7Bversion%7D",
        "/graphql%0A?query=%7Bversion%7D",
        "/graphql/?query=%7Bversion%7D",
        "//graphql?query=%7Bversion%7D",
        "/x/../graphql?query=%7Bversion%7D",
        "/graphql%3F?query=%7Bversion%7D",
    ],
)
def test_a_link_cannot_carry_a_query_through_the_proxy(proxied: Stack, link: str) -> None:
    headers = ["-H", "Sec-Fetch-Site: cross-site", "-H", "Sec-Fetch-Mode: navigate", "--path-as-is"]
    assert ask(proxied, link, *headers, user="spacex") == "403"


def test_the_proxy_lets_the_ui_name_its_operation(proxied: Stack) -> None:
    query = ["--json", '{"query": "query Version { version }"}']
    assert ask(proxied, "/graphql?op=Version", *query, user="spacex") == "200"
    assert ask(proxied, "/runs?q=status%3AFAILURE", user="spacex") == "200"


def test_the_proxy_and_the_simulator_are_as_confined_as_the_others(proxied: Stack, tmp_path: Path) -> None:
    for service, uid in (("proxy", "10002"), ("simulator", "10001")):
        assert rights(proxied, service) == confined(uid)
        assert "Read-only file system" in proxied.inside(service, "echo > /written").stderr
        postgres = proxied.address("postgres", "backend_network")
        assert proxied.inside(service, f"timeout 3 bash -c 'echo > /dev/tcp/{postgres}/5432'").returncode
        for line in proxied.log(service):
            assert isinstance(json.loads(line), dict), line
    if unavailable() is None:
        with outside(tmp_path) as world:
            assert getting_out(proxied, ("proxy", "simulator"), world) == set()
            assert world.heard() == {"proxy"}, "docs/security.md says why; no answer comes back"


@pytest.mark.parametrize("service", ["proxy", "simulator", "backup"])
def test_no_secret_is_in_a_process_list_or_environment_of_a_profile(proxied: Stack, service: str) -> None:
    assert shown_secrets(proxied, service) == []


def test_the_backup_service_writes_a_dump_from_which_everything_comes_back(proxied: Stack) -> None:
    """As docs/upkeep.md says; the dump is older than what is lost."""
    before = proxied.sql("analyst", STATE).stdout
    lost = "DELETE FROM spacex.launch_cores; UPDATE spacex.launches SET name = 'lost'"
    assert proxied.sql("loader", lost).returncode == 0
    assert proxied.sql("analyst", STATE).stdout != before
    restore = """newest=$(ls /var/lib/postgresql/data/spacex-simulated-*.dump | tail -1) && cat $newest"""
    dump = proxied.compose_bytes("exec", "-T", "backup", "bash", "-c", restore)
    call = ["exec", "-T", "postgres", "pg_restore", "-U", "postgres", "-d", "spacex_simulated"]
    proxied.compose_bytes(*call, "--clean", "--if-exists", "--single-transaction", given=dump)
    assert proxied.sql("analyst", STATE).stdout == before
    assert "permission denied" in proxied.sql("loader", "DELETE FROM history.launches").stderr
    assert proxied.run_everything() == "SUCCESS"
    assert proxied.sql("analyst", STATE).stdout == before


def test_the_backups_role_only_reads(proxied: Stack) -> None:
    login = "PGPASSWORD=$(cat /run/secrets/backup_password) psql -h postgres -U spacex_backup -d spacex_simulated"
    tables = ["DELETE FROM ops.world", "CREATE TABLE public.t (i int)", "CREATE TEMP TABLE t (i int)"]
    for statement in (*tables, *LARGE_OBJECTS, *LOCKS):
        assert "permission denied" in proxied.inside("backup", f'{login} -c "{statement}"').stderr


@pytest.fixture
def archive_folder(tmp_path: Path) -> Path:
    """Recorded responses of which nothing says that they are simulated."""
    for name, endpoint in ENDPOINTS.items():
        documents = json.loads(json.dumps(list(Fleet(launches=205).documents(name))).replace(SIMULATED_MARK, ""))
        (tmp_path / f"{name}.json").write_text(json.dumps(documents[0] if endpoint.single else documents))
    tmp_path.chmod(0o755)
    return tmp_path


def test_schedules_fill_the_other_world_from_an_archive_folder(stack: Stack, archive_folder: Path) -> None:
    groups = ("launches", "positions", "fleet", "reference")
    archive = stack.but(
        SPACEX_SOURCE="/archive",
        SPACEX_ARCHIVE=str(archive_folder),
        SPACEX_AUTOMATION="true",
        SPACEX_CRON=json.dumps(dict.fromkeys(groups, "* * * * *")),
    )
    archive.up()
    deadline = time.monotonic() + 240
    while late := {f"refresh_{group}" for group in groups} - archive.scheduled():
        assert time.monotonic() < deadline, f"no run of {late} succeeded"
        time.sleep(2)
    looks = "SELECT count(*) FROM ops.destinations WHERE seen_at > now() - interval '2 minutes'"
    while archive.sql("analyst", looks, "spacex_real").stdout.strip() != "1":
        assert time.monotonic() < deadline, "the sensor incidents has not looked"
        time.sleep(2)
    empty = """SELECT count(*), count(*) FILTER (WHERE loaded = 0), (SELECT name FROM ops.world)
        FROM (SELECT table_name, sum(rows_inserted) AS loaded FROM ops.loads GROUP BY table_name) AS tables"""
    assert archive.sql("analyst", empty, "spacex_real").stdout.strip() == "23|0|real"
    assert archive.sql("analyst", "SELECT count(*) FROM spacex.launches", "spacex_real").stdout.strip() == "205"
    assert "Read-only file system" in archive.inside("code", "echo > /archive/written").stderr


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_make_up_makes_the_secrets_where_compose_looks_for_them(tmp_path: Path, where: str) -> None:
    if missing := engine_missing():
        pytest.skip(f"compose says where the secrets are, and {missing}")
    for name in ("Makefile", "docker-compose.yml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPACEX_", "COMPOSE_"))}
    if where == ".env":
        (tmp_path / ".env").write_text("SPACEX_SECRETS=./else where\n")
    else:
        environment["SPACEX_SECRETS"] = str(tmp_path / "else where")
    # What would start the stack is left out.
    makefile = (tmp_path / "Makefile").read_text()
    (tmp_path / "Makefile").write_text(makefile.replace("\tdocker compose up", "\t@: docker compose up"))
    subprocess.run(["make", "up"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert (tmp_path / "else where" / "owner_password").read_text()
    assert not (tmp_path / "deploy" / "secrets").exists()


@pytest.mark.parametrize("seconds", [0.5, 1.2, 1.8, 2.4, 3.0])
def test_a_first_start_that_was_interrupted_is_completed_by_the_next(stack: Stack, seconds: float) -> None:
    other = replace(stack, name=f"{stack.name}-cut", addresses=f"10.251.{randrange(1, 250)}")
    try:
        other.compose("up", "--detach", "postgres")
        time.sleep(seconds)
        other.compose("kill", "postgres")
        other.compose("up", "--detach", "--wait", "postgres")
        assert other.sql("loader", "SELECT 1", "spacex_real").stdout.strip() == "1"
        assert "permission denied for database" in other.sql("dagster", "SELECT 1").stderr
    finally:
        other.compose("down", "--volumes", "--timeout", "10", check=False)


def test_a_missing_secret_stops_the_start_with_a_line_that_names_it(stack: Stack, tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy" / "secrets.sh", tmp_path], check=True)
    (tmp_path / "loader_password").unlink()
    other = Stack(f"{stack.name}-bare", tmp_path)
    try:
        refused = other.compose("up", "--detach", "postgres", check=False)
        assert refused.returncode != 0
        assert [line for line in refused.stderr.splitlines() if str(tmp_path / "loader_password") in line]
    finally:
        other.compose("down", "--volumes", check=False)


@pytest.mark.parametrize(
    ("service", "secret", "seen_as"),
    [
        ("postgres", "loader_password", "loader_password"),
        ("code", "alerts", "spacex_alerts"),
        ("migrate", "owner_password", "spacex_database_password"),
        ("proxy", "ui_password", "ui_password"),
        ("backup", "backup_password", "backup_password"),
    ],
)
@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_secret_stops_the_start_with_a_line_that_names_it(
    stack: Stack, tmp_path: Path, service: str, secret: str, seen_as: str, content: str
) -> None:
    subprocess.run([ROOT / "deploy" / "secrets.sh", tmp_path], check=True)
    (tmp_path / secret).chmod(0o644)
    (tmp_path / secret).write_text(content)
    other = Stack(f"{stack.name}-empty", tmp_path)
    try:
        refused = other.compose("run", "--rm", "--build", "--no-deps", service, check=False)
        assert refused.returncode == 1
        [said] = [line for line in (refused.stdout + refused.stderr).splitlines() if "/run/secrets/" in line]
        assert said.startswith(f'{{"message":"/run/secrets/{seen_as} is empty')
    finally:
        other.compose("down", "--volumes", check=False)
