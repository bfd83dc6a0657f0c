"""First-stage cores, each a booster with a serial number (``/v4/cores``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Text


class CoreVehicle(Record):
    """A first-stage core."""

    id: Id = required("The core's id.")
    serial: FilledText = required("Serial number, for example B1051.")
    block: Count | None = optional("Version of the design, from 1 to 5; null for cores of Falcon 1.")
    status: FilledText = required("State: active, inactive, unknown, expended, lost or retired.")
    reuse_count: Count | None = optional("Flights after the first, as the source counts past launches.")
    rtls_attempts: Count | None = optional("Attempts to land at the launch site (RTLS).")
    rtls_landings: Count | None = optional("Landings at the launch site (RTLS).")
    asds_attempts: Count | None = optional(
        "Attempts to land on a drone ship (ASDS); the source counts only the successful ones, so draw no rate from it: "
        "launch_cores has every attempt."
    )
    asds_landings: Count | None = optional("Landings on a drone ship (ASDS).")
    last_update: Text | None = optional("What was last heard of it.")
    launches: Annotated[Ids, BackRefs("launches", column="launch_ids")] | None = optional(
        "Launches it flew on, as the source derives them from past launches."
    )


cores = Endpoint("cores", "core", "/v4/cores", CoreVehicle, mark=("serial",))
