"""The sensor ``incidents``: every run loads it, so what it does, in ``alerts/watch.py``, is imported by a tick only."""

import dagster as dg

from spacex_assets.config import Settings
from spacex_assets.logs import tick_context

NAME = "incidents"
INTERVAL = 30


def incidents_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor; it launches nothing."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"warehouse"},
        description="Tells the destinations in SPACEX_ALERTS, and the log, of every incident once when it begins and "
        "once when it is over: docs/runbook.md.",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        from spacex_assets.automation.alerts.watch import look_and_tell

        assert context.repository_def is not None
        with tick_context(sensor=NAME):
            return dg.SkipReason(
                look_and_tell(context.resources.warehouse.engine, context.instance, context.repository_def, settings)
            )

    return look
