"""The drill: back up, lose, restore; and everything that must not happen meanwhile."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.embedded.place import Place, installations
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import WorldMismatch
from spacex_assets.load.incidents import Kind, Problem, reconcile, record_check_failures, record_refused, record_seen
from spacex_assets.load.ledger import record_unloaded
from spacex_assets.load.migrate import rebuild, upgrade, write_migration
from spacex_assets.load.schema import SCHEMAS
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.upkeep import restore as restoring
from spacex_assets.upkeep.archive import VERSION_TABLE, Archive
from spacex_assets.upkeep.backup import back_up
from spacex_assets.upkeep.errors import (
    BackupError,
    BackupExists,
    BackupUnreadable,
    ProgramMissing,
    RestoreFailed,
    WarehouseNotEmpty,
)
from spacex_assets.upkeep.programs import Program, Programs
from spacex_assets.upkeep.restore import restore
from spacex_assets_tests.conftest import Platform, as_role
from spacex_assets_tests.load.catalog import catalog
from spacex_assets_tests.test_external import INSTALLATIONS

LAUNCH = "5e9d0d9551a0070000000003"
PROGRAMS = Programs.at_hand(None, [folder / "bin" for folder in installations()], os.environ)


def contents(url: str) -> dict[str, list[str]]:
    """Every row of every table of ours as text, bookkeeping and ledger too, and the positions of sequences."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        tables = connection.execute(
            sa.text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = ANY (:s)"),
            {"s": list(SCHEMAS)},
        )
        found = {
            table: sorted(connection.scalars(sa.text(f"SELECT t::text FROM {table} t")))
            for table in tables.scalars().all()
        }
        sequences = sa.text(
            "SELECT concat_ws(' ', sequencename, last_value) FROM pg_sequences WHERE schemaname = ANY (:s)"
        )
        return {**found, "sequences": sorted(connection.scalars(sequences, {"s": list(SCHEMAS)}))}


def suffer_outage(url: str) -> None:
    """What is left where the source was away: loads without snapshot, an incident, whom to tell of it."""
    engine, now = sa.create_engine(url, poolclass=sa.NullPool), datetime.now(UTC)
    record_unloaded(
        engine,
        ENDPOINTS["rockets"].layouts,
        run_id="away",
        endpoint="rockets",
        source="simulator",
        sha256=None,
        fetched_at=now,
        documents=0,
        started_at=now,
        error="The source is away.",
    )
    with engine.begin() as connection:
        record_seen(connection, {"team": "webhook", "night": "log"}, now)
        reconcile(connection, [Problem(Kind.NOT_LOADED, "rockets", now, "away")], [], ["team", "night"], now)
        record_refused(connection, "team", "away too", now)
        verdict = {"asset": "spacex/rockets", "check_name": "fresh", "endpoint": "rockets", "severity": "WARN"}
        record_check_failures(connection, [{**verdict, "run_id": "away", "evaluated_at": now}])


def pg_dump(server: Server) -> Program:
    connection = psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))
    connection.close()
    return PROGRAMS.pg_dump(connection.server_version // 10_000)


@pytest.fixture(scope="module")
def lived(platform: Platform) -> Platform:
    """A platform with rows in every table of ops and some of the others, an outage and a foreign edit behind it."""
    names = ("launches", "cores", "rockets")
    platform.load(*names)
    suffer_outage(platform.url)
    platform.edit("launches", LAUNCH, {"details": 'tab\t newline\n backslash \\. \\N ünï "quoted"'})
    platform.load(*names)
    platform.edit("launches", "5e9d0d9551a0070000000004", {"flight_number": "four", "new_field": [1]})
    platform.load(*names)
    platform.rows("UPDATE spacex.cores SET serial = serial || '!' WHERE id = (SELECT min(id) FROM spacex.cores)")
    found = contents(platform.url)
    assert all(found[table] for table in found if table.startswith("ops.") or table == "history.launches")
    return platform


@pytest.fixture(scope="module")
def dump(lived: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backups") / "one.dump"
    done = back_up(lived.url, World.SIMULATED, file, PROGRAMS)
    found = {name: len(rows) for name, rows in contents(lived.url).items()}
    assert done.rows == {name: rows for name, rows in found.items() if name not in ("sequences", VERSION_TABLE)}
    return file


@pytest.fixture
def empty(server: Server) -> str:
    """A database without anything."""
    name = f"test_{uuid4().hex[:12]}"
    server.ensure_database(name)
    return server.url(name)


@pytest.fixture
def filled(empty: str) -> str:
    """A migrated warehouse of the same world with a row and an outage behind it."""
    warehouse = Warehouse(sa.create_engine(empty, poolclass=sa.NullPool))
    upgrade(warehouse.engine)
    warehouse.claim(World.SIMULATED)
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO spacex.cores (id, serial, status) VALUES (repeat('f', 24), 'B', '')")
    suffer_outage(empty)
    return empty


def test_a_restored_warehouse_equals_the_original_row_by_row(lived: Platform, dump: Path, empty: str) -> None:
    rows = restore(empty, World.SIMULATED, dump, PROGRAMS, replace=False)
    assert contents(empty) == contents(lived.url)
    assert rows == {name: len(those) for name, those in contents(lived.url).items() if name in rows}
    assert len(rows) == len(contents(lived.url)) - 2, "all but the migration and the sequences"
    engines = [sa.create_engine(url, poolclass=sa.NullPool) for url in (empty, lived.url)]
    assert catalog(engines[0]) == catalog(engines[1])
    assert write_migration(engines[0], "nothing") is None


def test_the_next_run_after_a_restore_writes_no_row(lived: Platform, dump: Path, filled: str) -> None:
    """Apart from the row edited by hand before the backup, which it repairs, as it would have."""
    restore(filled, World.SIMULATED, dump, PROGRAMS, replace=True)
    here = Platform(filled, lived.local)
    os.environ["SPACEX_DATABASE_URL"] = filled
    try:
        for repaired in (1, 0):
            here.load("launches", "cores", "rockets")
            last = "id > (SELECT max(id) FROM ops.loads) - (SELECT count(DISTINCT table_name) FROM ops.loads)"
            sums = (
                "sum(rows_inserted)::int, sum(rows_updated)::int, sum(rows_deleted)::int, bool_and(outcome = 'loaded')"
            )
            assert here.rows(f"SELECT {sums} FROM ops.loads WHERE {last}") == [(0, repaired, 0, True)]
    finally:
        os.environ["SPACEX_DATABASE_URL"] = lived.url


def test_triggers_work_after_a_restore(lived: Platform, dump: Path, empty: str) -> None:
    restore(empty, World.SIMULATED, dump, PROGRAMS, replace=False)
    here = Platform(empty, lived.local)
    versions = len(here.rows("SELECT FROM history.rockets"))
    here.rows("UPDATE spacex.rockets SET name = name || '!'")
    assert len(here.rows("SELECT FROM history.rockets")) == versions + len(here.rows("SELECT FROM spacex.rockets"))
    assert here.rows("SELECT count(*) FROM spacex.rockets WHERE _row_hash IS NOT NULL OR _run_id IS NOT NULL") == [(0,)]


def test_a_backup_of_an_earlier_schema_is_brought_to_the_present_one(
    lived: Platform, server: Server, empty: str, tmp_path: Path
) -> None:
    name = f"test_{uuid4().hex[:12]}"
    server.ensure_database(name)
    early = sa.create_engine(server.url(name), poolclass=sa.NullPool)
    with early.begin() as connection:
        rebuild(connection, "0005")
        connection.exec_driver_sql("INSERT INTO ops.world VALUES ('simulated')")
        connection.exec_driver_sql("INSERT INTO spacex.cores (id, serial, status) VALUES (repeat('f', 24), 'B', '')")
    back_up(server.url(name), World.SIMULATED, tmp_path / "early.dump", PROGRAMS)
    restore(empty, World.SIMULATED, tmp_path / "early.dump", PROGRAMS, replace=False)
    found, present = contents(empty), contents(lived.url)
    assert found["ops.alembic_version"] == present["ops.alembic_version"]
    assert len(found["spacex.cores"]) == 1
    assert found.keys() == present.keys()


def test_a_warehouse_with_rows_is_replaced_only_when_told_so(lived: Platform, dump: Path, filled: str) -> None:
    before = contents(filled)
    with pytest.raises(WarehouseNotEmpty, match=r"rows in ops\.check_failures.*--replace"):
        restore(filled, World.SIMULATED, dump, PROGRAMS, replace=False)
    assert contents(filled) == before
    restore(filled, World.SIMULATED, dump, PROGRAMS, replace=True)
    assert contents(filled) == contents(lived.url)


def test_a_migrated_warehouse_without_rows_needs_no_telling(lived: Platform, dump: Path, empty: str) -> None:
    upgrade(sa.create_engine(empty, poolclass=sa.NullPool))
    restore(empty, World.SIMULATED, dump, PROGRAMS, replace=False)
    assert contents(empty) == contents(lived.url)


def test_the_other_worlds_backup_is_refused(dump: Path, empty: str) -> None:
    with pytest.raises(WorldMismatch, match="backup of the simulated world, but the source is in the real world"):
        restore(empty, World.REAL, dump, PROGRAMS, replace=True)
    assert contents(empty) == {"sequences": []}


def test_the_other_worlds_warehouse_is_neither_replaced_nor_backed_up(dump: Path, empty: str) -> None:
    real = sa.create_engine(empty, poolclass=sa.NullPool)
    upgrade(real)
    Warehouse(real).claim(World.REAL)
    with pytest.raises(WorldMismatch, match="The warehouse holds real data"):
        restore(empty, World.SIMULATED, dump, PROGRAMS, replace=True)
    with pytest.raises(WorldMismatch, match="this warehouse holds real data"):
        back_up(empty, World.SIMULATED, dump.with_name("other.dump"), PROGRAMS)
    assert not dump.with_name("other.dump").exists()
    assert contents(empty)["ops.world"] == ["(real)"]


RIGHTS = """\
SELECT role, c.oid::regclass::text, array_agg(right_ ORDER BY right_) FROM pg_class c
CROSS JOIN unnest(ARRAY['spacex_loader', 'spacex_analyst']) role
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) right_
WHERE relnamespace IN ('spacex'::regnamespace, 'history'::regnamespace, 'ops'::regnamespace) AND relkind IN ('r', 'v')
AND has_table_privilege(role, c.oid, right_) GROUP BY 1, 2
UNION ALL SELECT role, p.oid::regprocedure::text, '{EXECUTE}' FROM pg_proc p
CROSS JOIN unnest(ARRAY['spacex_loader', 'spacex_analyst', 'public']) role
WHERE pronamespace IN ('history'::regnamespace, 'ops'::regnamespace) AND has_function_privilege(role, p.oid, 'EXECUTE')
ORDER BY 1, 2"""


def test_the_owner_of_the_deployed_stack_restores_and_every_role_may_what_it_might(
    deployed: Server, lived: Platform, tmp_path: Path
) -> None:
    owner = as_role(deployed, "owner")
    url = owner.url.render_as_string(hide_password=False)
    with owner.connect() as connection:
        before = connection.exec_driver_sql(RIGHTS).all()
    assert ("spacex_loader", "spacex.cores", ["DELETE", "INSERT", "SELECT", "UPDATE"]) in [tuple(row) for row in before]
    with owner.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ops.world")
        connection.exec_driver_sql("INSERT INTO ops.world VALUES ('simulated')")
    back_up(url, World.SIMULATED, tmp_path / "deployed.dump", PROGRAMS)
    restore(url, World.SIMULATED, tmp_path / "deployed.dump", PROGRAMS, replace=True)
    with owner.connect() as connection:
        assert connection.exec_driver_sql(RIGHTS).all() == before
    loader = as_role(deployed, "loader").url.render_as_string(hide_password=False)
    with pytest.raises(RestoreFailed, match="Restore as the owner"):
        restore(loader, World.SIMULATED, tmp_path / "deployed.dump", PROGRAMS, replace=True)


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_a_backup_goes_to_a_server_of_another_version_and_back(
    installation: Path,
    lived: Platform,
    dump: Path,
    empty: str,
    open_folder: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Place, "packaged", installation)
    postgres = EmbeddedPostgres(open_folder("other") / "home")
    other = postgres.start()
    try:
        other.ensure_database("there")
        restore(other.url("there"), World.SIMULATED, dump, PROGRAMS, replace=False)
        assert contents(other.url("there")) == contents(lived.url)
        back_up(other.url("there"), World.SIMULATED, tmp_path / "back.dump", PROGRAMS)
    finally:
        postgres.stop()
    restore(empty, World.SIMULATED, tmp_path / "back.dump", PROGRAMS, replace=False)
    assert contents(empty) == contents(lived.url)


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_half_a_backup_changes_nothing(dump: Path, filled: str, tmp_path: Path, kept: float) -> None:
    before = contents(filled)
    data = dump.read_bytes()
    broken = tmp_path / "broken.dump"
    broken.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(BackupUnreadable, match="expected a backup"):
        restore(filled, World.SIMULATED, broken, PROGRAMS, replace=True)
    assert contents(filled) == before


@pytest.fixture(scope="module")
def plain(lived: Platform, server: Server, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup that is not compressed, so that nothing but PostgreSQL notices damage to its rows."""
    file = tmp_path_factory.mktemp("plain") / "plain.dump"
    options = ["--format=custom", "--compress=0", *(f"--schema={schema}" for schema in SCHEMAS), f"--file={file}"]
    subprocess.run([pg_dump(server).path, *options, lived.url.replace("+psycopg2", "")], check=True)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("whole", "damaged", "said"),
    [
        (b"\tt\t", b"\tx\t", r"invalid input syntax for type boolean: \"x\""),
        (b"night\t\\N\t\\N", b"night\t\\N\t\t\t", "extra data after last expected column"),
        (b"\tfailed\t", b"\tfa1led\t", "violates check constraint"),
        (b"1\tnight\t", b"7\tnight\t", "violates foreign key constraint"),
        (b"finished_at, outcome", b"finished_at, outcomf", "column .outcomf. of relation .loads. does not exist"),
        (b"finished_at, outcome", b"finished_at; outcome", r"missing: ops\.loads"),
        (b"COPY ops.deliveries", b"COPY opt.deliveries", r"missing: ops\.deliveries"),
        (b"COPY ops.deliveries", b"COPY ops.\xe9eliveries", r"missing: ops\.deliveries"),
    ],
)
def test_a_damaged_backup_is_told_and_changes_nothing(
    plain: bytes, filled: str, tmp_path: Path, whole: bytes, damaged: bytes, said: str
) -> None:
    before = contents(filled)
    assert whole in plain
    (tmp_path / "damaged.dump").write_bytes(plain.replace(whole, damaged, 1))
    with pytest.raises(BackupUnreadable, match=rf"(?s)damaged\.dump: expected.*{said}.*take another.*Nothing was"):
        restore(filled, World.SIMULATED, tmp_path / "damaged.dump", PROGRAMS, replace=True)
    assert contents(filled) == before


def test_a_files_name_is_no_option(
    lived: Platform, dump: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("--list").hardlink_to(dump)
    restore(empty, World.SIMULATED, Path("--list"), PROGRAMS, replace=False)
    assert contents(empty) == contents(lived.url)


def test_other_files_are_no_backups(tmp_path: Path, empty: str, server: Server) -> None:
    with pytest.raises(BackupUnreadable, match="no such file"):
        restore(empty, World.SIMULATED, tmp_path / "none", PROGRAMS, replace=False)
    (tmp_path / "text").write_text("SELECT 1")
    with pytest.raises(BackupUnreadable, match="expected a backup"):
        restore(empty, World.SIMULATED, tmp_path / "text", PROGRAMS, replace=False)
    program, url = pg_dump(server), server.url("postgres").replace("+psycopg2", "")
    subprocess.run([program.path, "-Fc", f"--file={tmp_path / 'other'}", f"--dbname={url}"], check=True)
    with pytest.raises(BackupUnreadable, match=r"one row in ops\.world, found 0"):
        restore(empty, World.SIMULATED, tmp_path / "other", PROGRAMS, replace=False)


def test_a_backup_of_a_newer_schema_is_refused(lived: Platform, empty: str, tmp_path: Path) -> None:
    lived.rows("UPDATE ops.alembic_version SET version_num = 'later' || version_num")
    try:
        back_up(lived.url, World.SIMULATED, tmp_path / "newer.dump", PROGRAMS)
    finally:
        lived.rows("UPDATE ops.alembic_version SET version_num = substr(version_num, 6)")
    with pytest.raises(BackupUnreadable, match="at migration later0"):
        restore(empty, World.SIMULATED, tmp_path / "newer.dump", PROGRAMS, replace=False)


def test_a_restore_waits_for_nobody_for_ever(dump: Path, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "LOCK_SECONDS", 1)
    before = contents(filled)
    reader = psycopg2.connect(filled.replace("+psycopg2", ""))
    reader.cursor().execute("SELECT * FROM spacex.cores")
    with pytest.raises(RestoreFailed, match="pg_stat_activity"):
        restore(filled, World.SIMULATED, dump, PROGRAMS, replace=True)
    reader.close()
    assert contents(filled) == before


def test_no_trigger_runs_over_the_rows_that_a_restore_replaces(lived: Platform, dump: Path, filled: str) -> None:
    with sa.create_engine(filled, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''ran''; END';"
            "CREATE TRIGGER fail BEFORE TRUNCATE ON spacex.cores EXECUTE FUNCTION public.fail()"
        )
    restore(filled, World.SIMULATED, dump, PROGRAMS, replace=True)
    assert contents(filled) == contents(lived.url)


@pytest.mark.parametrize(
    "made",
    [
        "CREATE VIEW public.mine AS SELECT * FROM spacex.cores",
        "CREATE TABLE public.mine (id text REFERENCES spacex.cores); INSERT INTO public.mine VALUES (repeat('f', 24))",
    ],
)
def test_what_others_made_of_the_tables_is_not_dropped(dump: Path, filled: str, made: str) -> None:
    engine = sa.create_engine(filled, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(made)
    with pytest.raises(RestoreFailed, match="Something of yours"):
        restore(filled, World.SIMULATED, dump, PROGRAMS, replace=True)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM public.mine")) == 1


def test_a_backup_is_its_owners_alone_and_replaces_no_file(lived: Platform, dump: Path) -> None:
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    before = dump.read_bytes()
    with pytest.raises(BackupExists, match="is there already"):
        back_up(lived.url, World.SIMULATED, dump, PROGRAMS)
    assert dump.read_bytes() == before
    assert [path.name for path in dump.parent.iterdir()] == [dump.name]


def test_a_backup_that_fails_leaves_no_file(lived: Platform, tmp_path: Path) -> None:
    failing = tmp_path / "bin" / "pg_dump"
    failing.parent.mkdir()
    failing.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 99.1" && exit\necho half > '
        f"{tmp_path}/seen; echo no room >&2; exit 1\n"
    )
    failing.chmod(0o755)
    with pytest.raises(BackupError, match="no room"):
        back_up(lived.url, World.SIMULATED, tmp_path / "to" / "x.dump", Programs([failing.parent], os.environ))
    assert (tmp_path / "seen").exists() and list((tmp_path / "to").iterdir()) == []


def test_a_load_during_a_backup_is_in_it_wholly_or_not_at_all(lived: Platform, empty: str, tmp_path: Path) -> None:
    """The launches' writer is in mid-transaction while pg_dump reads."""
    writer = psycopg2.connect(lived.url.replace("+psycopg2", ""))
    writer.cursor().execute("LOCK TABLE spacex.launches IN SHARE ROW EXCLUSIVE MODE")
    writer.cursor().execute("UPDATE spacex.launches SET details = 'half'")
    before = contents(lived.url)
    back_up(lived.url, World.SIMULATED, tmp_path / "during.dump", PROGRAMS)
    writer.rollback()
    writer.close()
    restore(empty, World.SIMULATED, tmp_path / "during.dump", PROGRAMS, replace=False)
    assert contents(empty) == before


def test_no_password_is_on_a_command_line(lived: Platform, server: Server, tmp_path: Path) -> None:
    """A program in pg_dump's place says how it was called."""
    spy = tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    real, password = pg_dump(server).path, sa.make_url(lived.url).password
    spy.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nenv > {tmp_path}/environment\nexec {real} "$@"\n')
    spy.chmod(0o755)
    (spy.parent / "pg_restore").symlink_to(PROGRAMS.pg_restore().path)
    back_up(lived.url, World.SIMULATED, tmp_path / "x.dump", Programs([spy.parent], os.environ))
    calls = (tmp_path / "calls").read_text()
    assert "--format=custom" in calls and password and password not in calls
    assert f"PGPASSWORD={password}" in (tmp_path / "environment").read_text()


def test_a_pg_dump_older_than_the_server_is_refused(lived: Platform, tmp_path: Path) -> None:
    (tmp_path / "pg_dump").write_text('#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.1"\n')
    (tmp_path / "pg_dump").chmod(0o755)
    with pytest.raises(
        ProgramMissing, match=r"expected a pg_dump of version 1\d or newer.*pg_dump \(9\).*SPACEX_PG_BIN"
    ):
        back_up(lived.url, World.SIMULATED, tmp_path / "x.dump", Programs.at_hand(tmp_path, [], {}))
    with pytest.raises(ProgramMissing, match="expected a pg_restore; found none in no folder"):
        Programs.at_hand(None, [], {}).pg_restore()


def test_the_oldest_sufficient_pg_dump_writes_and_the_newest_pg_restore_reads(tmp_path: Path) -> None:
    for version in (15, 16, 18):
        (tmp_path / str(version)).mkdir()
        for name in ("pg_dump", "pg_restore"):
            program = tmp_path / str(version) / name
            program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {version}.2 (Debian)"\n')
            program.chmod(0o755)
    programs = Programs.at_hand(None, [tmp_path / "18", tmp_path / "15"], {"PATH": f"{tmp_path}/16::/nowhere"})
    assert (programs.pg_dump(14).version, programs.pg_dump(16).version) == (15, 16)
    assert programs.pg_restore().version == 18


def test_a_restored_archive_gives_nothing_but_rows(lived: Platform, server: Server, empty: str, tmp_path: Path) -> None:
    """A file from anywhere may hold any statement: none of them runs."""
    with sa.create_engine(lived.url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ops.evil AS SELECT 1 AS x")
        connection.exec_driver_sql("CREATE FUNCTION ops.evil() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    try:
        back_up(lived.url, World.SIMULATED, tmp_path / "evil.dump", PROGRAMS)
    finally:
        lived.rows("DROP TABLE ops.evil")
        lived.rows("DROP FUNCTION ops.evil")
    assert Archive(tmp_path / "evil.dump", PROGRAMS.pg_restore()).counts()["ops.evil"] == 1
    with pytest.raises(RestoreFailed, match=r"ops\.evil"):
        restore(empty, World.SIMULATED, tmp_path / "evil.dump", PROGRAMS, replace=False)
    assert contents(empty) == {"sequences": []}


def test_the_commands_do_it_and_say_what_they_did(lived: Platform, server: Server) -> None:
    before = contents(lived.url)
    said = lived.call("backup").stdout
    (file,) = (lived.local / "backups").glob("spacex-simulated-*Z.dump")
    ours = {name: rows for name, rows in before.items() if name not in ("sequences", VERSION_TABLE)}
    told = f"{sum(map(len, ours.values())):,} rows of {len(ours)} tables"
    assert said == f"Wrote {file}: {told}.\n"
    assert "--replace" in lived.call("restore", str(file), status=1).stderr
    lived.rows("TRUNCATE spacex.launches CASCADE")
    assert f"Restored {file}: {told}, of the" in lived.call("restore", str(file), "--replace").stdout
    assert contents(lived.url) == before
    assert "real world" in lived.call("--source", str(lived.local), "restore", str(file), status=1).stderr


def test_a_folder_takes_the_backup_under_its_own_name(lived: Platform, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spacex_assets", "backup", str(tmp_path)]
    subprocess.run(command, env=os.environ, check=True, capture_output=True)
    assert [path.name[:17] for path in tmp_path.iterdir()] == ["spacex-simulated-"]
