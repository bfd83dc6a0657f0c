"""What is asked of an endpoint's tables after its load: one step, nothing is withheld any more.

All queries of the step see one state of the database. Its priority puts it after every load of the run, for it looks
at other endpoints' tables too, without waiting for those that fail. What does not belong here: the single checks.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import sqlalchemy as sa

from spacex_assets.assets.tables import settings_of
from spacex_assets.checks.bookkeeping import bookkeeping_findings
from spacex_assets.checks.catalog import MISSING_DATA, catalog_findings
from spacex_assets.checks.drift import drift
from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.checks.last_load import LastLoad, last_load, loaded_endpoints
from spacex_assets.checks.oddities import LOOKED_AT, oddity_queries
from spacex_assets.checks.promises import UNIQUE, broken, looked_at, rules
from spacex_assets.checks.reconciliation import raw_side, reconciled
from spacex_assets.checks.source import retained, silence
from spacex_assets.config import Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import step_context
from spacex_assets.retries import retried

INTEGRITY, QUALITY, DRIFT = "integrity", "quality", "drift"
AFTER_LOADS = {"dagster/priority": "-1"}


def table_checks(endpoint: Endpoint, settings: Settings) -> dg.AssetChecksDefinition:
    """The checks on ``spacex/<main table>`` of an endpoint, about all its tables."""
    main = [SCHEMA, endpoint.name]

    @dg.multi_asset_check(
        name=f"check_{endpoint.name}",
        specs=[
            dg.AssetCheckSpec(
                INTEGRITY,
                asset=main,
                description="The tables are what was declared and what the source sent: PostgreSQL's catalog, the "
                "documents, the rows and every leaf of the raw snapshot, and that only loads wrote them.",
            ),
            dg.AssetCheckSpec(
                QUALITY,
                asset=main,
                description="The source keeps its promises: unique values (an error), references, known values, "
                "ranges, both directions of links, no contradiction, no document in quarantine, no long silence.",
            ),
            dg.AssetCheckSpec(
                DRIFT,
                asset=main,
                description="The source has the fields, types and values that the record declares, and none appeared, "
                "disappeared, changed its type or became null since the snapshot loaded before.",
            ),
        ],
        required_resource_keys={"lake", "warehouse"},
        op_tags=AFTER_LOADS,
        pool=endpoint.name,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with step_context(context, endpoint.name), retried(context.op_execution_context.retry_number):
            integrity, quality = findings(
                endpoint, context.resources.warehouse, context.resources.lake, settings_of(context.run, settings)
            )
            with context.resources.warehouse.engine.connect() as connection:
                drifted = drift(connection, endpoint.name)
        yield integrity.result(INTEGRITY, main, dg.AssetCheckSeverity.ERROR)
        yield quality.result(QUALITY, main, severity(quality))
        yield drifted.result(DRIFT, main, dg.AssetCheckSeverity.WARN)

    return check


def severity(quality: Findings) -> dg.AssetCheckSeverity:
    """A value that was promised to be unique breaks joins; the rest is the source's word."""
    broken_join = any(UNIQUE in rule for rule in quality.totals)
    return dg.AssetCheckSeverity.ERROR if broken_join else dg.AssetCheckSeverity.WARN


def findings(
    endpoint: Endpoint, warehouse: Warehouse, lake: TypedLake, settings: Settings
) -> tuple[Findings, Findings]:
    """What is wrong with our work (integrity) and with the source's (quality), in one state of the database."""
    with _one_state(warehouse) as connection:
        load = last_load(connection, endpoint.name)
        if load is None:
            never = Findings((Finding("never loaded", endpoint.name, "materialize its tables first"),))
            return never, never
        catalog = Findings(tuple(catalog_findings(connection, endpoint.layouts)))
        if any(one.rule == MISSING_DATA for one in catalog.findings):
            unread = Findings((Finding("cannot be read", endpoint.name, "see integrity: the catalog lacks columns"),))
            return catalog, unread
        written = Findings(tuple(bookkeeping_findings(connection, endpoint.layouts)))
        integrity = catalog + written + _reconciliation(connection, endpoint, load, lake, settings)
        quality = _promises(connection, endpoint) + retained(connection, endpoint.name) + silence(load, settings)
    return integrity, quality


@contextmanager
def _one_state(warehouse: Warehouse) -> Iterator[sa.Connection]:
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with warehouse.engine.connect().execution_options(**options) as connection:
        yield connection


def _promises(connection: sa.Connection, endpoint: Endpoint) -> Findings:
    needed = set().union(*(looked_at(layout) for layout in endpoint.layouts), LOOKED_AT.get(endpoint.name, ()))
    loaded = loaded_endpoints(connection, needed)
    queries = [query for layout in endpoint.layouts for query in rules(layout, loaded)]
    if loaded.issuperset(LOOKED_AT.get(endpoint.name, ())):
        queries += oddity_queries(endpoint.name)
    figures = {"not_looked_at": f"never loaded: {', '.join(sorted(needed - loaded))}"} if needed - loaded else {}
    return Findings(tuple(broken(connection, queries)), {"rules": len(queries), **figures})


def _reconciliation(
    connection: sa.Connection, endpoint: Endpoint, load: LastLoad, lake: TypedLake, settings: Settings
) -> Findings:
    snapshot = lake.raw.resolve(endpoint.name, load.run_id)
    if snapshot.sha256 != load.sha256:
        return Findings((Finding("the snapshot that was loaded is not in the lake", load.sha256, "load it again"),))
    intake = lake.read_intake(endpoint, snapshot, load.mode)
    digests = settings.full_compare or load.documents <= settings.reconcile_documents
    raw = raw_side(snapshot.iter_batches(), intake, endpoint.layouts, digests=digests)
    return reconciled(connection, endpoint.layouts, load, raw, digests=digests)
