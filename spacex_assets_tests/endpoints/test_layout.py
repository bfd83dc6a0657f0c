from spacex_assets.endpoints.layout import column_name, snake_case
from spacex_assets.endpoints.registry import ENDPOINTS

TABLES = {
    "capsules": ["capsules"],
    "company": ["company"],
    "cores": ["cores"],
    "crew": ["crew"],
    "dragons": ["dragons", "dragon_thrusters"],
    "history": ["history"],
    "landpads": ["landpads"],
    "launches": [
        *("launches", "launch_failures", "launch_fairing_ships", "launch_crew"),
        *("launch_ships", "launch_capsules", "launch_payloads", "launch_cores"),
    ],
    "launchpads": ["launchpads"],
    "payloads": ["payloads"],
    "roadster": ["roadster"],
    "rockets": ["rockets", "rocket_payload_weights"],
    "ships": ["ships"],
    "starlink": ["starlink"],
}
COLUMNS = {name: layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts for name in [layout.name]}


def test_every_endpoint_has_its_tables() -> None:
    assert {name: [layout.name for layout in endpoint.layouts] for name, endpoint in ENDPOINTS.items()} == TABLES


def test_names_are_paths_in_snake_case() -> None:
    assert column_name(("spaceTrack", "OBJECT_NAME")) == "space_track_object_name"
    assert column_name(("thrust_sea_level", "kN")) == "thrust_sea_level_kn"
    assert snake_case("CCSDS_OMM_VERS") == "ccsds_omm_vers"


def test_columns_come_out_as_designed() -> None:
    for table, names in {
        "launches": ["rocket_id", "has_fairings", "date_local_utc_offset_minutes", "links_patch_small"],
        "launch_cores": ["launch_id", "position", "core_id", "landpad_id"],
        "launch_payloads": ["launch_id", "payload_id", "position"],
        "cores": ["launch_ids"],
        "launchpads": ["rocket_ids", "images_large"],
        "ships": ["class", "abs"],
        "payloads": ["dragon_capsule_id", "norad_ids"],
        "rockets": ["engines_thrust_sea_level_kn", "second_stage_payloads_composite_fairing_height_meters"],
        "starlink": ["space_track_decayed", "launch_id"],
        "dragon_thrusters": ["dragon_id", "position", "thrust_kn"],
    }.items():
        assert set(names) <= set(COLUMNS[table].schema)


def test_every_column_is_named_once_and_explained() -> None:
    for layout in COLUMNS.values():
        names = [column.name for column in layout.columns]
        assert len(names) == len(set(names))
        assert all("None" not in column.comment and "Source: " in column.comment for column in layout.columns)
        assert layout.comment
        assert set(layout.key) <= set(names)


def test_nothing_numeric_temporal_or_boolean_is_text() -> None:
    types = {column.name: str(column.kind.sql) for layout in COLUMNS.values() for column in layout.columns}
    assert types["date_utc"] == types["space_track_epoch"] == "DATETIME"
    assert types["space_track_decayed"] == types["success"] == "BOOLEAN"
    assert types["first_flight"] == types["space_track_decay_date"] == "DATE"
    assert types["mass_kg"] == "DOUBLE"


def test_a_column_knows_the_values_that_the_source_uses() -> None:
    values = {(name, column.name): column.values for name, layout in COLUMNS.items() for column in layout.columns}
    assert values["launch_cores", "landing_type"] == ("ASDS", "RTLS", "Ocean")
    assert values["starlink", "space_track_time_system"] == ("UTC",)
    assert values["launches", "name"] == ()
