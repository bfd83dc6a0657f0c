"""The bad verdicts on the checks of the graph."""

import dagster as dg

from spacex_assets.checks.verdicts import Verdict, bad_verdicts
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs


def graph_verdicts(settings: Settings) -> list[Verdict]:
    """The bad verdicts on the checks of the graph, in the instance of DAGSTER_HOME."""
    keys = build_defs(settings).resolve_asset_graph().asset_check_keys
    with dg.DagsterInstance.get() as instance:
        return bad_verdicts(instance, keys)
