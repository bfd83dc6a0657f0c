"""Dragon capsules, each a vehicle with a serial number (``/v4/capsules``)."""

from typing import Annotated

from spacex_assets.endpoints.base import UNGIVEN, BackRefs, Endpoint, OneOf, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Text
from spacex_assets.endpoints.promises import FLOWN, NOT_NEGATIVE, UNIQUE, Mirrors


class Capsule(Record):
    """A Dragon capsule."""

    id: Id = required("The capsule's id.")
    serial: Annotated[FilledText, UNIQUE] = required("Serial number, for example C101.")
    status: Annotated[FilledText, OneOf("unknown", "active", "retired", "destroyed")] = required(
        "State: unknown, active, retired or destroyed."
    )
    type: Annotated[FilledText, OneOf("Dragon 1.0", "Dragon 1.1", "Dragon 2.0")] = required(
        "Generation: Dragon 1.0, Dragon 1.1 or Dragon 2.0."
    )
    dragon: Annotated[Id, Ref("dragons"), UNGIVEN] | None = optional(
        "The type of Dragon; never given by the source so far, see type."
    )
    reuse_count: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Flights after the first, as the source counts past launches."
    )
    water_landings: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Landings in water, as the source counts them from payloads."
    )
    land_landings: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Landings on land, as the source counts them from payloads."
    )
    last_update: Text | None = optional("What was last heard of it.")
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launch_capsules", "capsule_id", among=FLOWN)]
        | None
    ) = optional("Launches it flew on, as the source derives them from past launches.")


capsules = Endpoint("capsules", "capsule", "/v4/capsules", Capsule, mark=("serial",))
