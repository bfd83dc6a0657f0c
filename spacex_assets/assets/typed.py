"""One step per endpoint: the raw body, parsed once, as one strictly typed frame per table."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from spacex_assets.assets.metadata import column_schema
from spacex_assets.config import World
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.logs import step_context
from spacex_assets.transform.flatten import frames
from spacex_assets.transform.parse import documents


def typed_assets(endpoint: Endpoint, world: World) -> dg.AssetsDefinition:
    """The assets ``typed/<table>`` of an endpoint."""

    @dg.multi_asset(
        name=f"typed_{endpoint.name}",
        outs={
            layout.name: dg.AssetOut(
                key=["typed", layout.name],
                group_name="typed",
                kinds={"polars"},
                description=layout.comment,
                io_manager_key="typed_io_manager",
                metadata={"dagster/column_schema": column_schema(layout)},
                code_version=layout.contract,
            )
            for layout in endpoint.layouts
        },
        ins={"snapshot": dg.AssetIn(key=["raw", endpoint.name])},
    )
    def typed(context: dg.AssetExecutionContext, snapshot: Snapshot) -> Iterator[dg.Output[pl.DataFrame]]:
        with step_context(context, endpoint.name):
            tables = typed_frames(endpoint, snapshot, world)
            for name, frame in tables.items():
                yield dg.Output(frame, output_name=name)

    return typed


def typed_frames(endpoint: Endpoint, snapshot: Snapshot, world: World) -> dict[str, pl.DataFrame]:
    """One frame per table of the endpoint, by table name.

    Raises :class:`RecordBroken`, :class:`WorldMismatch` and :class:`SchemaMismatch`.
    """
    batches = documents(endpoint, snapshot.iter_batches(), simulated=world is World.SIMULATED)
    return frames(batches, endpoint.layouts)
