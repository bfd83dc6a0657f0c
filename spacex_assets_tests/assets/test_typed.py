"""The step of ``typed/<table>``, called as any function, on a folder of recorded bodies."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from spacex_assets.assets.typed import typed_assets
from spacex_assets.config import Settings
from spacex_assets.definitions import typed_lake
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.source import open_source
from spacex_assets.transform.intake import Intake


def typed(folder: Path, local: Path, endpoint: str) -> tuple[dict[str, pl.DataFrame], Intake]:
    """The frames that the step yields for a recorded body, and what became of its documents."""
    declared, settings = ENDPOINTS[endpoint], Settings(source=str(folder), local=local)
    lake = typed_lake(settings)
    with open_source(settings) as source:
        snapshot = source.fetch(declared, lake.raw)
    with dg.build_asset_context() as context:
        outputs: Any = typed_assets(declared, settings)(context, snapshot=snapshot, lake=lake)
        return {output.output_name: output.value for output in outputs}, lake.read_intake(declared, snapshot)


def test_every_recorded_launch_is_in_the_frames_with_its_values(recordings: Path, tmp_path: Path) -> None:
    frames, intake = typed(recordings, tmp_path, "launches")
    assert (intake.accepted, intake.quarantined) == (205, 0)
    assert frames["launches"].height == 205
    (first,) = frames["launches"].filter(flight_number=1).to_dicts()
    assert (first["name"], first["success"]) == ("FalconSat", False)
    assert first["date_utc"] == datetime(2006, 3, 24, 22, 30, tzinfo=UTC)
    (core,) = frames["launch_cores"].filter(launch_id=first["id"]).to_dicts()
    assert (core["core_id"], core["flight"], core["reused"]) == ("5e9e289df35918033d3b2623", 1, False)


def test_a_broken_document_goes_to_quarantine_and_the_others_on(tmp_path: Path) -> None:
    crew = {"name": "Ada", "agency": None, "image": None, "wikipedia": None, "launches": [], "status": "active"}
    body = [{**crew, "id": f"{index:024x}"} for index in (1, 2)]
    (tmp_path / "crew.json").write_text(json.dumps([body[0], {**body[1], "name": 7}]))
    frames, intake = typed(tmp_path, tmp_path / "local", "crew")
    assert frames["crew"].select("id", "name").rows() == [(body[0]["id"], "Ada")]
    (rejected,) = intake.rejected
    assert (rejected.document_id, intake.accepted) == (body[1]["id"], 1)
    assert "$.name: expected" in str(rejected)
