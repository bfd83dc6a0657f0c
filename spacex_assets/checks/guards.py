"""What is asked of an endpoint's typed frames before PostgreSQL is touched; one failure withholds all its tables.

One step per endpoint. A snapshot that is withheld is written to the ledger and to quarantine. What does not belong
here: the guards of a raw body (``extract/guards.py``), which stop most empty and shrunken ones earlier.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl

from spacex_assets.assets.failures import ledger_hook
from spacex_assets.assets.tables import origin_of
from spacex_assets.checks.drift import refused
from spacex_assets.checks.findings import SHOWN, Finding, Findings
from spacex_assets.config import Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.errors import PlatformError
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.precheck import repeated
from spacex_assets.load.transaction import record_blocked
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import step_context
from spacex_assets.retries import retried
from spacex_assets.transform.intake import Intake

GUARD = "guard"
PASSES = {"quarantine": "SPACEX_QUARANTINE_LIMIT=1", "shrunk": "SPACEX_SHRINK_LIMIT=1"}
"""What lets a snapshot pass once that breaks no other rule."""


class EndpointWithheld(PlatformError):
    """A guard withheld a snapshot; the tables stay as they are."""


def guard_checks(endpoint: Endpoint, settings: Settings) -> dg.AssetsDefinition:
    """The blocking check on ``typed/<main table>`` of an endpoint, about all its frames."""
    main = ["typed", endpoint.name]
    frames = [dg.AssetKey(["typed", layout.name]) for layout in endpoint.layouts[1:]]

    @dg.multi_asset_check(
        name=f"guard_{endpoint.name}",
        specs=[
            dg.AssetCheckSpec(
                GUARD,
                asset=main,
                additional_deps=frames,
                blocking=True,
                description="Columns, types and NOT NULL of all frames are the declared ones, keys are unique, and not "
                "too many documents are in quarantine or gone since the last load. SPACEX_SHRINK_LIMIT=1 lets a "
                "shrunken endpoint pass once, SPACEX_QUARANTINE_LIMIT=1 one with many broken documents.",
            )
        ],
        pool=endpoint.name,
    )
    def guard(
        context: dg.AssetCheckExecutionContext,
        lake: dg.ResourceParam[TypedLake],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.AssetCheckResult]:
        with step_context(context, endpoint.name), retried(context.op_execution_context.retry_number):
            snapshot = lake.raw.resolve(endpoint.name, context.run.run_id)
            intake = lake.read_intake(endpoint, snapshot)
            seen = pl.read_parquet(lake.frame(endpoint.layouts[0], snapshot), columns=["id"])["id"].to_list()
            seen += [one.document_id for one in intake.rejected if one.document_id is not None]
            before, lost = warehouse.vanished(endpoint.name, seen)
            found = volume_findings(intake, before, lost, settings)
            found += refused(intake)
            for layout in endpoint.layouts:
                found += contract_findings(lake.frame(layout, snapshot), layout)
            if found.findings:
                origin = origin_of(snapshot, intake, context.run.run_id)
                record_blocked(warehouse.engine, origin, endpoint.layouts, str(found))
            yield found.result(GUARD, main, dg.AssetCheckSeverity.ERROR)
            if found.findings:
                raise EndpointWithheld(
                    f"{endpoint.name}: withheld: {found}. The tables stay as they are; ops.loads and "
                    f"ops.quarantine show the snapshot. {_next(found)}"
                )

    return guard.with_hooks({ledger_hook(endpoint)})


def contract_findings(stored: Path | bytes, layout: TableLayout) -> Findings:
    """In what a stored frame, a Parquet file, differs from its layout."""
    found = dict(pl.read_parquet_schema(stored))
    wrong = [
        Finding(
            "schema", name, f"expected {layout.schema.get(name, 'no such column')}, found {found.get(name, 'none')}"
        )
        for name in {**layout.schema, **found}
        if layout.schema.get(name) != found.get(name)
    ]
    if wrong:
        return Findings(tuple(wrong))
    required = [column.name for column in layout.columns if not column.nullable or column.name in layout.key]
    frame = pl.read_parquet(stored, columns=required)
    wrong = [
        Finding(f"{layout.name}: null", column.name, f"in {nulls} row(s)", nulls)
        for column in frame
        if (nulls := column.null_count())
    ]
    twice = repeated(frame.select(layout.key))
    wrong += [
        Finding(f"{layout.name}: key is not unique", ", ".join(map(str, key)), "more than once", twice.height)
        for key in twice.head(SHOWN).rows()
    ]
    return Findings(tuple(wrong), {f"rows_of_{layout.name}": frame.height})


def volume_findings(intake: Intake, before: int, lost: int, settings: Settings) -> Findings:
    """Whether too many documents are in quarantine, none is left, or too many are gone.

    The table has ``before`` documents; ``lost`` of them are not in the snapshot, whatever came in their place.
    """
    wrong = []
    share = intake.quarantined / intake.documents if intake.documents else 0
    if intake.accepted == 0:
        text = f"{intake.quarantined} of {intake.documents} document(s) are in quarantine{_first(intake)}"
        wrong.append(("nothing is left", text))
    elif share > settings.quarantine_limit:
        limit = f"more than {settings.quarantine_limit:.0%} (SPACEX_QUARANTINE_LIMIT)"
        text = f"{intake.quarantined} of {intake.documents} document(s), {share:.1%}, {limit}{_first(intake)}"
        wrong.append(("quarantine", text))
    if lost >= settings.shrink_minimum and lost > settings.shrink_limit * before:
        limit = f"more than {settings.shrink_limit:.0%} (SPACEX_SHRINK_LIMIT)"
        wrong.append(("shrunk", f"{lost} of {before} document(s) in the table are not in the snapshot, {limit}"))
    keys = ", ".join(rejected.key for rejected in intake.rejected[:SHOWN])
    figures: dict[str, int | str] = {
        "documents": intake.documents,
        "accepted": intake.accepted,
        "quarantined": intake.quarantined,
        "collapsed": intake.collapsed,
        "documents_in_the_table": before,
        "vanished": lost,
    }
    if keys:
        figures["quarantined_keys"] = keys
    return Findings(tuple(Finding(rule, "", text) for rule, text in wrong), figures)


def _first(intake: Intake) -> str:
    return f"; the first: {intake.rejected[0]}" if intake.rejected else ""


def _next(found: Findings) -> str:
    """What to do about findings; only some of them may be let pass."""
    if found.totals.keys() <= PASSES.keys():
        return f"Correct the source, or let it pass once: {' '.join(PASSES[rule] for rule in found.totals)} make run."
    return "Correct the source, or its record if the documents are right."
