"""The simulated launches and payloads, with the shapes, null rates and oddities of the real ones."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator.identity import chance, maybe, object_id
from spacex_assets.simulator.plan import FALCON_1, KWAJALEIN, VANDENBERG, CoreFlight, Flight, Plan

Document = dict[str, Any]
ROLES = ("Commander", "Pilot", "Mission Specialist 1", "Mission Specialist 2")
ORBITS = (
    ("VLEO", "very-low-earth", 61),
    ("GTO", "geostationary", 40),
    ("LEO", "low-earth", 39),
    ("ISS", "low-earth", 33),
    ("PO", "polar", 17),
    ("SSO", "sun-synchronous", 15),
    ("MEO", "medium-earth", 8),
)
MAKERS = ("Aurora Works", "Borealis Space", "Société Orbitale", "Kestrel Labs", "Nordlys AS")
NATIONS = ("United States", "United States", "United States", "Norway", "Japan", "France", "Argentina")


def launch_documents(plan: Plan) -> Iterator[Document]:
    """Every launch, ascending by flight number."""
    for flight in plan.flights:
        yield _launch(plan, flight)


def stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, as the source writes instants."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _launch(plan: Plan, flight: Flight) -> Document:
    random = chance(plan.seed, "launches", flight.index)
    date, precision = flight.date, "hour"
    if not flight.past:
        precision = random.choice(("hour", "month", "day"))
        date = date.replace(hour=0, minute=0) if precision != "hour" else date
        date = date.replace(day=1) if precision == "month" else date
    static_fire = None if random.random() < 0.37 or not flight.past else date - timedelta(days=4)
    video = f"sim{flight.index:08d}"
    # A few launches have dates that disagree, as the source has.
    odd = flight.index % 67
    unix = int(date.timestamp()) - (120 if odd == 31 else 20 * 86400 if odd == 9 else 0)
    local = date + timedelta(days=1) if odd in (8, 14) else date
    return {
        "fairings": _fairings(flight, random),
        "links": {
            "patch": _patch(random, video),
            "reddit": {
                "campaign": maybe(random, 0.27, f"https://forum.invalid/{video}/campaign"),
                "launch": maybe(random, 0.20, f"https://forum.invalid/{video}/launch"),
                "media": maybe(random, 0.57, f"https://forum.invalid/{video}/media"),
                "recovery": maybe(random, 0.54, f"https://forum.invalid/{video}/recovery"),
            },
            "flickr": {"small": [], "original": _photographs(flight, random, video)},
            "presskit": maybe(random, 0.56, f"https://press.invalid/{video}.pdf"),
            "webcast": None if not flight.past else f"https://video.invalid/watch?v={video}",
            "youtube_id": None if not flight.past else video,
            "article": maybe(random, 0.31, f"https://news.invalid/{video}"),
            "wikipedia": maybe(random, 0.24, f"https://encyclopedia.invalid/wiki/{video}"),
        },
        "static_fire_date_utc": static_fire and stamp(static_fire),
        "static_fire_date_unix": static_fire and int(static_fire.timestamp()),
        "net": False,
        "window": maybe(random, 0.43, random.choice((0, 0, 600, 7200, 18300))),
        "rocket": object_id("rockets", flight.rocket),
        "success": flight.success,
        "failures": _failures(flight, random),
        "details": maybe(random, 0.35, _details(flight, random)),
        "crew": [
            {"crew": object_id("crew", person), "role": role} for person, role in zip(flight.crew, ROLES, strict=False)
        ],
        "ships": [object_id("ships", ship) for ship in flight.ships],
        "capsules": [object_id("capsules", flight.capsule)] if flight.capsule is not None else [],
        "payloads": [object_id("payloads", payload) for payload in flight.payloads],
        "launchpad": object_id("launchpads", flight.launchpad),
        "flight_number": min(flight.index + 1, plan.past + 1) if flight.index % 50 == 41 else flight.index + 1,
        "name": f"Mission {flight.index + 1}{SIMULATED_MARK}",
        "date_utc": stamp(date),
        "date_unix": unix,
        "date_local": local.astimezone(_zone(flight)).isoformat(timespec="seconds"),
        "date_precision": precision,
        "upcoming": not flight.past,
        "cores": [_core(flight, core, random) for core in flight.cores],
        "auto_update": flight.index % 68 != 3,
        "tbd": False,
        "launch_library_id": maybe(random, 0.65, f"{random.getrandbits(32):08x}-0000-4000-8000-{flight.index:012x}"),
        "id": object_id("launches", flight.index),
    }


def _zone(flight: Flight) -> ZoneInfo:
    if flight.launchpad == KWAJALEIN:
        return ZoneInfo("Pacific/Kwajalein")
    return ZoneInfo("America/Los_Angeles" if flight.launchpad == VANDENBERG else "America/New_York")


def _fairings(flight: Flight, random: Random) -> Document | None:
    if flight.capsule is not None:
        return None
    return {
        "reused": maybe(random, 0.45, random.random() < 0.22),
        "recovery_attempt": maybe(random, 0.37, random.random() < 0.5),
        "recovered": maybe(random, 0.50, random.random() < 0.3),
        "ships": [object_id("ships", ship) for ship in flight.fairing_ships],
    }


def _patch(random: Random, video: str) -> Document:
    there = random.random() >= 0.08
    return {size: f"https://images.invalid/{video}-{size}.png" if there else None for size in ("small", "large")}


def _photographs(flight: Flight, random: Random, video: str) -> list[str]:
    count = random.choice((0, 0, 0, 2, 3, 4, 5, 6, 8, 12)) if flight.past else 0
    return [f"https://photos.invalid/{video}/{number}.jpg" for number in range(count)]


def _failures(flight: Flight, random: Random) -> list[Document]:
    if flight.success is not False:
        return []
    if flight.index % 101 == 18:
        return [{"time": -165180, "altitude": 0, "reason": "tank burst on the pad before the static fire"}]
    altitude = maybe(random, 0.2, random.randrange(1, 290))
    return [{"time": random.randrange(20, 320), "altitude": altitude, "reason": "engine shut down too early"}]


def _details(flight: Flight, random: Random) -> str:
    aims = ("to an orbit that exists only here", "with a résumé of all that flew before", 'twice as "far" as planned')
    return f"Mission {flight.index + 1} of a fleet that never flew, {random.choice(aims)}."


def _core(flight: Flight, core: CoreFlight, random: Random) -> Document:
    past = flight.past
    bare = flight.rocket == FALCON_1
    return {
        "core": None if core.core is None else object_id("cores", core.core),
        "flight": core.flight,
        "gridfins": not bare if past else maybe(random, 0.3, True),
        "legs": not bare if past else maybe(random, 0.3, True),
        "reused": (core.flight or 1) > 1 if past else maybe(random, 0.3, True),
        "landing_attempt": core.kind is not None if past else None,
        "landing_success": core.landed,
        "landing_type": core.kind,
        "landpad": None if core.landpad is None else object_id("landpads", core.landpad),
    }


def payload_documents(plan: Plan) -> Iterator[Document]:
    """Every payload, in the order of the launches; the last four point at launches that the source has deleted."""
    for flight in plan.flights:
        for index in flight.payloads:
            yield _payload(plan, index, flight)
    for index in range(plan.payloads - 4, plan.payloads):
        yield _payload(plan, index, None)


def _payload(plan: Plan, index: int, flight: Flight | None) -> Document:
    random = chance(plan.seed, "payloads", index)
    launch = flight.index if flight else plan.launches + index
    capsule = flight.capsule if flight and index == flight.payloads.start else None
    orbit, regime, _ = random.choices(ORBITS, [weight for *_, weight in ORBITS])[0]
    kg = maybe(random, 0.13, random.choice((random.randrange(1, 15600), round(random.uniform(2, 900), 1))))
    tracked = random.random() >= 0.49
    catalogue = {0: 108, 1: 92, 10: 7, 60: 10}
    count = random.choices(list(catalogue), list(catalogue.values()))[0]
    return {
        "dragon": {
            "capsule": None if capsule is None else object_id("capsules", capsule),
            "mass_returned_kg": None if capsule is None else maybe(random, 0.25, random.randrange(150, 2500)),
            "mass_returned_lbs": None if capsule is None else maybe(random, 0.25, random.randrange(330, 5500) + 0.7),
            "flight_time_sec": None if capsule is None else random.randrange(139, 17_250_000),
            "manifest": None if capsule is None else maybe(random, 0.4, f"https://encyclopedia.invalid/cargo/{index}"),
            "water_landing": None if capsule is None else True,
            "land_landing": None if capsule is None else False,
        },
        "name": f"Payload {index + 1}{SIMULATED_MARK}",
        "type": "Satellite" if capsule is None else "Crew Dragon" if flight and flight.crew else "Dragon 1.1",
        "reused": capsule is not None and random.random() < 0.45,
        "launch": object_id("launches", launch),
        "customers": random.sample(MAKERS, random.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 3))) if index % 56 else [],
        "norad_ids": [50_000 + index * 60 + number for number in range(count)],
        "nationalities": [random.choice(NATIONS)] if index % 57 else [],
        "manufacturers": [random.choice(MAKERS)] if index % 13 else [],
        "mass_kg": kg,
        "mass_lbs": None if kg is None else round(kg * 2.2046226, 1),
        "orbit": orbit,
        "reference_system": "geocentric",
        "regime": regime,
        "longitude": maybe(
            random, 0.84, random.choice((random.randrange(-116, 162), round(random.uniform(-100, 150), 1)))
        ),
        "semi_major_axis_km": round(random.uniform(6525, 42164), 3) if tracked else None,
        "eccentricity": round(random.uniform(0.00001, 0.9), 7) if tracked else None,
        "periapsis_km": round(random.uniform(130, 35700), 3) if tracked else None,
        "apoapsis_km": round(random.uniform(150, 35900), 3) if tracked else None,
        "inclination_deg": random.choice((39, round(random.uniform(0, 98), 4))) if tracked else None,
        "period_min": round(random.uniform(87, 1436), 3) if tracked else None,
        "lifespan_years": maybe(random, 0.69, random.choice((15, 15, 15, 5, 2, 10, 0.5))),
        "epoch": stamp((flight.date if flight else plan.flights[-1].date) + timedelta(hours=9)) if tracked else None,
        "mean_motion": round(random.uniform(0.07, 16.4), 8) if tracked else None,
        "raan": round(random.uniform(6, 347), 4) if tracked else None,
        "arg_of_pericenter": round(random.uniform(1, 337), 4) if tracked else None,
        "mean_anomaly": round(random.uniform(1, 358), 4) if tracked else None,
        "id": object_id("payloads", index),
    }
