"""One step per endpoint: its typed frames, upserted into PostgreSQL in one transaction."""

from collections.abc import Iterator, Mapping

import dagster as dg
import polars as pl
import structlog

from spacex_assets.assets.failures import ledger_hook
from spacex_assets.assets.metadata import ENDPOINT_TAG, column_metadata, typed_origins
from spacex_assets.config import Settings, SettingWrong
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.io_managers.postgres import TableWrite
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.errors import ContractFrozen
from spacex_assets.load.transaction import Origin, record_blocked
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import retries, step_context
from spacex_assets.retries import retried
from spacex_assets.transform.intake import Intake

FULL_COMPARE_TAG = "spacex/full_compare"
"""The tag of a run that says ``true`` or ``false`` instead of SPACEX_FULL_COMPARE."""

log = structlog.get_logger(__name__)


def table_assets(endpoint: Endpoint, settings: Settings) -> dg.AssetsDefinition:
    """The assets ``spacex/<table>`` of an endpoint."""

    late, stale = settings.fresh_windows

    @dg.multi_asset(
        name=f"spacex_{endpoint.name}",
        outs={
            layout.name: dg.AssetOut(
                key=[SCHEMA, layout.name],
                group_name=SCHEMA,
                tags={ENDPOINT_TAG: endpoint.name},
                kinds={"postgres", "table"},
                description=layout.comment,
                io_manager_key="postgres_io_manager",
                is_required=False,
                metadata={
                    **column_metadata(layout, typed_origins(layout)),
                    "dagster/table_name": f"{SCHEMA}.{layout.name}",
                },
                code_version=layout.contract,
                freshness_policy=dg.FreshnessPolicy.time_window(warn_window=late, fail_window=stale),
            )
            for layout in endpoint.layouts
        },
        ins={layout.name: dg.AssetIn(key=["typed", layout.name]) for layout in endpoint.layouts},
        internal_asset_deps={layout.name: {dg.AssetKey(["typed", layout.name])} for layout in endpoint.layouts},
        hooks={ledger_hook(endpoint)},
        pool=endpoint.name,
    )
    def tables(
        context: dg.AssetExecutionContext,
        lake: dg.ResourceParam[TypedLake],
        warehouse: dg.ResourceParam[Warehouse],
        **frames: pl.DataFrame,
    ) -> Iterator[dg.Output[TableWrite]]:
        with step_context(context, endpoint.name), retried(retries(context)):
            snapshot = lake.raw.resolve(endpoint.name, context.run_id)
            yield from table_writes(
                endpoint,
                frames,
                origin_of(snapshot, lake.read_intake(endpoint, snapshot), context.run_id),
                warehouse,
                settings_of(context.run, settings),
            )

    return tables


def settings_of(run: dg.DagsterRun, settings: Settings) -> Settings:
    """The settings with what the tags of a run say instead. Raises :class:`SettingWrong`."""
    tag = run.tags.get(FULL_COMPARE_TAG)
    if tag is None:
        return settings
    if tag not in ("true", "false"):
        raise SettingWrong(f"The run's tag {FULL_COMPARE_TAG}: expected true or false, found {tag!r}.")
    return settings.model_copy(update={"full_compare": tag == "true"})


def origin_of(snapshot: Snapshot, intake: Intake, run_id: str) -> Origin:
    """What a load has to know of the snapshot that it loads."""
    return Origin(
        endpoint=snapshot.endpoint,
        source=snapshot.source,
        sha256=snapshot.sha256,
        fetched_at=snapshot.fetched_at,
        intake=intake,
        run_id=run_id,
    )


def table_writes(
    endpoint: Endpoint,
    frames: Mapping[str, pl.DataFrame],
    origin: Origin,
    warehouse: Warehouse,
    settings: Settings,
) -> Iterator[dg.Output[TableWrite]]:
    """One write per table inside one transaction; none if a later snapshot was loaded already.

    Raises :class:`ContractFrozen` if the snapshot was refused, before any table is touched.
    """
    if origin.intake.refusal is not None:
        record_blocked(warehouse.engine, origin, endpoint.layouts, origin.intake.refusal)
        raise ContractFrozen(origin.intake.refusal)
    with warehouse.load(
        origin, endpoint.layouts, frames, full_compare=settings.full_compare, force=settings.force
    ) as load:
        if load.superseded:
            log.warning(
                f"{endpoint.name}: superseded: a snapshot fetched after {origin.fetched_at.isoformat()} was loaded "
                f"already. Nothing was written; SPACEX_FORCE=true loads the older one."
            )
            return
        for layout in endpoint.layouts:
            yield dg.Output(TableWrite(load, layout), output_name=layout.name)
