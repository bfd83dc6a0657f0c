"""Launch sites (``/v4/launchpads``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import Count, FilledText, Id, Ids, Measure, Text
from spacex_assets.endpoints.landpads import Images


class Launchpad(Record):
    """A launch site."""

    id: Id = required("The launchpad's id.")
    name: Text | None = optional("Short name.")
    full_name: Text | None = optional("Full name.")
    status: FilledText = required("State: active, inactive, unknown, retired, lost or under construction.")
    locality: Text | None = optional("Town or base.")
    region: Text | None = optional("State or group of islands.")
    timezone: Text | None = optional("Time zone, by its IANA name.")
    latitude: Measure | None = optional("Latitude, north is positive.", unit="degrees")
    longitude: Measure | None = optional("Longitude, east is positive.", unit="degrees")
    launch_attempts: Count | None = optional("Launches attempted, as the source counts past launches.")
    launch_successes: Count | None = optional("Launches that succeeded, as the source counts past launches.")
    rockets: Annotated[Ids, BackRefs("rockets", column="rocket_ids")] | None = optional(
        "Types of rocket that launch here."
    )
    launches: Annotated[Ids, BackRefs("launches", column="launch_ids")] | None = optional(
        "Launches from here, as the source derives them from past launches."
    )
    details: Text | None = optional("What it is.")
    images: Images


launchpads = Endpoint("launchpads", "launchpad", "/v4/launchpads", Launchpad, mark=("full_name",))
