"""Dragon capsules, each a vehicle with a serial number (``/v4/capsules``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Text


class Capsule(Record):
    """A Dragon capsule."""

    id: Id = required("The capsule's id.")
    serial: FilledText = required("Serial number, for example C101.")
    status: FilledText = required("State: unknown, active, retired or destroyed.")
    type: FilledText = required("Generation: Dragon 1.0, Dragon 1.1 or Dragon 2.0.")
    dragon: Annotated[Id, Ref("dragons")] | None = optional(
        "The type of Dragon; never given by the source so far, see type."
    )
    reuse_count: Count | None = optional("Flights after the first, as the source counts past launches.")
    water_landings: Count | None = optional("Landings in water, as the source counts them from payloads.")
    land_landings: Count | None = optional("Landings on land, as the source counts them from payloads.")
    last_update: Text | None = optional("What was last heard of it.")
    launches: Annotated[Ids, BackRefs("launches", column="launch_ids")] | None = optional(
        "Launches it flew on, as the source derives them from past launches."
    )


capsules = Endpoint("capsules", "capsule", "/v4/capsules", Capsule, mark=("serial",))
