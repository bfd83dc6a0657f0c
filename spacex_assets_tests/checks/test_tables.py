"""What is asked of the tables after a load: of our work, and of the source's."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from spacex_assets.checks.findings import Findings
from spacex_assets.checks.look import findings, looking
from spacex_assets.checks.tables import severity, table_checks
from spacex_assets.config import ContractMode, Executor, Settings
from spacex_assets.definitions import build_defs, typed_lake
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.run import failures
from spacex_assets.transform import flatten
from spacex_assets_tests.assets.test_graph import edit, materialize, rows
from spacex_assets_tests.checks.conftest import Look

KEEP = "CREATE OR REPLACE FUNCTION history.cores_keep() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
KEPT = "SET search_path = pg_catalog SET enable_nestloop = off AS $$ BEGIN RETURN NULL; END $$"
CORES_ID = "ALTER TABLE spacex.cores DROP CONSTRAINT cores_id_check, ADD CONSTRAINT cores_id_check CHECK "
ENDED_BY = "ALTER TABLE history.cores DROP CONSTRAINT cores_ended_by_check, ADD CONSTRAINT cores_ended_by_check CHECK "
ROCKETS = "DROP INDEX spacex.launches_rocket_id_idx; CREATE INDEX launches_rocket_id_idx ON spacex.launches "
LAUNCHES = (
    "ALTER TABLE spacex.launch_cores DROP CONSTRAINT launch_cores_launch_id_fkey, "
    "ADD CONSTRAINT launch_cores_launch_id_fkey FOREIGN KEY (launch_id) REFERENCES "
)
TWIN = (
    "CREATE TABLE public.launches (id) AS SELECT id FROM spacex.launches; ALTER TABLE public.launches ADD UNIQUE (id); "
)
STAMP = "CREATE OR REPLACE TRIGGER foreign_edit BEFORE UPDATE ON spacex.cores FOR EACH ROW "
NOBODY = "f" * 24
ONE = "id = (SELECT min(id) FROM spacex"


def change(warehouse: Warehouse, statement: str) -> None:
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql(statement.replace("%", "%%"))


def failed(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckSeverity]:
    return {
        (one.asset_key.to_user_string(), one.check_name): one.severity
        for one in result.get_asset_check_evaluations()
        if not one.passed
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_after_a_load_every_endpoint_is_whole_and_says_so_in_figures(look: Look, endpoint: str) -> None:
    integrity, _ = look(endpoint)
    assert integrity.findings == ()
    assert integrity.figures["digest"] == integrity.figures["digest_of_raw"]


@pytest.mark.parametrize(
    ("endpoint", "damage", "key", "found"),
    [
        ("cores", "ALTER TABLE spacex.cores ADD COLUMN more text", "column more", "no record declares it"),
        ("cores", "ALTER TABLE spacex.cores DROP COLUMN block CASCADE", "column block", "has none"),
        ("cores", "ALTER TABLE spacex.cores ALTER COLUMN block TYPE bigint", "column block", "expected 'integer"),
        ("cores", "ALTER TABLE spacex.cores ALTER COLUMN serial DROP NOT NULL", "column serial", "'text, not null"),
        ("cores", "COMMENT ON COLUMN spacex.cores.serial IS 'something'", "column serial", "something"),
        ("cores", "COMMENT ON TABLE spacex.cores IS 'something'", "spacex.cores: table", "something"),
        ("cores", "COMMENT ON TABLE history.cores IS 'something'", "history.cores: table", "something"),
        ("cores", "ALTER TABLE spacex.cores DROP CONSTRAINT cores_pkey", "primary key cores_pkey", "has none"),
        ("launches", "DROP INDEX spacex.launches_rocket_id_idx", "index launches_rocket_id_idx", "has none"),
        ("launches", "ALTER TABLE spacex.launch_cores DROP CONSTRAINT launch_cores_launch_id_fkey", "foreign", "none"),
        ("cores", "ALTER TABLE spacex.cores DROP CONSTRAINT cores_id_check", "check cores_id_check", "has none"),
        ("cores", "ALTER TABLE spacex.cores ADD UNIQUE (serial)", "unique cores_serial_key", "no record"),
        ("cores", "DROP TRIGGER foreign_edit ON spacex.cores", "trigger foreign_edit", "has none"),
        ("cores", "ALTER TABLE spacex.cores DISABLE TRIGGER foreign_edit", "trigger foreign_edit", "not enabled"),
        ("cores", KEEP + KEPT, "history.cores_keep(): function", "body "),
        ("cores", "ALTER FUNCTION history.cores_keep() SECURITY INVOKER", "cores_keep()", "'plpgsql, search_path="),
        ("cores", "ALTER FUNCTION history.cores_keep() RESET search_path", "cores_keep()", "definer, enable_nestloop"),
        ("cores", "ALTER FUNCTION history.cores_stamp() SET search_path = spacex", "cores_stamp()", "path=spacex"),
        ("cores", "ALTER FUNCTION history.cores_at(timestamptz) VOLATILE", "cores_at(timestamp with", "'sql, body"),
        ("cores", "DROP FUNCTION history.cores_at(timestamptz)", "history.cores_at(timestamp with time", "has none"),
        ("cores", CORES_ID + "(true)", "check cores_id_check", "found 'check true'"),
        ("cores", CORES_ID + "(id ~ '^[0-9a-f]{23,24}$')", "check cores_id_check", "{23,24}$'"),
        ("cores", CORES_ID + "(id ~ '^[0-9A-F]{24}$') NOT VALID", "check cores_id_check", "A-F"),
        ("cores", CORES_ID + "(id ~ '^[0-9a-f]{24}$') NOT VALID", "check cores_id_check", "not valid"),
        ("cores", ENDED_BY + "(ended_by IN ('update', 'delete'))", "check cores_ended_by_check", "'delete'\""),
        ("launches", ROCKETS + "(launchpad_id)", "index launches_rocket_id_idx", "launchpad_id'"),
        ("launches", ROCKETS + "(rocket_id) WHERE upcoming", "index launches_rocket_id_idx", "where upcoming"),
        ("launches", ROCKETS + "(lower(rocket_id))", "index launches_rocket_id_idx", "lower rocket_id"),
        ("launches", LAUNCHES + "spacex.launches", "launch_cores_launch_id_fkey", "found 'foreign key"),
        ("launches", LAUNCHES + "spacex.launches ON DELETE CASCADE INITIALLY DEFERRED", "launch_id_fkey", "cascade"),
        (
            "launches",
            TWIN + LAUNCHES + "public.launches (id) INITIALLY DEFERRED",
            "launch_id_fkey",
            "public . launches",
        ),
        (
            "cores",
            "ALTER TABLE spacex.cores ALTER _changed_at SET DEFAULT now()",
            "column _changed_at",
            "default now()",
        ),
        ("cores", "ALTER TABLE spacex.cores ALTER _changed_at DROP DEFAULT", "column _changed_at", "'timestamp with"),
        ("cores", STAMP + "WHEN (false) EXECUTE FUNCTION history.cores_stamp()", "trigger foreign_edit", "when false"),
        ("cores", STAMP + "EXECUTE FUNCTION history.ships_stamp()", "trigger foreign_edit", "ships_stamp"),
    ],
)
def test_a_catalog_that_is_not_the_declared_one_is_named(
    damaged: Warehouse, look: Look, endpoint: str, damage: str, key: str, found: str
) -> None:
    change(damaged, damage)
    (differing,) = look(endpoint)[0].findings
    assert key in differing.key
    assert found in differing.found
    assert "spacex_assets/load/migrations/versions" in differing.remedy


@pytest.mark.parametrize(
    ("endpoint", "damage"),
    [
        ("launches", f"UPDATE spacex.launches SET details = 'by hand' WHERE {ONE}.launches)"),
        ("launches", f"UPDATE spacex.launches SET date_utc = date_utc + interval '1 us' WHERE {ONE}.launches)"),
        ("launches", f"UPDATE spacex.launches SET has_fairings = NOT has_fairings WHERE {ONE}.launches)"),
        ("launches", f"UPDATE spacex.launches SET _extra = '{{\"$.new\": 0}}' WHERE {ONE}.launches)"),
        (
            "launches",
            f"UPDATE spacex.launches SET date_local_utc_offset_minutes = 5 WHERE {ONE}.launches)",
        ),
        ("launches", "UPDATE spacex.launch_cores SET gridfins = NOT gridfins WHERE ctid = '(0,1)'"),
        (
            "payloads",
            "UPDATE spacex.payloads SET mass_kg = mass_kg * 1.0001 WHERE mass_kg IS NOT NULL AND id = (SELECT "
            "min(id) FROM spacex.payloads WHERE mass_kg IS NOT NULL)",
        ),
        ("payloads", f"UPDATE spacex.payloads SET customers = customers || ARRAY['x'] WHERE {ONE}.payloads)"),
        ("starlink", f"UPDATE spacex.starlink SET space_track_decayed = NOT space_track_decayed WHERE {ONE}.starlink)"),
        ("dragons", "UPDATE spacex.dragon_thrusters SET fuel_1 = NULL WHERE position = 0"),
    ],
)
def test_a_leaf_that_is_not_the_source_s_is_found_with_its_document(
    damaged: Warehouse, look: Look, endpoint: str, damage: str
) -> None:
    change(damaged, damage)
    integrity, _ = look(endpoint)
    assert list(integrity.totals) == ["differs from the raw document"]
    assert integrity.figures["digest"] != integrity.figures["digest_of_raw"]


def test_rows_too_few_and_too_many_are_counted_by_table(damaged: Warehouse, look: Look) -> None:
    change(damaged, "DELETE FROM spacex.launch_cores WHERE ctid = '(0,1)'")
    change(
        damaged,
        "INSERT INTO spacex.cores (id, serial, status) VALUES (repeat('e', 24), 'B9 (simulated)', 'active')",
    )
    (launch_cores, *_) = look("launches")[0].findings
    assert (launch_cores.rule, launch_cores.key) == ("rows of accepted documents", "launch_cores")
    assert [(one.rule, one.key) for one in look("cores")[0].findings] == [("rows of accepted documents", "cores")]


def test_a_forged_hash_is_found_and_repaired_by_the_run_that_the_check_names(settings: Settings) -> None:
    """The trigger that clears the hash of an edited row does not fire where replication is played."""
    ships = keys_of("ships")
    materialize(settings, asset_selection=ships)
    forge = "SET session_replication_role = replica; UPDATE spacex.ships SET home_port = 'forged'"
    rows(settings, f"{forge} WHERE {ONE}.ships)")
    (integrity,) = [
        one
        for one in materialize(settings, asset_selection=ships).get_asset_check_evaluations()
        if one.check_name == "integrity"
    ]
    assert not integrity.passed
    told = f"{integrity.description} {integrity.metadata['next'].value}"
    assert told.count("`SPACEX_FULL_COMPARE=true python -m spacex_assets run`, or the job full_compare") == 2
    result = materialize(settings.model_copy(update={"full_compare": True}), asset_selection=ships)
    assert ("spacex/ships", "integrity") not in failed(result)


def test_the_equation_of_the_documents_stays_visible_when_it_does_not_hold(damaged: Warehouse, look: Look) -> None:
    change(damaged, "UPDATE ops.loads SET documents = documents + 1 WHERE endpoint = 'ships'")
    metadata = look("ships")[0].result("integrity", ["spacex", "ships"], dg.AssetCheckSeverity.ERROR).metadata
    assert metadata["documents"].value == "29 = 30 accepted + 0 quarantined + 0 collapsed"
    assert metadata["documents: offences"].value == 1


def test_all_checks_of_a_step_see_one_state(damaged: Warehouse, loaded: Settings) -> None:
    with looking(ENDPOINTS["ships"], damaged, typed_lake(loaded), loaded) as look:
        assert look.integrity().findings == ()
        before = look.drift().findings
        change(damaged, "UPDATE spacex.ships SET home_port = 'later'")
        change(
            damaged,
            "INSERT INTO ops.drift (endpoint, path, change, after, first_seen_at, last_seen_at, first_run_id, "
            "last_run_id, first_sha256, last_sha256) VALUES ('ships', '$.later', 'appeared', 'int', now(), now(), "
            "'r', 'r', 's', 's')",
        )
        assert (look.integrity().findings, look.drift().findings) == ((), before)


def test_a_fault_of_the_transform_is_seen(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = flatten._typed
    monkeypatch.setattr(
        flatten, "_typed", lambda column: typed(column).str.head(3) if column.name == "home_port" else typed(column)
    )
    result = materialize(settings)
    assert result.success
    severities = failed(result)
    assert severities["spacex/ships", "integrity"] is dg.AssetCheckSeverity.ERROR
    assert [key for key, check in severities if check == "integrity"] == ["spacex/ships"]


@pytest.mark.parametrize("mode", [ContractMode.EVOLVE, ContractMode.DISCARD])
def test_fields_that_no_record_declares_are_reconciled_as_the_contract_says(
    settings: Settings, mode: ContractMode
) -> None:
    settings = settings.model_copy(update={"contract": {"launches": mode}})
    edit(settings, "launches", {"surprise": {"a": [1, {"b": 2.0}], "c": [], "at": "2020-01-01T00:00:00+02:00"}})
    result = materialize(settings)
    ((extra,),) = rows(settings, "SELECT count(_extra) FROM spacex.launches")
    assert extra == (mode is ContractMode.EVOLVE)
    assert ("spacex/launches", "integrity") not in failed(result)


@pytest.mark.parametrize(
    ("endpoint", "change", "oddity"),
    [
        ("launches", {"date_unix": 9 * 10**18}, ("dates disagree", "9000000000000000000 s, which is no instant")),
        ("launches", {"date_unix": -(10**15)}, ("dates disagree", "-1000000000000000 s, which is no instant")),
        (
            "launches",
            {"static_fire_date_unix": 10**13, "static_fire_date_utc": None},
            ("static fire dates disagree", "10000000000000 s, which is no instant"),
        ),
        ("launches", {"date_local": "0001-01-01T00:00:00+12:00"}, ("dates disagree", "date_local is 0001-12-31")),
        ("launches", {"date_local": "9999-12-31T23:59:59.123456-12:00"}, ("dates disagree", "date_local is 10000-")),
        ("launches", {"surprise": "0001-01-01T00:00:00+12:00"}, None),
        ("history", {"event_date_unix": 9 * 10**18, "event_date_utc": None}, ("dates disagree", "")),
    ],
)
def test_an_instant_beyond_what_python_or_postgresql_knows_is_an_oddity_and_no_crash(
    settings: Settings, endpoint: str, change: dict[str, object], oddity: tuple[str, str] | None
) -> None:
    document = edit(settings, endpoint, change)
    result = materialize(settings, asset_selection=keys_of(endpoint))
    assert result.success
    by_check = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert set(by_check) == {"guard", "integrity", "quality", "drift"}
    assert by_check["integrity"].passed
    if oddity is not None:
        found = [record.data for record in by_check["quality"].metadata["found"].records]  # type: ignore[union-attr]
        rule, text = oddity
        assert [text in str(one["found"]) for one in found if (one["rule"], one["key"]) == (rule, document)] == [True]


@pytest.mark.parametrize("later", ContractMode)
def test_evidence_of_a_load_is_not_touched_by_typing_its_snapshot_in_another_mode(
    settings: Settings, later: ContractMode
) -> None:
    edit(settings, "ships", {"news": 1})
    assert materialize(settings).success
    changed = settings.model_copy(update={"contract": {"ships": later}})
    assert materialize(changed, asset_selection=typing("ships")).success is (later is not ContractMode.FREEZE)
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    for one in (settings, changed):
        integrity, _ = findings(ENDPOINTS["ships"], warehouse, typed_lake(one), one)
        assert integrity.findings == ()
    warehouse.close()


def typing(endpoint: str) -> list[dg.AssetKey]:
    """What fetches and types an endpoint, and guards what was typed, without loading it."""
    return [dg.AssetKey(["raw", endpoint]), dg.AssetKey(["typed", endpoint])]


def test_a_frozen_load_is_reconciled_in_its_mode_after_the_contract_was_thawed(settings: Settings) -> None:
    frozen = settings.model_copy(update={"contract": {"ships": ContractMode.FREEZE}})
    assert materialize(frozen).success
    assert set(rows(settings, "SELECT endpoint = 'ships', contract_mode FROM ops.loads")) == {
        (True, "freeze"),
        (False, "evolve"),
    }
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    assert findings(ENDPOINTS["ships"], warehouse, typed_lake(settings), settings)[0].findings == ()
    warehouse.close()


def keys_of(endpoint: str) -> list[dg.AssetKey]:
    names = [one.name for one in ENDPOINTS[endpoint].layouts]
    return [dg.AssetKey(["raw", endpoint])] + [
        dg.AssetKey([room, name]) for name in names for room in ("typed", "spacex")
    ]


@pytest.mark.parametrize("crashing", ["integrity", "quality", "drift"])
def test_a_check_that_crashes_fails_the_step_and_hides_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, crashing: str
) -> None:
    from spacex_assets.checks import look

    def crash(connection: sa.Connection, *_: object) -> Findings:
        connection.exec_driver_sql("SELECT to_timestamp(9e18)")
        raise AssertionError

    inside = {"integrity": "catalog_findings", "quality": "retained", "drift": "drift"}
    monkeypatch.setattr(look, inside[crashing], crash)
    result = materialize(settings, asset_selection=keys_of("ships"))
    judged = [one.check_name for one in result.get_asset_check_evaluations()]
    assert judged == [name for name in ("guard", "integrity", "quality", "drift") if name != crashing]
    (failure,) = failures(result)
    assert failure.step == "check_ships"
    assert f"ships: {crashing} has no verdict: DataError: timestamp out of range" in failure.reason


def test_a_fault_in_one_check_repeats_the_step(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from spacex_assets.checks import look

    attempts = iter([OSError("the disk is away")])
    silence = look.silence

    def fails_once(*arguments: Any) -> Findings:
        for error in attempts:
            raise error
        return silence(*arguments)

    monkeypatch.setattr(look, "silence", fails_once)
    result = materialize(settings, asset_selection=keys_of("ships"))
    assert result.success
    assert {one.check_name for one in result.get_asset_check_evaluations()} == {
        "guard",
        "integrity",
        "quality",
        "drift",
    }


def test_above_a_limit_leaves_are_compared_only_with_full_compare(loaded: Settings, damaged: Warehouse) -> None:
    change(damaged, f"UPDATE spacex.launches SET details = 'by hand' WHERE {ONE}.launches)")
    lake, launches = typed_lake(loaded), ENDPOINTS["launches"]
    large = loaded.model_copy(update={"reconcile_documents": 29})
    assert findings(launches, damaged, lake, large)[0].findings == ()
    whole = large.model_copy(update={"full_compare": True})
    assert len(findings(launches, damaged, lake, whole)[0].findings) == 1


@pytest.mark.parametrize(
    ("endpoint", "damage", "rule"),
    [
        ("launches", "UPDATE spacex.launches SET name = 'Same (simulated)'", "launches.name is not unique"),
        ("cores", "UPDATE spacex.cores SET serial = 'B1'", "cores.serial is not unique"),
        (
            "starlink",
            "UPDATE spacex.starlink SET space_track_norad_cat_id = 5",
            "starlink.space_track_norad_cat_id is not unique",
        ),
        (
            "launches",
            f"UPDATE spacex.launches SET rocket_id = '{NOBODY}' WHERE {ONE}.launches)",
            "launches.rocket_id refers to no rockets",
        ),
        (
            "launches",
            f"UPDATE spacex.launch_cores SET landpad_id = '{NOBODY}' WHERE ctid = '(0,1)'",
            "launch_cores.landpad_id refers to no landpads",
        ),
        (
            "launchpads",
            f"UPDATE spacex.launchpads SET rocket_ids = ARRAY['{NOBODY}'] WHERE {ONE}.launchpads)",
            "launchpads.rocket_ids refers to no rockets",
        ),
        ("cores", f"UPDATE spacex.cores SET status = 'melted' WHERE {ONE}.cores)", "cores.status is not a known value"),
        (
            "landpads",
            f"UPDATE spacex.landpads SET latitude = 90.5 WHERE {ONE}.landpads)",
            "landpads.latitude is not between -90 and 90",
        ),
        (
            "cores",
            f"UPDATE spacex.cores SET reuse_count = -1 WHERE {ONE}.cores)",
            "cores.reuse_count is not at least 0",
        ),
        (
            "rockets",
            f"UPDATE spacex.rockets SET success_rate_pct = 101 WHERE {ONE}.rockets)",
            "rockets.success_rate_pct is not between 0 and 100",
        ),
        (
            "rockets",
            f"UPDATE spacex.rockets SET first_flight = '2001-12-31' WHERE {ONE}.rockets)",
            "rockets.first_flight is not between 2002-01-01 and 3653 days from now",
        ),
        (
            "launches",
            f"UPDATE spacex.launches SET date_utc = now() + interval '11 years' WHERE {ONE}.launches)",
            "launches.date_utc is not between 2002-01-01 and 3653 days from now",
        ),
        (
            "payloads",
            f"UPDATE spacex.payloads SET launch_id = NULL WHERE {ONE}.payloads)",
            "launch_payloads.payload_id has what payloads.launch_id has not",
        ),
        (
            "payloads",
            "DELETE FROM spacex.launch_payloads WHERE ctid = '(0,1)'",
            "payloads.launch_id has what launch_payloads.payload_id has not",
        ),
        *(
            (
                endpoint,
                f"UPDATE spacex.{endpoint} SET launch_ids = '{{}}'",
                f"{other} has what {endpoint}.launch_ids has not",
            )
            for endpoint, other in {
                "cores": "launch_cores.core_id",
                "ships": "launch_ships.ship_id",
                "landpads": "launch_cores.landpad_id",
                "launchpads": "launches.launchpad_id",
            }.items()
        ),
        ("launches", f"UPDATE spacex.launches SET date_unix = 1 WHERE {ONE}.launches)", "dates disagree"),
        (
            "launches",
            "UPDATE spacex.launches SET static_fire_date_unix = 1, static_fire_date_utc = now()",
            "static fire dates disagree",
        ),
        ("launches", "UPDATE spacex.launches SET flight_number = 5", "flight number is shared"),
        ("launches", "UPDATE spacex.launches SET upcoming = true", "upcoming, but its date has passed"),
        ("launches", "UPDATE spacex.launches SET success = NULL", "flown, but without outcome"),
        ("launches", "UPDATE spacex.launches SET success = NOT success", "success contradicts failures"),
        (
            "payloads",
            f"UPDATE spacex.payloads SET dragon_capsule_id = '{NOBODY}' WHERE {ONE}.payloads)",
            "its capsule was not on its launch",
        ),
        ("cores", "UPDATE spacex.cores SET reuse_count = 50", "reuse_count is not the flights after the first"),
        ("cores", "UPDATE spacex.cores SET asds_landings = 50", "landings are not those of the launches"),
        ("capsules", "UPDATE spacex.capsules SET reuse_count = 50", "reuse_count is not the flights after the first"),
        ("landpads", "UPDATE spacex.landpads SET landing_attempts = 500", "landings are not those of the launches"),
        (
            "launchpads",
            "UPDATE spacex.launchpads SET launch_attempts = 50",
            "launch counts are not those of the launches",
        ),
        ("history", "UPDATE spacex.history SET event_date_unix = 1", "dates disagree"),
        (
            "roadster",
            "UPDATE spacex.roadster SET semi_major_axis_au = 9",
            "semi-major axis is not the mean of apoapsis and periapsis",
        ),
        (
            "cores",
            "INSERT INTO ops.retention SELECT 'cores', min(id), now(), 'run' FROM spacex.cores",
            "retained",
        ),
        (
            "cores",
            "UPDATE ops.loads SET fetched_at = fetched_at - interval '31 days'",
            "the source has not changed",
        ),
    ],
)
def test_a_promise_that_the_source_breaks_is_named_with_its_first_offenders(
    damaged: Warehouse, look: Look, endpoint: str, damage: str, rule: str
) -> None:
    before = [one for one in look(endpoint)[1].findings if one.rule == rule]
    change(damaged, damage)
    _, quality = look(endpoint)
    shown = [one for one in quality.findings if one.rule == rule]
    assert shown
    assert shown != before
    total = quality.totals[rule]
    assert len(shown) == min(10, total)
    assert (f"{rule} ({total:,}, first: " if total > 1 else f"{rule}: ") in str(quality)
    error = "not unique" in rule
    assert severity("quality", quality) is (dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN)


def test_the_simulated_source_breaks_no_promise_and_has_only_the_oddities_of_the_real_one(look: Look) -> None:
    known = {
        "dates disagree",
        "static fire dates disagree",
        "flight number is shared",
        "upcoming, but its date has passed",
        "flown, but without outcome",
        "landings are not those of the launches",
        "semi-major axis is not the mean of apoapsis and periapsis",
        "payloads.launch_id refers to no launches",
        "payloads.launch_id has what launch_payloads.payload_id has not",
        "launch_payloads.payload_id has what payloads.launch_id has not",
    }
    assert {rule for endpoint in ENDPOINTS for rule in look(endpoint)[1].totals} <= known


def test_references_to_endpoints_that_were_never_loaded_are_not_judged(settings: Settings) -> None:
    result = materialize(settings, asset_selection=keys_of("launches"))
    assert result.success
    (quality,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "quality"]
    assert "launches.rocket_id refers to no rockets" not in quality.metadata
    assert "rockets" in str(quality.metadata["not_looked_at"].value)


def test_a_look_at_tables_that_were_never_loaded_says_so(settings: Settings) -> None:
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    integrity, _ = findings(ENDPOINTS["cores"], warehouse, typed_lake(settings), settings)
    warehouse.close()
    assert list(integrity.totals) == ["never loaded"]


def test_a_retained_document_is_reconciled_and_warned_of(settings: Settings) -> None:
    materialize(settings)
    broken = edit(settings, "launches", {"flight_number": "seven"})
    result = materialize(settings)
    assert ("spacex/launches", "integrity") not in failed(result)
    (quality,) = [
        one
        for one in result.get_asset_check_evaluations()
        if (one.asset_key.path[-1], one.check_name) == ("launches", "quality")
    ]
    found = [record.data for record in quality.metadata["found"].records if record.data["rule"] == "retained"]  # type: ignore[union-attr]
    assert [(one["key"], "flight_number: expected a valid integer" in str(one["found"])) for one in found] == [
        (broken, True)
    ]


@pytest.mark.parametrize(
    ("forged", "found"),
    [
        ("_changed_at = '2099-01-01'", "changed at 2099-01-01 00:00:00+00; delete the row"),
        ("_run_id = 'nobody'", "run nobody, changed at"),
    ],
)
def test_bookkeeping_that_no_load_wrote_is_found(damaged: Warehouse, look: Look, forged: str, found: str) -> None:
    change(damaged, f"SET LOCAL spacex.run_id = 'x'; UPDATE spacex.launch_cores SET {forged} WHERE ctid = '(0,1)'")
    (finding,) = look("launches")[0].findings
    assert (finding.rule, finding.key.split()[0]) == ("bookkeeping that no load wrote", "launch_cores")
    assert found in finding.found


EDITED, DELETED = "a last good row was edited by hand", "a last good row was deleted by hand"
BY_WHOM = "by spacex; its history has what it was"


@pytest.mark.parametrize("first", ["the document breaks", "the hand"])
@pytest.mark.parametrize(
    ("endpoint", "flaw", "by_hand", "rule", "table", "found"),
    [
        ("ships", "active", "UPDATE spacex.ships SET model = 'by hand' WHERE id = 'ID'", EDITED, "ships", BY_WHOM),
        ("ships", "active", "UPDATE spacex.ships SET latitude = 12.5 WHERE id = 'ID'", EDITED, "ships", "volatile"),
        ("ships", "active", "DELETE FROM spacex.ships WHERE id = 'ID'", DELETED, "ships", BY_WHOM),
        ("ships", "active", f"UPDATE spacex.ships SET id = '{NOBODY}' WHERE id = 'ID'", DELETED, "ships", BY_WHOM),
        ("ships", "active", "TRUNCATE spacex.ships", DELETED, "ships", BY_WHOM),
        (
            *("launches", "upcoming", "DELETE FROM spacex.launch_cores WHERE launch_id = 'ID'"),
            *(DELETED, "launch_cores", BY_WHOM),
        ),
    ],
)
def test_a_last_good_row_that_someone_touched_is_found(
    settings: Settings, endpoint: str, flaw: str, by_hand: str, rule: str, table: str, found: str, first: str
) -> None:
    keys = keys_of(endpoint)
    materialize(settings, asset_selection=keys)
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    if first == "the hand":
        change(warehouse, by_hand.replace("ID", edit(settings, endpoint, {flaw: "yes"})))
    else:
        broken = edit(settings, endpoint, {flaw: "yes"})
        materialize(settings, asset_selection=keys)
        change(warehouse, by_hand.replace("ID", broken))
    for _ in range(2):
        materialize(settings, asset_selection=keys)
        integrity, _ = findings(ENDPOINTS[endpoint], warehouse, typed_lake(settings), settings)
        (finding,) = integrity.findings
        assert finding.rule == rule
        assert finding.key.startswith(f"{table} {edit(settings, endpoint, {flaw: 'yes'})}")
        assert found in finding.found
    edit(settings, endpoint, {flaw: False})
    materialize(settings, asset_selection=keys)
    assert findings(ENDPOINTS[endpoint], warehouse, typed_lake(settings), settings)[0].findings == ()
    warehouse.close()


def test_a_row_deleted_by_hand_that_a_load_would_have_deleted_since_is_no_last_good_row(settings: Settings) -> None:
    ships = keys_of("ships")
    materialize(settings, asset_selection=ships)
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    gone = edit(settings, "ships", None)
    change(warehouse, f"DELETE FROM spacex.ships WHERE id = '{gone}'")
    materialize(settings, asset_selection=ships)
    (settings.local / "simulator/edits.json").unlink()
    assert edit(settings, "ships", {"active": "yes"}) == gone
    materialize(settings, asset_selection=ships)
    assert rows(settings, "SELECT document_id FROM ops.quarantine WHERE resolved_at IS NULL") == [(gone,)]
    assert findings(ENDPOINTS["ships"], warehouse, typed_lake(settings), settings)[0].findings == ()
    warehouse.close()


def test_a_row_deleted_by_hand_that_an_unreadable_id_would_have_kept_is_found(settings: Settings) -> None:
    ships = keys_of("ships")
    materialize(settings, asset_selection=ships)
    gone = edit(settings, "ships", None)
    edit(settings, "ships", {"id": ""})
    materialize(settings, asset_selection=ships)
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    assert (gone,) in rows(settings, "SELECT document_id FROM ops.retention")
    change(warehouse, "DELETE FROM spacex.ships")
    materialize(settings, asset_selection=ships)
    integrity, _ = findings(ENDPOINTS["ships"], warehouse, typed_lake(settings), settings)
    assert set(integrity.totals) == {DELETED}
    assert f"ships {gone}" in {finding.key for finding in integrity.findings}
    assert len(integrity.findings) == 2
    warehouse.close()


@pytest.mark.parametrize(
    "odd", ["", "5e9d0d9551a0040000000é01", "a\tb", "5e9d0d9551a0040000000001\n", "5E9D0D9551A0040000000001"]
)
def test_a_document_with_an_odd_id_is_in_quarantine_and_nothing_differs(settings: Settings, odd: str) -> None:
    materialize(settings, asset_selection=keys_of("ships"))
    edit(settings, "ships", {"id": odd})
    result = materialize(settings, asset_selection=keys_of("ships"))
    assert result.success
    assert ("spacex/ships", "integrity") not in failed(result)
    assert rows(settings, "SELECT count(*) FROM ops.quarantine") == [(1,)]
    assert rows(settings, "SELECT count(*) FROM spacex.ships") == rows(
        settings, "SELECT DISTINCT documents FROM ops.loads WHERE endpoint = 'ships'"
    )


def test_a_body_that_was_edited_in_the_lake_is_neither_typed_nor_compared_with(settings: Settings) -> None:
    materialize(settings, asset_selection=keys_of("ships"))
    before = rows(settings, "SELECT * FROM spacex.ships ORDER BY id")
    lake = typed_lake(settings)
    body = lake.raw.resolve("ships").path
    assert isinstance(body, Path)
    fetched = body.read_bytes()
    body.write_bytes(fetched.replace(b'"active":', b'"aktive":', 1))
    assert body.read_bytes() != fetched
    result = materialize(settings, asset_selection=keys_of("ships")[1:])
    (failure,) = failures(result)
    assert failure.step == "typed_ships"
    found = sha256(body.read_bytes()).hexdigest()
    expected = f"ships: {body}: expected the body that was fetched, with the sha256 {body.stem}, found one with {found}"
    assert expected in failure.reason
    assert "`python -m spacex_assets run`" in failure.reason
    assert rows(settings, "SELECT * FROM spacex.ships ORDER BY id") == before
    outcome = f"SELECT DISTINCT outcome, sha256 FROM ops.loads WHERE run_id = '{result.run_id}'"
    assert rows(settings, outcome) == [("failed", body.stem)]
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    (edited,) = findings(ENDPOINTS["ships"], warehouse, lake, settings)[0].findings
    assert (edited.rule, edited.key) == ("the raw snapshot is no longer what was fetched", str(body))
    assert materialize(settings, asset_selection=keys_of("ships")).success
    assert body.read_bytes() == fetched
    assert findings(ENDPOINTS["ships"], warehouse, lake, settings)[0].findings == ()
    warehouse.close()


def test_a_missing_history_is_named_and_hides_nothing_else_of_the_catalog(damaged: Warehouse, look: Look) -> None:
    change(damaged, "DROP TABLE history.crew")
    integrity, _ = look("crew")
    assert "history.crew: table" in {one.key for one in integrity.findings}


def test_a_load_of_a_release_that_recorded_no_mode_is_not_compared(damaged: Warehouse, look: Look) -> None:
    change(damaged, "UPDATE ops.loads SET contract_mode = NULL")
    integrity, _ = look("ships")
    assert integrity.findings == ()
    assert str(integrity.figures["digest"]).startswith("not compared")


def test_where_steps_run_side_by_side_quality_waits_for_the_tables_that_it_looks_at(loaded: Settings) -> None:
    specs = {
        executor: table_checks(ENDPOINTS["cores"], loaded.model_copy(update={"executor": executor}))
        for executor in (Executor.IN_PROCESS, Executor.MULTIPROCESS)
    }
    awaited = {
        executor: {key.to_user_string() for key in checks.keys_by_input_name.values()}
        for executor, checks in specs.items()
    }
    assert awaited[Executor.IN_PROCESS] == {"spacex/cores"}
    assert awaited[Executor.MULTIPROCESS] == {"spacex/cores", "spacex/launches"}


def test_tables_have_a_freshness_policy(settings: Settings) -> None:

    for asset in build_defs(settings).resolve_asset_graph().asset_nodes:
        assert (asset.freshness_policy_or_from_metadata is not None) == (asset.key.path[0] == "spacex")


def test_a_check_can_be_made_alone_without_a_load(loaded: Settings) -> None:
    chosen = {dg.AssetCheckKey(dg.AssetKey(["spacex", "ships"]), "quality")}
    job = build_defs(loaded).resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection=chosen)
    result = alone.execute_in_process(instance=dg.DagsterInstance.ephemeral())
    assert [one.asset_check_key for one in result.get_asset_check_evaluations()] == [*chosen]
