"""First-stage cores, each a booster with a serial number (``/v4/cores``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Text
from spacex_assets.endpoints.promises import FLOWN, NOT_NEGATIVE, POSITIVE, UNIQUE, Mirrors


class CoreVehicle(Record):
    """A first-stage core."""

    id: Id = required("The core's id.")
    serial: Annotated[FilledText, UNIQUE] = required("Serial number, for example B1051.")
    block: Annotated[Count, POSITIVE] | None = optional(
        "Version of the design, from 1 to 5; null for cores of Falcon 1."
    )
    status: Annotated[FilledText, OneOf("active", "inactive", "unknown", "expended", "lost", "retired")] = required(
        "State: active, inactive, unknown, expended, lost or retired."
    )
    reuse_count: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Flights after the first, as the source counts past launches."
    )
    rtls_attempts: Annotated[Count, NOT_NEGATIVE] | None = optional("Attempts to land at the launch site (RTLS).")
    rtls_landings: Annotated[Count, NOT_NEGATIVE] | None = optional("Landings at the launch site (RTLS).")
    asds_attempts: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Attempts to land on a drone ship (ASDS); the source counts only the successful ones, so draw no rate from it: "
        "launch_cores has every attempt."
    )
    asds_landings: Annotated[Count, NOT_NEGATIVE] | None = optional("Landings on a drone ship (ASDS).")
    last_update: Text | None = optional("What was last heard of it.")
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launch_cores", "core_id", among=FLOWN)]
        | None
    ) = optional("Launches it flew on, as the source derives them from past launches.")


cores = Endpoint("cores", "core", "/v4/cores", CoreVehicle, mark=("serial",))
