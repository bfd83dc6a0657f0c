"""The platform's definitions with a sensor beside them whose every tick fails; a daemon in the tests loads them."""

import dagster as dg

from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs


@dg.sensor(name="broken", minimum_interval_seconds=5, default_status=dg.DefaultSensorStatus.RUNNING)
def broken() -> dg.SkipReason:
    raise RuntimeError("nothing to be seen at http://me:tick-secret@127.0.0.1/")


defs = dg.Definitions.merge(build_defs(Settings()), dg.Definitions(sensors=[broken]))
