"""What a tick of the sensor ``incidents`` does: looks what is wrong, keeps the incidents, tells the destinations."""

from collections.abc import Mapping
from dataclasses import replace

import dagster as dg
import sqlalchemy as sa

from spacex_assets.automation.alerts.delivery import deliver
from spacex_assets.automation.alerts.destinations import LOG, Destination, Log, destination
from spacex_assets.automation.alerts.facts import facts
from spacex_assets.automation.alerts.notices import Links
from spacex_assets.automation.alerts.problems import Facts, found
from spacex_assets.automation.alone import alone
from spacex_assets.automation.incidents import NAME
from spacex_assets.config import Settings
from spacex_assets.load import incidents
from spacex_assets.scrub import Scrubber, scrubber

ERROR_KEPT = 4000
"""How many characters of an error are kept."""


def look_and_tell(
    engine: sa.Engine, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, settings: Settings
) -> str:
    """What a tick does; says what is wrong. Does nothing while another process is at it."""
    destinations = destinations_of(settings)
    scrub = scrubber(settings)
    with alone(engine, NAME) as allowed:
        if not allowed:
            return "Another process is looking."
        with engine.begin() as connection:
            seen = facts(connection, instance, repository, settings.fresh_windows[1], but=NAME)
            _keep(connection, seen, destinations, scrub)
        deliver(engine, destinations, Links(settings.ui_shown, settings.runbook_url), scrub, settings.alert_timeout)
        with engine.connect() as connection:
            wrong = incidents.open_incidents(connection)
    return "; ".join(f"{one.kind}: {one.subject}" for one in wrong) or "Nothing is wrong."


def destinations_of(settings: Settings) -> dict[str, Destination]:
    """The log and the destinations of the settings, by name."""
    named = {name: destination(name, url.get_secret_value()) for name, url in settings.alerts.items()}
    return {LOG: Log(), **named}


def _keep(connection: sa.Connection, seen: Facts, destinations: Mapping[str, Destination], scrub: Scrubber) -> None:
    now = found(seen)
    incidents.record_seen(connection, {name: one.channel for name, one in destinations.items()}, seen.at)
    problems = [replace(one, error=scrub(one.error)[:ERROR_KEPT]) for one in now.problems]
    incidents.reconcile(connection, problems, now.undecided, destinations, seen.at)
    incidents.record_check_failures(
        connection,
        [
            {
                "asset": one.asset,
                "check_name": one.check,
                "endpoint": one.endpoint,
                "severity": one.severity,
                "description": one.description,
                "run_id": one.run_id,
                "evaluated_at": one.evaluated_at,
            }
            for one in seen.verdicts
        ],
    )
