"""The step of ``raw/<endpoint>``, called as any function, on a server and a warehouse."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from spacex_assets.assets.raw import raw_asset
from spacex_assets.config import Settings
from spacex_assets.definitions import typed_lake
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.errors import SourceRefused
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.source import open_source
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.faults import Fault
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import RunningSimulator, running_simulator


@pytest.fixture
def server_of_cores() -> Iterator[RunningSimulator]:
    with running_simulator(Content(Fleet(launches=30))) as running:
        yield running


def fetched(settings: Settings, warehouse: Warehouse) -> dg.Output[Snapshot]:
    with open_source(settings) as source, dg.build_asset_context() as context:
        output: dg.Output[Snapshot] = raw_asset(ENDPOINTS["cores"])(
            context, source=source, lake=typed_lake(settings), warehouse=warehouse
        )
    return output


def test_the_body_is_kept_byte_for_byte_and_told(
    server_of_cores: RunningSimulator, warehouse: Warehouse, tmp_path: Path
) -> None:
    settings = Settings(source="simulated", simulator_url=server_of_cores.url, local=tmp_path)
    output = fetched(settings, warehouse)
    body = server_of_cores.content.body("cores")
    with output.value.path.open("rb") as kept, body.open() as served:
        assert kept.read() == served.read()
    assert output.data_version == dg.DataVersion(output.value.sha256)
    assert output.metadata["bytes"].value == body.size
    assert output.metadata["documents"].value == len(list(Fleet(launches=30).documents("cores")))


def test_what_the_server_refuses_is_an_error_that_says_what_came(
    server_of_cores: RunningSimulator, warehouse: Warehouse, tmp_path: Path
) -> None:
    server_of_cores.faults.add(Fault(kind="status", status=403, endpoint="cores"))
    settings = Settings(source="simulated", simulator_url=server_of_cores.url, local=tmp_path)
    with pytest.raises(SourceRefused, match=r"cores: GET .*/v4/cores: .* status 403, attempt 1 of 3"):
        fetched(settings, warehouse)
