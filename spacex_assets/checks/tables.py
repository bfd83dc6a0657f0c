"""What is asked of an endpoint's tables after its load: one step, nothing is withheld any more.

All queries of the step see one state of the database until a check crashes, which hides none of the others: each is
judged and told by itself, then the step fails. It looks at other endpoints' tables too: in one process its priority
puts it after every load of the run, without waiting for those that fail; where steps run side by side, it waits for
those tables, and is skipped if one of them fails. What does not belong here: the single checks.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
import sqlalchemy as sa

from spacex_assets.assets.tables import settings_of
from spacex_assets.checks.findings import Findings
from spacex_assets.checks.look import looking, needed_by
from spacex_assets.checks.promises import UNIQUE
from spacex_assets.config import Executor, Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.errors import PlatformError
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.errors import is_fault
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import step_context
from spacex_assets.retries import retried

INTEGRITY, QUALITY, DRIFT = "integrity", "quality", "drift"
AFTER_LOADS = {"dagster/priority": "-1"}


class ChecksCrashed(PlatformError):
    """Checks of an endpoint ended with errors instead of verdicts."""


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
                additional_deps=_awaited(endpoint, settings),
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
        op_tags=AFTER_LOADS,
        pool=endpoint.name,
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        lake: dg.ResourceParam[TypedLake],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.AssetCheckResult]:
        with step_context(context, endpoint.name), retried(context.op_execution_context.retry_number):
            crashed, chosen = {}, {key.name for key in context.selected_asset_check_keys}
            with looking(endpoint, warehouse, lake, settings_of(context.run, settings)) as look:
                for name, judge in {INTEGRITY: look.integrity, QUALITY: look.quality, DRIFT: look.drift}.items():
                    if name not in chosen:
                        continue
                    found = look.tried(judge)
                    if isinstance(found, Exception):
                        crashed[name] = found
                    else:
                        yield found.result(name, main, severity(name, found))
            if crashed:
                raise failure(endpoint.name, crashed)

    return check


def _awaited(endpoint: Endpoint, settings: Settings) -> list[dg.AssetKey]:
    """The tables that have to be loaded before: where steps run side by side, priority alone does not see to that."""
    if settings.executor is Executor.IN_PROCESS:
        return []
    return [dg.AssetKey([SCHEMA, name]) for name in sorted(needed_by(endpoint) - {endpoint.name})]


def severity(check: str, found: Findings) -> dg.AssetCheckSeverity:
    """Our work has to be right, and a value that was promised to be unique breaks joins; the rest is the source's."""
    broken_join = check == QUALITY and any(UNIQUE in rule for rule in found.totals)
    return dg.AssetCheckSeverity.ERROR if check == INTEGRITY or broken_join else dg.AssetCheckSeverity.WARN


def failure(endpoint: str, crashed: Mapping[str, Exception]) -> Exception:
    """What fails the step after checks ended with errors: a fault, which is worth another attempt, else all of them."""
    faults = [error for error in crashed.values() if is_fault(error)]
    if faults:
        return faults[0]
    told = "; ".join(f"{check} has no verdict: {_told(error)}" for check, error in crashed.items())
    wrapped = ChecksCrashed(
        f"{endpoint}: {told}. The tables stay as loaded, the other checks were judged; mend the check, then run again."
    )
    wrapped.__cause__ = next(iter(crashed.values()))
    return wrapped


def _told(error: Exception) -> str:
    """An error in short; PostgreSQL's without the statement, which the cause has."""
    words = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return f"{type(error).__name__}: {str(words).strip()}"
