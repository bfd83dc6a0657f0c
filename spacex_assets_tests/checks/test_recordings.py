"""The recorded real data: nothing in quarantine, and exactly the known oddities as warnings."""

from pathlib import Path

import pytest

from spacex_assets.embedded import Server
from spacex_assets_tests.assets.test_graph import materialize, rows
from spacex_assets_tests.checks.conftest import settings_for

KNOWN = {
    "launches": {
        "dates disagree": 9,
        "static fire dates disagree": 1,
        "flight number is shared": 2,
        "flown, but without outcome": 1,
        "upcoming, but its date has passed": 18,
    },
    "payloads": {
        "payloads.launch_id refers to no launches": 4,
        "payloads.launch_id has what launch_payloads.payload_id has not": 7,
        "launch_payloads.payload_id has what payloads.launch_id has not": 4,
        "its capsule was not on its launch": 1,
    },
    "cores": {"landings are not those of the launches": 12},
    "landpads": {"landings are not those of the launches": 1},
    "roadster": {"semi-major axis is not the mean of apoapsis and periapsis": 1},
}

DATES = {
    "RatSat", "COTS 2", "CRS-1", "ABS-3A / Eutelsat 115W B", "OG-2 Mission 2", "Iridium NEXT Mission 5",
    "Iridium NEXT Mission 6", "SSO-A", "Starlink 4-4 (v1.5)",
}  # fmt: skip


@pytest.mark.usefixtures("recordings")
def test_the_real_data_is_whole_and_warns_of_exactly_what_is_known(
    server: Server, migrated: str, recordings: Path, tmp_path: Path
) -> None:
    settings = settings_for(server, migrated, tmp_path, str(recordings))
    result = materialize(settings)
    assert result.success
    assert rows(settings, "SELECT count(*) FROM ops.quarantine") == [(0,)]
    failed = [one for one in result.get_asset_check_evaluations() if not one.passed]
    assert {(one.check_name, one.severity.value) for one in failed} == {("quality", "WARN")}
    found = {
        one.asset_key.path[-1]: {
            rule: one.metadata[rule].value
            for rule in {record.data["rule"] for record in one.metadata["found"].records}  # type: ignore[union-attr]
        }
        for one in failed
    }
    assert found == KNOWN
    (launches,) = [one for one in failed if one.asset_key.path[-1] == "launches"]
    assert launches.description is not None
    assert "dates disagree (9, first: " in launches.description
    texts = [
        str(record.data["found"])
        for record in launches.metadata["found"].records  # type: ignore[union-attr]
        if record.data["rule"] == "dates disagree"
    ]
    assert {text.split(", date_utc")[0] for text in texts} == DATES
