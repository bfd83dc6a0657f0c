"""The roles and databases of deploy/postgres on a cluster that is not the stack's own, as docs/scaling.md says."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.load.migrate import upgrade
from spacex_assets_tests.conftest import as_role, set_up

ROLES = "SELECT rolname, rolcanlogin, rolconnlimit, rolpassword FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 1"
DATABASES = "SELECT datname, datdba::regrole::text, datacl::text FROM pg_database ORDER BY 1"
RIGHTS = """
    WITH rights AS (
        SELECT 'schema' AS kind, nspname::text AS name, coalesce(nspacl, acldefault('n', nspowner)) AS acl
        FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
        UNION ALL
        SELECT 'table', oid::regclass::text, coalesce(relacl, acldefault('r', relowner)) FROM pg_class
        WHERE relkind IN ('r', 'v') AND relnamespace::regnamespace::text IN ('spacex', 'history', 'ops')
        UNION ALL
        SELECT 'function', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
        UNION ALL
        SELECT 'database', datname, coalesce(datacl, acldefault('d', datdba)) FROM pg_database
        UNION ALL
        SELECT 'default', concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype), defaclacl
        FROM pg_default_acl
    )
    SELECT kind, name, grantee::regrole::text, privilege_type FROM rights, aclexplode(acl)
    UNION ALL SELECT 'event trigger', evtname, evtfoid::regproc::text, evtenabled::text FROM pg_event_trigger
    UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text, '' FROM pg_auth_members
    UNION ALL SELECT 'role', rolname, rolconnlimit::text, array_to_string(rolconfig, ' ') FROM pg_roles
    ORDER BY 1, 2, 3, 4"""
OLDER = [
    "REVOKE ALL ON DATABASE spacex_real FROM spacex_backup",
    "REVOKE ALL ON DATABASE spacex_simulated FROM spacex_backup",
    "DROP ROLE spacex_backup",
    "ALTER ROLE spacex_analyst RESET ALL",
    "DROP EVENT TRIGGER protect_bookkeeping",
    "DROP FUNCTION public.protect_bookkeeping()",
    "GRANT INSERT, UPDATE, DELETE ON ops.world, ops.alembic_version TO spacex_loader",
    "ALTER DEFAULT PRIVILEGES FOR ROLE spacex_owner IN SCHEMA ops REVOKE EXECUTE ON FUNCTIONS FROM spacex_loader",
    "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ops FROM spacex_loader",
    "REVOKE SELECT ON ALL TABLES IN SCHEMA history FROM spacex_loader, spacex_analyst",
    "GRANT EXECUTE ON FUNCTION lo_create(oid), pg_advisory_lock(bigint) TO PUBLIC",
]
"""What makes of a cluster one that an older version set up."""


@pytest.fixture(scope="module")
def postgres(open_folder: Callable[[str], Path]) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(open_folder("cluster") / "home")
    yield postgres
    postgres.stop()
    shutil.rmtree(postgres.place.outside, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(postgres: EmbeddedPostgres) -> Server:
    """A cluster whose administrator comes in with a password; nothing is set up."""
    return postgres.start()


def query(server: Server, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
    """As the administrator, who comes in over TCP with a password."""
    engine = sa.create_engine(server.url(database), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "owner_password loader_password analyst_password backup_password dagster_password"),
        ("", "loader_password"),
        (" \n", "loader_password"),
    ],
)
def test_without_a_password_nothing_is_changed(cluster: Server, tmp_path: Path, given: str | None, told: str) -> None:
    before = query(cluster, ROLES), query(cluster, DATABASES)
    if given is not None:
        for name in ("owner", "loader", "analyst", "backup", "dagster"):
            (tmp_path / f"{name}_password").write_text(given if name == "loader" else "secret")
    done = set_up(cluster, tmp_path)
    assert done.returncode == 3
    assert f'expected passwords in the folder "{tmp_path}", found none in: {told}; nothing was changed' in done.stderr
    assert "psql -v secrets=FOLDER" in done.stderr
    assert (query(cluster, ROLES), query(cluster, DATABASES)) == before


def test_without_a_superuser_nothing_is_changed(cluster: Server, secrets: Path) -> None:
    query(cluster, "CREATE ROLE administrator LOGIN CREATEROLE CREATEDB PASSWORD 'secret'")
    before = query(cluster, ROLES), query(cluster, DATABASES)
    done = set_up(cluster, secrets, PGUSER="administrator", PGPASSWORD="secret")
    assert done.returncode == 3
    assert "expected a superuser, found administrator; nothing was changed" in done.stderr
    assert (query(cluster, ROLES), query(cluster, DATABASES)) == before
    query(cluster, "DROP ROLE administrator")


@pytest.fixture(scope="module")
def complete(cluster: Server, secrets: Path) -> Server:
    done = set_up(cluster, secrets)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    upgrade(as_role(cluster, "owner"))
    return cluster


def test_the_administrator_and_the_other_databases_stay_as_they_were(complete: Server) -> None:
    assert query(complete, "SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = current_user") == [(True,)]
    assert query(complete, "SELECT has_database_privilege('public', 'postgres', 'CONNECT')") == [(True,)]
    assert query(complete, "SELECT has_database_privilege('public', 'spacex_real', 'CONNECT')") == [(False,)]


def test_a_cluster_of_an_older_version_gets_the_rights_of_a_new_one(complete: Server, secrets: Path) -> None:
    new = query(complete, RIGHTS, "spacex_real")
    for statement in OLDER:
        query(complete, statement, "spacex_real")
    assert query(complete, RIGHTS, "spacex_real") != new
    done = set_up(complete, secrets)
    assert (done.returncode, done.stderr) == (0, "")
    assert query(complete, RIGHTS, "spacex_real") == new


def test_what_was_interrupted_is_completed(complete: Server, secrets: Path) -> None:
    new = query(complete, RIGHTS, "spacex_simulated")
    query(complete, "DROP DATABASE spacex_simulated")
    query(complete, "DROP DATABASE dagster_simulated")
    assert set_up(complete, secrets).returncode == 0
    assert query(complete, RIGHTS, "spacex_simulated") == new


def test_a_changed_password_is_that_of_the_file(complete: Server, secrets: Path, tmp_path: Path) -> None:
    shutil.copytree(secrets, tmp_path / "it's new")
    (tmp_path / "it's new" / "loader_password").write_text("it's \\ changed")
    assert set_up(complete, tmp_path / "it's new").returncode == 0
    with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
        as_role(complete, "loader").connect()
    changed = as_role(complete, "loader").url.set(password="it's \\ changed", drivername="postgresql")
    psycopg2.connect(changed.render_as_string(hide_password=False)).close()
    assert set_up(complete, secrets).returncode == 0
    as_role(complete, "loader").connect().close()


def test_the_analyst_cannot_fill_the_disk(complete: Server) -> None:
    analyst = as_role(complete, "analyst").connect()
    for attempt in (
        "SET temp_file_limit = -1",
        "ALTER ROLE spacex_analyst SET temp_file_limit = -1",
        "ALTER ROLE spacex_analyst RESET temp_file_limit",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            analyst.exec_driver_sql(f"SET TRANSACTION READ WRITE; {attempt}")
        analyst.rollback()
    analyst.exec_driver_sql("SET TRANSACTION READ WRITE; ALTER ROLE spacex_analyst RESET ALL; COMMIT")
    analyst.close()
    analyst = as_role(complete, "analyst").connect()
    with pytest.raises(sa.exc.OperationalError, match="temporary file size exceeds"):
        analyst.exec_driver_sql("SELECT repeat('x', 100000), n FROM generate_series(1, 100000000) AS n ORDER BY n")
    analyst.close()


def test_no_password_is_logged(complete: Server, postgres: EmbeddedPostgres, secrets: Path) -> None:
    everything = "-c log_statement=all -c log_min_duration_statement=0"
    assert set_up(complete, secrets, PGOPTIONS=everything).returncode == 0
    log = postgres.log.read_text()
    assert "spacex.missing" in log, "the log has what was said before there was a password"
    assert "PASSWORD '" not in log
