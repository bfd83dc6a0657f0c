"""One step per endpoint: the raw body, parsed once, as one strictly typed frame per table."""

from collections.abc import Iterator

import dagster as dg
import polars as pl
import structlog

from spacex_assets.assets.failures import ledger_hook
from spacex_assets.assets.metadata import ENDPOINT_TAG, column_metadata, raw_origins
from spacex_assets.config import ContractMode, Settings, World
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.logs import retries, step_context
from spacex_assets.retries import retried
from spacex_assets.transform.typed import Typed, typed

log = structlog.get_logger(__name__)

SHOWN = 10
"""Quarantined documents that a step logs; all are in ops.quarantine."""


def typed_assets(endpoint: Endpoint, settings: Settings) -> dg.AssetsDefinition:
    """The assets ``typed/<table>`` of an endpoint."""

    @dg.multi_asset(
        name=f"typed_{endpoint.name}",
        outs={
            layout.name: dg.AssetOut(
                key=["typed", layout.name],
                group_name="typed",
                tags={ENDPOINT_TAG: endpoint.name},
                kinds={"polars"},
                description=layout.comment,
                io_manager_key="typed_io_manager",
                metadata=column_metadata(layout, raw_origins(endpoint, layout)),
                code_version=layout.contract,
            )
            for layout in endpoint.layouts
        },
        ins={"snapshot": dg.AssetIn(key=["raw", endpoint.name])},
        hooks={ledger_hook(endpoint)},
        pool=endpoint.name,
    )
    def typed_step(
        context: dg.AssetExecutionContext, snapshot: Snapshot, lake: dg.ResourceParam[TypedLake]
    ) -> Iterator[dg.Output[pl.DataFrame]]:
        with step_context(context, endpoint.name), retried(retries(context)):
            result = typed_snapshot(endpoint, snapshot, settings)
            lake.write_intake(endpoint, snapshot, result.intake)
            for document in result.intake.rejected[:SHOWN]:
                log.warning(f"{endpoint.name}: quarantined: {document}")
            for name, frame in result.frames.items():
                yield dg.Output(frame, output_name=name)

    return typed_step


def typed_snapshot(endpoint: Endpoint, snapshot: Snapshot, settings: Settings) -> Typed:
    """One frame per table of the endpoint, and what became of every document.

    Raises :class:`BodyEdited`, :class:`WorldMismatch` and :class:`SchemaMismatch`.
    """
    snapshot.verify()
    return typed(
        endpoint,
        snapshot.iter_batches,
        simulated=settings.world is World.SIMULATED,
        mode=settings.contract.get(endpoint.name, ContractMode.EVOLVE),
    )
