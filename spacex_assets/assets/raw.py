"""One asset per endpoint: the response as received. What does not belong here: how it is fetched (``extract/``)."""

import dagster as dg

from spacex_assets.assets.failures import ledger_hook
from spacex_assets.assets.metadata import ENDPOINT_TAG
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.source import Source
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import retries, step_context
from spacex_assets.retries import retried


def raw_asset(endpoint: Endpoint) -> dg.AssetsDefinition:
    """The asset ``raw/<endpoint>``; its data version is the sha256 of the body."""

    @dg.asset(
        key=["raw", endpoint.name],
        group_name="raw",
        tags={ENDPOINT_TAG: endpoint.name},
        kinds={"json"},
        description=f"The body of GET {endpoint.path}, byte for byte, as the source sent it.",
        io_manager_key="raw_io_manager",
        hooks={ledger_hook(endpoint)},
        pool=endpoint.name,
    )
    def raw(
        context: dg.AssetExecutionContext,
        source: dg.ResourceParam[Source],
        lake: dg.ResourceParam[TypedLake],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.Output[Snapshot]:
        with step_context(context, endpoint.name), retried(retries(context)):
            snapshot = fetch_snapshot(endpoint, source, lake.raw, warehouse)
        return dg.Output(
            snapshot,
            data_version=dg.DataVersion(snapshot.sha256),
            metadata={
                "documents": snapshot.documents,
                "bytes": snapshot.size,
                "sha256": snapshot.sha256,
                "source": snapshot.source,
                "fetched_at": snapshot.fetched_at.isoformat(),
                "unchanged": snapshot.reused,
            },
        )

    return raw


def fetch_snapshot(endpoint: Endpoint, source: Source, lake: RawLake, warehouse: Warehouse) -> Snapshot:
    """The endpoint's present state at the source, complete and checked against what was loaded last."""
    return source.fetch(endpoint, lake, warehouse.last_loaded_documents(endpoint.name))
