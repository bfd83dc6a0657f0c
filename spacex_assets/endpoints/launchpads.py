"""Launch sites (``/v4/launchpads``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Measure, Text
from spacex_assets.endpoints.landpads import Images
from spacex_assets.endpoints.promises import FLOWN, LATITUDE, LONGITUDE, NOT_NEGATIVE, UNIQUE, Mirrors


class Launchpad(Record):
    """A launch site."""

    id: Id = required("The launchpad's id.")
    name: Annotated[Text, UNIQUE] | None = optional("Short name.")
    full_name: Annotated[Text, UNIQUE] | None = optional("Full name.")
    status: Annotated[FilledText, OneOf("active", "inactive", "unknown", "retired", "lost", "under construction")] = (
        required("State: active, inactive, unknown, retired, lost or under construction.")
    )
    locality: Text | None = optional("Town or base.")
    region: Text | None = optional("State or group of islands.")
    timezone: Text | None = optional("Time zone, by its IANA name.")
    latitude: Annotated[Measure, LATITUDE] | None = optional("Latitude, north is positive.", unit="degrees")
    longitude: Annotated[Measure, LONGITUDE] | None = optional("Longitude, east is positive.", unit="degrees")
    launch_attempts: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Launches attempted, as the source counts past launches."
    )
    launch_successes: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Launches that succeeded, as the source counts past launches."
    )
    rockets: Annotated[Ids, BackRefs("rockets", column="rocket_ids")] | None = optional(
        "Types of rocket that launch here."
    )
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launches", "launchpad_id", among=FLOWN)]
        | None
    ) = optional("Launches from here, as the source derives them from past launches.")
    details: Text | None = optional("What it is.")
    images: Images


launchpads = Endpoint("launchpads", "launchpad", "/v4/launchpads", Launchpad, mark=("full_name",))
