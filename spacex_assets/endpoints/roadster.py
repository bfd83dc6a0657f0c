"""The car in orbit around the Sun, a single object (``/v4/roadster``)."""

from typing import Annotated

from spacex_assets.endpoints.base import VOLATILE, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Id, Instant, Measure, Text, Texts
from spacex_assets.endpoints.promises import ECCENTRICITY, HALF_TURN, NOT_NEGATIVE, TURN

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
    orbit_type: Annotated[Text, OneOf("heliocentric")] | None = optional("What the orbit is around.")
    apoapsis_au: Moving | None = optional("Farthest distance from the Sun.", unit="au")
    periapsis_au: Moving | None = optional("Nearest distance to the Sun.", unit="au")
    semi_major_axis_au: Moving | None = optional(
        "Semi-major axis; known to be wrong, as it exceeds apoapsis_au.", unit="au"
    )
    eccentricity: Annotated[Moving, ECCENTRICITY] | None = optional("Eccentricity.")
    inclination: Annotated[Moving, HALF_TURN] | None = optional("Inclination.", unit="degrees")
    longitude: Annotated[Moving, TURN] | None = optional("Longitude of the ascending node.", unit="degrees")
    periapsis_arg: Annotated[Moving, TURN] | None = optional("Argument of periapsis.", unit="degrees")
    period_days: Annotated[Moving, NOT_NEGATIVE] | None = optional("Time of one revolution.", unit="days")
    speed_kph: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Speed; the source does not say relative to what.", unit="km/h"
    )
    speed_mph: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Speed; the source does not say relative to what.", unit="mph"
    )
    earth_distance_km: Annotated[Moving, NOT_NEGATIVE] | None = optional("Distance from Earth.", unit="km")
    earth_distance_mi: Annotated[Moving, NOT_NEGATIVE] | None = optional("Distance from Earth.", unit="miles")
    mars_distance_km: Annotated[Moving, NOT_NEGATIVE] | None = optional("Distance from Mars.", unit="km")
    mars_distance_mi: Annotated[Moving, NOT_NEGATIVE] | None = optional("Distance from Mars.", unit="miles")
    flickr_images: Texts | None = optional("Addresses of photographs.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    video: Text | None = optional("Address of a video.")
    details: Text | None = optional("What it is.")


roadster = Endpoint("roadster", "roadster", "/v4/roadster", Roadster, mark=("name",), single=True)
