"""What launches carry (``/v4/payloads``)."""

from typing import Annotated

from spacex_assets.endpoints.base import Endpoint, OneOf, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import BigCount, BigCounts, Flag, Id, Instant, Measure, Text, Texts
from spacex_assets.endpoints.promises import ECCENTRICITY, HALF_TURN, LONGITUDE, NOT_NEGATIVE, TURN, UNIQUE, Mirrors

TYPES = OneOf("Satellite", "Dragon 1.0", "Dragon 1.1", "Dragon 2.0", "Crew Dragon", "Dragon Boilerplate", "Lander")
ORBITS = OneOf("BEO", "ES-L1", "GEO", "GTO", "HCO", "HEO", "ISS", "LEO", "MEO", "PO", "SO", "SSO", "TLI", "VLEO")
REFERENCE_SYSTEMS = OneOf("geocentric", "heliocentric", "highly-elliptical", "trans-lunar-injection")
REGIMES = OneOf(
    *("sub-orbital", "very-low-earth", "low-earth", "medium-earth", "high-earth", "beyond-earth", "lunar", "L1-point"),
    *("polar", "sun-synchronous", "semi-synchronous", "geosynchronous", "geostationary", "highly-elliptical"),
)


class DragonFlight(Record):
    """The flight of the capsule that was, or carried, the payload; all null for other payloads."""

    capsule: Annotated[Id, Ref("capsules")] | None = optional("The capsule.")
    mass_returned_kg: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass brought back.", unit="kg")
    mass_returned_lbs: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass brought back.", unit="lb")
    flight_time_sec: Annotated[BigCount, NOT_NEGATIVE] | None = optional("Duration of the flight.", unit="s")
    manifest: Text | None = optional("Address of the manifest.")
    water_landing: Flag | None = optional("Whether it landed in water.")
    land_landing: Flag | None = optional("Whether it landed on land.")


class Payload(Record):
    """A payload: a satellite, a group of them, a capsule or a lander."""

    id: Id = required("The payload's id.")
    name: Annotated[Text, UNIQUE] | None = optional("Name.")
    type: Annotated[Text, TYPES] | None = optional(
        "Kind of payload: Satellite, Lander, Crew Dragon, Dragon 1.0, Dragon 1.1, Dragon 2.0 or Dragon Boilerplate."
    )
    reused: Flag | None = optional("Whether it had flown before.")
    launch: Annotated[Id, Ref("launches"), Mirrors("launch_payloads", "payload_id")] | None = optional(
        "The launch, as the payload's own document says; launch_payloads is the authoritative side."
    )
    customers: Texts | None = optional("Who ordered the launch.")
    norad_ids: BigCounts | None = optional("Catalogue numbers of its objects; not unique across payloads.")
    nationalities: Texts | None = optional("Countries of the customers.")
    manufacturers: Texts | None = optional("Who built it.")
    mass_kg: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass.", unit="kg")
    mass_lbs: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass, rounded by the source on its own.", unit="lb")
    orbit: Annotated[Text, ORBITS] | None = optional(
        "Kind of orbit, abbreviated, for example LEO, VLEO, SSO, PO, ISS, MEO, GTO or GEO."
    )
    reference_system: Annotated[Text, REFERENCE_SYSTEMS] | None = optional(
        "What the orbit is around: geocentric or heliocentric; the source has other words here by mistake."
    )
    regime: Annotated[Text, REGIMES] | None = optional(
        "Class of the orbit, for example low-earth, sun-synchronous, geostationary or lunar."
    )
    longitude: Annotated[Measure, LONGITUDE] | None = optional(
        "Longitude of a geostationary payload, east is positive.", unit="degrees"
    )
    semi_major_axis_km: Annotated[Measure, NOT_NEGATIVE] | None = optional("Semi-major axis.", unit="km")
    eccentricity: Annotated[Measure, ECCENTRICITY] | None = optional("Eccentricity.")
    periapsis_km: Measure | None = optional("Height of the orbit's lowest point.", unit="km")
    apoapsis_km: Measure | None = optional("Height of the orbit's highest point.", unit="km")
    inclination_deg: Annotated[Measure, HALF_TURN] | None = optional("Inclination.", unit="degrees")
    period_min: Annotated[Measure, NOT_NEGATIVE] | None = optional("Time of one revolution.", unit="minutes")
    lifespan_years: Annotated[Measure, NOT_NEGATIVE] | None = optional(
        "Planned life; a fraction of a day to millions of years.", unit="years"
    )
    epoch: Instant | None = optional("When the orbital elements held.")
    mean_motion: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mean motion.", unit="revolutions per day")
    raan: Annotated[Measure, TURN] | None = optional("Right ascension of the ascending node.", unit="degrees")
    arg_of_pericenter: Annotated[Measure, TURN] | None = optional("Argument of pericenter.", unit="degrees")
    mean_anomaly: Annotated[Measure, TURN] | None = optional("Mean anomaly.", unit="degrees")
    dragon: DragonFlight


payloads = Endpoint("payloads", "payload", "/v4/payloads", Payload, mark=("name",))
