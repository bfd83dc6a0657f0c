"""The asset graph, assembled here and only here; Dagster loads :data:`defs`."""

import gc
import warnings
from collections.abc import Iterator, Mapping

import dagster as dg

from spacex_assets import logs
from spacex_assets.assets.raw import raw_asset
from spacex_assets.assets.tables import table_assets
from spacex_assets.assets.typed import typed_assets
from spacex_assets.automation.executors import executor
from spacex_assets.automation.incidents import incidents_sensor
from spacex_assets.automation.jobs import refresh_jobs
from spacex_assets.automation.launch_approach import launch_approach_sensor
from spacex_assets.automation.schedules import refresh_schedules
from spacex_assets.automation.source_change import source_change_sensor
from spacex_assets.automation.upkeep import upkeep_job, upkeep_schedule
from spacex_assets.checks.guards import guard_checks
from spacex_assets.checks.tables import table_checks
from spacex_assets.config import Executor, Settings, settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.source import Source, open_source
from spacex_assets.extract.store import open_store
from spacex_assets.io_managers.postgres import PostgresUpsertIOManager
from spacex_assets.io_managers.raw import RawSnapshotIOManager
from spacex_assets.io_managers.typed import TypedFrameIOManager, TypedLake
from spacex_assets.launcher import PROCESS_TAG
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.processes import this_process
from spacex_assets.progress import progress_logger


def build_defs(settings: Settings, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """The whole graph; ``resources`` replaces resources by name, for tests."""
    logs.configure(settings)
    if logs.writes_json(settings):
        from spacex_assets import json_runs

        json_runs.use(settings)
    # Data versions on outputs, and what Dagster itself does with a check that has a hook; pinned by the lock file.
    warnings.filterwarnings("ignore", category=dg.BetaWarning, module="spacex_assets")
    warnings.filterwarnings("ignore", category=dg.BetaWarning, message="Parameter `execution_type`")
    assets = [
        asset
        for endpoint in ENDPOINTS.values()
        for asset in (
            raw_asset(endpoint),
            typed_assets(endpoint, settings),
            table_assets(endpoint, settings),
        )
    ]
    checks = [
        check
        for endpoint in ENDPOINTS.values()
        for check in (guard_checks(endpoint, settings), table_checks(endpoint, settings))
    ]
    upkeep = upkeep_job(settings)
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=[*refresh_jobs(), upkeep],
        schedules=[*refresh_schedules(settings), upkeep_schedule(upkeep, settings)],
        sensors=[source_change_sensor(settings), launch_approach_sensor(settings), incidents_sensor(settings)],
        resources={**default_resources(settings), **(resources or {})},
        executor=executor(settings.executor),
        loggers={"progress": progress_logger},
    )


def default_resources(settings: Settings) -> dict[str, object]:
    """Source, lake, warehouse and the IO managers over them, each opened once per run."""

    @dg.resource(description="What is fetched from: SPACEX_SOURCE.")
    def source(_: dg.InitResourceContext) -> Iterator[Source]:
        with open_source(settings) as opened:
            yield opened

    @dg.resource(description="Raw and typed files.")
    def lake(context: dg.InitResourceContext) -> TypedLake:
        # A run in one process comes by here: the first moment at which it can say who it is.
        alone = settings.executor is Executor.IN_PROCESS
        if alone and context.instance is not None and context.run_id is not None:
            context.instance.add_run_tags(context.run_id, {PROCESS_TAG: this_process()})
        opened = typed_lake(settings)
        opened.raw.sweep()
        return opened

    @dg.resource(description="The PostgreSQL database of this world.")
    def warehouse(_: dg.InitResourceContext) -> Iterator[Warehouse]:
        opened = Warehouse.connect(settings.warehouse_url, settings.world)
        try:
            yield opened
        finally:
            opened.close()

    @dg.io_manager(required_resource_keys={"lake"})
    def raw_io_manager(context: dg.InitResourceContext) -> RawSnapshotIOManager:
        return RawSnapshotIOManager(context.resources.lake.raw)

    @dg.io_manager(required_resource_keys={"lake"})
    def typed_io_manager(context: dg.InitResourceContext) -> TypedFrameIOManager:
        layouts = {layout.name: (endpoint, layout) for endpoint in ENDPOINTS.values() for layout in endpoint.layouts}
        return TypedFrameIOManager(context.resources.lake, layouts)

    @dg.io_manager(required_resource_keys={"warehouse"})
    def postgres_io_manager(context: dg.InitResourceContext) -> PostgresUpsertIOManager:
        return PostgresUpsertIOManager(context.resources.warehouse)

    return {
        "source": source,
        "lake": lake,
        "warehouse": warehouse,
        "raw_io_manager": raw_io_manager,
        "typed_io_manager": typed_io_manager,
        "postgres_io_manager": postgres_io_manager,
    }


def typed_lake(settings: Settings) -> TypedLake:
    """The lake of the settings. Raises :class:`LakeUnusable`."""
    store = open_store(settings)
    return TypedLake(store, RawLake(store), settings.contract)


defs = build_defs(settings())

# Modules and graph stay as long as the process: looking at them again and again costs a short run a tenth of its time.
gc.freeze()
gc.set_threshold(10_000, 20, 20)
