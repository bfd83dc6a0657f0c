"""What launches carry (``/v4/payloads``)."""

from typing import Annotated

from spacex_assets.endpoints.base import Endpoint, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import BigCount, BigCounts, Flag, Id, Instant, Measure, Text, Texts


class DragonFlight(Record):
    """The flight of the capsule that was, or carried, the payload; all null for other payloads."""

    capsule: Annotated[Id, Ref("capsules")] | None = optional("The capsule.")
    mass_returned_kg: Measure | None = optional("Mass brought back.", unit="kg")
    mass_returned_lbs: Measure | None = optional("Mass brought back.", unit="lb")
    flight_time_sec: BigCount | None = optional("Duration of the flight.", unit="s")
    manifest: Text | None = optional("Address of the manifest.")
    water_landing: Flag | None = optional("Whether it landed in water.")
    land_landing: Flag | None = optional("Whether it landed on land.")


class Payload(Record):
    """A payload: a satellite, a group of them, a capsule or a lander."""

    id: Id = required("The payload's id.")
    name: Text | None = optional("Name.")
    type: Text | None = optional(
        "Kind of payload: Satellite, Lander, Crew Dragon, Dragon 1.0, Dragon 1.1, Dragon 2.0 or Dragon Boilerplate."
    )
    reused: Flag | None = optional("Whether it had flown before.")
    launch: Annotated[Id, Ref("launches")] | None = optional(
        "The launch, as the payload's own document says; launch_payloads is the authoritative side."
    )
    customers: Texts | None = optional("Who ordered the launch.")
    norad_ids: BigCounts | None = optional("Catalogue numbers of its objects; not unique across payloads.")
    nationalities: Texts | None = optional("Countries of the customers.")
    manufacturers: Texts | None = optional("Who built it.")
    mass_kg: Measure | None = optional("Mass.", unit="kg")
    mass_lbs: Measure | None = optional("Mass, rounded by the source on its own.", unit="lb")
    orbit: Text | None = optional("Kind of orbit, abbreviated, for example LEO, VLEO, SSO, PO, ISS, MEO, GTO or GEO.")
    reference_system: Text | None = optional(
        "What the orbit is around: geocentric or heliocentric; the source has other words here by mistake."
    )
    regime: Text | None = optional(
        "Class of the orbit, for example low-earth, sun-synchronous, geostationary or lunar."
    )
    longitude: Measure | None = optional("Longitude of a geostationary payload, east is positive.", unit="degrees")
    semi_major_axis_km: Measure | None = optional("Semi-major axis.", unit="km")
    eccentricity: Measure | None = optional("Eccentricity.")
    periapsis_km: Measure | None = optional("Height of the orbit's lowest point.", unit="km")
    apoapsis_km: Measure | None = optional("Height of the orbit's highest point.", unit="km")
    inclination_deg: Measure | None = optional("Inclination.", unit="degrees")
    period_min: Measure | None = optional("Time of one revolution.", unit="minutes")
    lifespan_years: Measure | None = optional("Planned life; a fraction of a day to millions of years.", unit="years")
    epoch: Instant | None = optional("When the orbital elements held.")
    mean_motion: Measure | None = optional("Mean motion.", unit="revolutions per day")
    raan: Measure | None = optional("Right ascension of the ascending node.", unit="degrees")
    arg_of_pericenter: Measure | None = optional("Argument of pericenter.", unit="degrees")
    mean_anomaly: Measure | None = optional("Mean anomaly.", unit="degrees")
    dragon: DragonFlight


payloads = Endpoint("payloads", "payload", "/v4/payloads", Payload, mark=("name",))
