"""Landing zones and drone ships (``/v4/landpads``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Measure, Text, Texts
from spacex_assets.endpoints.promises import FLOWN, LATITUDE, LONGITUDE, NOT_NEGATIVE, UNIQUE, Mirrors


class Images(Record):
    """Pictures."""

    large: Texts | None = optional("Addresses of large pictures.")


class Landpad(Record):
    """A landing zone or drone ship."""

    id: Id = required("The landpad's id.")
    name: Annotated[Text, UNIQUE] | None = optional("Short name.")
    full_name: Annotated[Text, UNIQUE] | None = optional("Full name.")
    status: Annotated[FilledText, OneOf("active", "inactive", "unknown", "retired", "lost", "under construction")] = (
        required("State: active, inactive, unknown, retired, lost or under construction.")
    )
    type: Annotated[Text, OneOf("ASDS", "RTLS")] | None = optional("ASDS (drone ship) or RTLS (landing zone).")
    locality: Text | None = optional("Town or port.")
    region: Text | None = optional("State.")
    latitude: Annotated[Measure, LATITUDE] | None = optional(
        "Latitude, north is positive; of the port for a drone ship.", unit="degrees"
    )
    longitude: Annotated[Measure, LONGITUDE] | None = optional(
        "Longitude, east is positive; of the port for a drone ship.", unit="degrees"
    )
    landing_attempts: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Landings attempted, as the source counts them; known to disagree with launch_ids."
    )
    landing_successes: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Landings that succeeded, as the source counts them."
    )
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    details: Text | None = optional("What it is.")
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launch_cores", "landpad_id", among=FLOWN)]
        | None
    ) = optional("Launches whose cores landed here, as the source derives them from past launches.")
    images: Images


landpads = Endpoint("landpads", "landpad", "/v4/landpads", Landpad, mark=("full_name",))
