"""The car in orbit around the Sun, a single object (``/v4/roadster``)."""

from typing import Annotated

from spacex_assets.endpoints.base import VOLATILE, Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Id, Instant, Measure, Text, Texts

Moving = Annotated[Measure, VOLATILE]


class Roadster(Record):
    """The car in orbit around the Sun; one row."""

    id: Id = required("The car's id.")
    name: Text | None = optional("Name.")
    launch_date_utc: Instant | None = optional("When it was launched.")
    launch_date_unix: BigCount | None = optional("When it was launched, counted since 1970.", unit="s")
    launch_mass_kg: Measure | None = optional("Mass at launch.", unit="kg")
    launch_mass_lbs: Measure | None = optional("Mass at launch.", unit="lb")
    norad_id: BigCount | None = optional("Catalogue number.")
    epoch_jd: Moving | None = optional("When the orbital elements held.", unit="Julian days")
    orbit_type: Text | None = optional("What the orbit is around.")
    apoapsis_au: Moving | None = optional("Farthest distance from the Sun.", unit="au")
    periapsis_au: Moving | None = optional("Nearest distance to the Sun.", unit="au")
    semi_major_axis_au: Moving | None = optional(
        "Semi-major axis; known to be wrong, as it exceeds apoapsis_au.", unit="au"
    )
    eccentricity: Moving | None = optional("Eccentricity.")
    inclination: Moving | None = optional("Inclination.", unit="degrees")
    longitude: Moving | None = optional("Longitude of the ascending node.", unit="degrees")
    periapsis_arg: Moving | None = optional("Argument of periapsis.", unit="degrees")
    period_days: Moving | None = optional("Time of one revolution.", unit="days")
    speed_kph: Moving | None = optional("Speed; the source does not say relative to what.", unit="km/h")
    speed_mph: Moving | None = optional("Speed; the source does not say relative to what.", unit="mph")
    earth_distance_km: Moving | None = optional("Distance from Earth.", unit="km")
    earth_distance_mi: Moving | None = optional("Distance from Earth.", unit="miles")
    mars_distance_km: Moving | None = optional("Distance from Mars.", unit="km")
    mars_distance_mi: Moving | None = optional("Distance from Mars.", unit="miles")
    flickr_images: Texts | None = optional("Addresses of photographs.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    video: Text | None = optional("Address of a video.")
    details: Text | None = optional("What it is.")


roadster = Endpoint("roadster", "roadster", "/v4/roadster", Roadster, mark=("name",), single=True)
