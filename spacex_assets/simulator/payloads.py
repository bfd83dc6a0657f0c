"""The simulated payloads, with the null rates and the mixture of whole and broken numbers of the real ones."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator import eras
from spacex_assets.simulator.dates import stamp
from spacex_assets.simulator.flights import Flight
from spacex_assets.simulator.identity import Nulls, chance, object_id
from spacex_assets.simulator.plan import DELETED_LAUNCHES, Plan
from spacex_assets.simulator.satellites import catalogue_numbers, satellite_launches

Document = dict[str, Any]
ORBITS = (
    ("VLEO", "very-low-earth", "geocentric", 13),
    ("GTO", "geostationary", "geocentric", 40),
    ("LEO", "low-earth", "geocentric", 39),
    ("PO", "low-earth", "geocentric", 11),
    ("PO", "polar", "geocentric", 5),
    ("SSO", "sun-synchronous", "geocentric", 15),
    ("MEO", "medium-earth", "geocentric", 4),
    ("MEO", "semi-synchronous", "geocentric", 3),
)
UNUSUAL_ORBITS = {
    0: ("SO", "sub-orbital", "geocentric"),
    9: ("HCO", None, "heliocentric"),
    12: ("TLI", "lunar", "trans-lunar-injection"),
    15: ("GEO", "geosynchronous", "geocentric"),
    20: ("HEO", "high-earth", "highly-elliptical"),
    24: ("BEO", "beyond-earth", "heliocentric"),
    26: ("ES-L1", "L1-point", "heliocentric"),
    28: ("HEO", "highly-elliptical", "geocentric"),
    39: ("MEO", None, None),
    43: (None, "low-earth", "geocentric"),
}
"""By the era of a past launch without a capsule."""
VERY_LOW = ("VLEO", "very-low-earth", "geocentric")
STATION = ("ISS", "low-earth", "geocentric")
CATALOGUED = {1: 60, 2: 3, 10: 7, 22: 2, 60: 1}
"""How many payloads have so many catalogue numbers, among satellites that have any."""
CATALOGUED_LAUNCHES = 10
"""Launches of the collection's own satellites whose payload lists their numbers."""
SHARING = 9
"""Payloads, modulo 75, that have the one catalogue number of the payload before."""
UNUSUAL_TYPES = {eras.BOILERPLATE: "Dragon Boilerplate", 12: "Lander"}
MAKERS = ("Aurora Works", "Borealis Space", "Société Orbitale", "Kestrel Labs", "Nordlys AS")
NATIONS = ("United States", "United States", "United States", "Norway", "Japan", "France", "Argentina")


def payload_documents(plan: Plan) -> Iterator[Document]:
    """Every payload, in the order of the launches; the last four point at launches that the source has deleted."""
    launches = satellite_launches(plan)
    catalogued = {launch: catalogue_numbers(launches, launch) for launch in launches[:CATALOGUED_LAUNCHES]}
    for flight in plan.flights:
        for index in flight.payloads:
            yield _payload(plan, index, flight, catalogued.get(flight.index))
    for index in range(plan.payloads - DELETED_LAUNCHES, plan.payloads):
        yield _payload(plan, index, None, None)


def _payload(plan: Plan, index: int, flight: Flight | None, satellites: range | None) -> Document:
    random, nulls = chance(plan.seed, "payloads", index), Nulls(plan.seed, "payloads", index)
    dragon = flight if flight and flight.capsule is not None and index == flight.payloads.start else None
    tracked = not nulls.hit("tracked", 0.49)
    launch = flight.index - _misfiled(flight) if flight else plan.launches + index
    kg = nulls("mass", 0.13, _number(random, 1, 15_600, broken=0.02))
    orbit, regime, system = _orbit(flight, dragon, random)
    moment = (flight or plan.flights[-1]).date + timedelta(hours=9, seconds=index % 60)
    return {
        "dragon": _dragon(dragon, index, random, nulls),
        "name": f"Payload {index + 1}{SIMULATED_MARK}",
        "type": _type(plan, flight, dragon),
        "reused": dragon is not None and plan.built_capsules[dragon.capsule or 0].flights[0] != dragon.index,
        "launch": object_id("launches", launch),
        "customers": random.sample(MAKERS, 3 if index % 75 == 2 else 2 if index % 25 == 1 else 1) if index % 56 else [],
        "norad_ids": list(satellites or _catalogued(index, dragon, random, nulls)),
        "nationalities": [random.choice(NATIONS)] if index % 57 else [],
        "manufacturers": random.sample(MAKERS, 2 if index % 75 == 4 else 1) if index % 13 else [],
        "mass_kg": kg,
        "mass_lbs": None if kg is None else _pounds(kg, index),
        "orbit": orbit,
        "reference_system": system,
        "regime": regime,
        "longitude": nulls("longitude", 0.84, _number(random, -116, 162, broken=0.39)),
        "semi_major_axis_km": round(random.uniform(6525, 42_164), 3) if tracked else None,
        "eccentricity": round(random.uniform(0.00001, 0.9), 7) if tracked else None,
        "periapsis_km": _track(index, 89, tracked, round(random.uniform(130, 35_700), 3)),
        "apoapsis_km": _track(index, 89, tracked, round(random.uniform(150, 35_900), 3)),
        "inclination_deg": _track(index, 45, tracked, round(random.uniform(0, 98), 4)),
        "period_min": round(random.uniform(87, 1436), 3) if tracked else None,
        "lifespan_years": _lifespan(index, random, nulls),
        "epoch": stamp(moment) if tracked else None,
        "mean_motion": round(random.uniform(0.07, 16.4), 8) if tracked else None,
        "raan": round(random.uniform(6, 347), 4) if tracked else None,
        "arg_of_pericenter": round(random.uniform(1, 337), 4) if tracked else None,
        "mean_anomaly": round(random.uniform(1, 358), 4) if tracked else None,
        "id": object_id("payloads", index),
    }


def _misfiled(flight: Flight) -> bool:
    return not flight.past and flight.era == eras.MISFILED_UPCOMING


def _type(plan: Plan, flight: Flight | None, dragon: Flight | None) -> str:
    if dragon is None or dragon.capsule is None:
        return UNUSUAL_TYPES.get(flight.era, "Satellite") if flight and flight.past else "Satellite"
    generation = plan.built_capsules[dragon.capsule].kind
    return "Crew Dragon" if dragon.crew else ("Dragon 1.0", "Dragon 1.1", "Dragon 2.0")[generation]


def _lifespan(index: int, random: Random, nulls: Nulls) -> float | None:
    unusual = {33: 0.00547945, 34: 3_500_000}.get(index % 220)
    return unusual or nulls("lifespan", 0.69, random.choice((15, 15, 15, 15, 15, 5, 2, 10, 1, 3)))


def _dragon(flight: Flight | None, index: int, random: Random, nulls: Nulls) -> Document:
    back = flight is not None and flight.success is True
    kg = nulls("returned", 0.15, _number(random, 150, 2500, broken=0.15)) if back else None
    return {
        "capsule": object_id("capsules", flight.capsule) if flight and flight.capsule is not None else None,
        "mass_returned_kg": kg,
        "mass_returned_lbs": None if kg is None else _pounds(kg, index),
        "flight_time_sec": random.randrange(139, 17_250_000) if back else None,
        "manifest": nulls("manifest", 0.4, f"https://encyclopedia.invalid/cargo/{index}") if flight else None,
        "water_landing": True if back else None,
        "land_landing": nulls("land_landing", 0.12, False) if back else None,
    }


def _catalogued(index: int, dragon: Flight | None, random: Random, nulls: Nulls) -> range:
    """Numbers of its own, with few exceptions."""
    if index % 75 == SHARING:
        return _catalogued(index - 1, dragon, random, nulls)
    first = 50_000 + index * 60
    if (index + 1) % 75 == SHARING:
        return range(first, first + 1)
    if dragon is not None:
        return range(first, first + 1)
    if nulls.hit("catalogued", 0.57):
        return range(0)
    return range(first, first + random.choices(list(CATALOGUED), list(CATALOGUED.values()))[0])


def _orbit(flight: Flight | None, dragon: Flight | None, random: Random) -> tuple[str | None, str | None, str | None]:
    if dragon is not None:
        return STATION
    if flight is not None and flight.past:
        if flight.era in UNUSUAL_ORBITS:
            return UNUSUAL_ORBITS[flight.era]
        if flight.era in eras.STARLINK:
            return VERY_LOW
    orbit, regime, system, _ = random.choices(ORBITS, [weight for *_, weight in ORBITS])[0]
    return orbit, regime, system


def _number(random: Random, low: int, high: int, broken: float) -> float:
    """A whole number mostly, as people enter them."""
    return random.randrange(low, high) + (random.randrange(1, 10) / 10 if random.random() < broken else 0)


def _pounds(kg: float, index: int) -> float:
    pounds = kg * 2.2046226
    return round(pounds, 1) if index % 3 == 0 else round(pounds)


def _track(index: int, every: int, tracked: bool, value: float) -> float | None:
    """An orbital element; now and then somebody has entered a whole one by hand."""
    if index % every == 5:
        return round(value)
    return value if tracked else None
