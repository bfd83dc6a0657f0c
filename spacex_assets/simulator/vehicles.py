"""The simulated cores, capsules, crews, ships and pads: each tells the history that the plan has of it."""

from collections.abc import Iterator
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator.identity import chance, maybe, object_id
from spacex_assets.simulator.plan import LANDPADS, LAUNCHPADS, SHIPS, Flight, Plan

Document = dict[str, Any]
FIRST_NAMES = ("Ada", "Bjørn", "Chloé", "Dario", "Emi", "Farid", "Greta", "Hana", "Iñigo", "Jun")
LAST_NAMES = ("Almeida", "Berg", "Castellanos", "Dvořák", "Eriksen", "Fontaine", "Grimaldi")
AGENCIES = ("NASA", "NASA", "SpaceX", "Axiom Space", "JAXA", "ESA", "Roscosmos")
PADS = (
    ("SZ-1", "Simulated Zone 1", "RTLS", "Cape Canaveral", "Florida", 28.48, -80.54),
    ("SZ-2", "Simulated Zone 2", "RTLS", "Cape Canaveral", "Florida", 28.48, -80.54),
    ("SZ-4", "Simulated Zone 4", "RTLS", "Vandenberg", "California", 34.63, -120.61),
    ("SDS-A", "Simulated Drone Ship A", "ASDS", "Port Canaveral", "Florida", 28.41, -80.61),
    ("SDS-0", "Simulated Drone Ship Zero", "ASDS", "Port Canaveral", "Florida", 28.41, -80.61),
    ("SDS-B", "Simulated Drone Ship B", "ASDS", "Port of Los Angeles", "California", 33.72, -118.26),
    ("SDS-C", "Simulated Drone Ship C", "ASDS", "Port Canaveral", "Florida", 28.41, -80.61),
)
SITES = (
    ("SIM 3W", "Vandenberg", "California", "America/Los_Angeles", 34.64, -120.59, "retired"),
    ("SIM 40", "Cape Canaveral", "Florida", "America/New_York", 28.56, -80.57, "active"),
    ("SIM South", "Boca Chica", "Texas", "America/Chicago", 25.99, -97.15, "under construction"),
    ("SIM Atoll", "Omelek Island", "Marshall Islands", "Pacific/Kwajalein", 9.04, 167.74, "retired"),
    ("SIM 4E", "Vandenberg", "California", "America/Los_Angeles", 34.63, -120.61, "active"),
    ("SIM 39A", "Cape Canaveral", "Florida", "America/New_York", 28.6, -80.6, "active"),
)


def _launches(flights: list[Flight]) -> list[str]:
    return [object_id("launches", flight.index) for flight in flights]


def core_documents(plan: Plan) -> Iterator[Document]:
    """Cores; drone ship attempts count only the landings, as the source does."""
    for index in range(plan.cores):
        random = chance(plan.seed, "cores", index)
        flights = plan.by_core.get(index, [])
        landings = [core for f in flights for core in f.cores if core.core == index and core.kind is not None]
        asds = sum(core.kind == "ASDS" and core.landed is True for core in landings)
        rtls = [core for core in landings if core.kind == "RTLS"]
        lost = bool(landings) and landings[-1].landed is False
        status = "lost" if lost else random.choice(("active", "expended", "inactive", "lost")) if flights else "active"
        yield {
            "block": maybe(random, 0.06, min(5, 1 + index * 6 // plan.cores)),
            "reuse_count": max(0, len(flights) - 1),
            "rtls_attempts": len(rtls),
            "rtls_landings": sum(core.landed is True for core in rtls),
            "asds_attempts": asds,
            "asds_landings": asds,
            "last_update": maybe(random, 0.17, random.choice(("On the pad", "In storage", "Landed and inspected"))),
            "launches": _launches(flights),
            "serial": f"S{1000 + index}{SIMULATED_MARK}",
            "status": status,
            "id": object_id("cores", index),
        }


def capsule_documents(plan: Plan) -> Iterator[Document]:
    """Capsules."""
    for index in range(plan.capsules):
        random = chance(plan.seed, "capsules", index)
        flights = plan.flown("capsule", index)
        yield {
            "reuse_count": max(0, len(flights) - 1),
            "water_landings": len(flights),
            "land_landings": 0,
            "last_update": maybe(random, 0.12, random.choice(("Being refurbished", "On display", "Docked"))),
            "launches": _launches(flights),
            "serial": f"SC{100 + index}{SIMULATED_MARK}",
            "status": random.choice(("active", "active", "active", "retired", "unknown", "destroyed")),
            "type": "Dragon 1.0" if index < 4 else "Dragon 1.1" if index < 13 else "Dragon 2.0",
            "id": object_id("capsules", index),
        }


def crew_documents(plan: Plan) -> Iterator[Document]:
    """People."""
    for index in range(plan.people):
        random = chance(plan.seed, "crew", index)
        name = f"{FIRST_NAMES[index % 10]} {LAST_NAMES[index // 10 % 7]} {index + 1}"
        yield {
            "name": name + SIMULATED_MARK,
            "agency": random.choice(AGENCIES),
            "image": f"https://images.invalid/crew/{index}.png",
            "wikipedia": f"https://encyclopedia.invalid/wiki/{name.replace(' ', '_')}",
            "launches": _launches(plan.flown("crew", index)),
            "status": "active",
            "id": object_id("crew", index),
        }


def ship_documents(plan: Plan) -> Iterator[Document]:
    """Ships; their positions are null, as the source has had them since it stopped tracking."""
    for index in range(SHIPS):
        random = chance(plan.seed, "ships", index)
        number = maybe(random, 0.28, 7_434_016 + index * 1777)
        tons = maybe(random, 0.28, 89_811 + index * 101_077)
        placed = index in (3, 11)
        yield {
            "last_ais_update": None,
            "legacy_id": maybe(random, 0.24, f"SIMSHIP{index}"),
            "model": maybe(random, 0.9, f"Hull {index}"),
            "type": random.choice(("Tug", "Cargo", "Barge", "High Speed Craft")),
            "roles": random.sample(("Support Ship", "Fairing Recovery", "Barge Tug"), random.choice((1, 1, 2))),
            "imo": number,
            "mmsi": maybe(random, 0.17, 367_020_820 + index * 1009),
            "abs": maybe(random, 0.38, 571_252 + index),
            "class": maybe(random, 0.38, 7_604_342 + index),
            "mass_kg": tons,
            "mass_lbs": None if tons is None else round(tons * 2.2046226),
            "year_built": maybe(random, 0.1, 1944 + index * 2),
            "home_port": random.choice(("Port Canaveral", "Port of Los Angeles")),
            "status": maybe(random, 0.41, ""),
            "speed_kn": None,
            "course_deg": None,
            "latitude": 33.72 if placed else None,
            "longitude": -118.26 if placed else None,
            "link": maybe(random, 0.17, f"https://ships.invalid/{index}"),
            "image": maybe(random, 0.1, f"https://images.invalid/ships/{index}.jpg"),
            "name": f"Ship {index + 1}{SIMULATED_MARK}",
            "active": random.random() < 0.5,
            "launches": _launches(plan.flown("ship", index)),
            "id": object_id("ships", index),
        }


def landpad_documents(plan: Plan) -> Iterator[Document]:
    """Landing zones and drone ships."""
    for index, (name, full_name, kind, locality, region, latitude, longitude) in enumerate(PADS[:LANDPADS]):
        flights = plan.flown("landpad", index)
        landings = [core for flight in flights for core in flight.cores if core.landpad == index]
        yield {
            "images": {"large": [f"https://images.invalid/landpads/{index}.png"]},
            "name": name,
            "full_name": full_name + SIMULATED_MARK,
            "status": "retired" if index == 4 else "active",
            "type": kind,
            "locality": locality,
            "region": region,
            "latitude": latitude,
            "longitude": longitude,
            "landing_attempts": max(0, len(landings) - (3 if index == 3 else 0)),
            "landing_successes": sum(core.landed is True for core in landings),
            "wikipedia": f"https://encyclopedia.invalid/wiki/{name}",
            "details": f"{full_name}, where simulated cores land.",
            "launches": _launches(flights),
            "id": object_id("landpads", index),
        }


def launchpad_documents(plan: Plan) -> Iterator[Document]:
    """Launch sites."""
    rockets = {0: [0], 1: [1], 2: [], 3: [0], 4: [1], 5: [1, 2]}
    for index, (name, locality, region, timezone, latitude, longitude, status) in enumerate(SITES[:LAUNCHPADS]):
        flights = plan.flown("launchpad", index)
        yield {
            "images": {"large": [f"https://images.invalid/launchpads/{index}.png"]},
            "name": name,
            "full_name": f"{locality} {name}{SIMULATED_MARK}",
            "locality": locality,
            "region": region,
            "latitude": latitude,
            "longitude": longitude,
            "launch_attempts": len(flights),
            "launch_successes": sum(flight.success is True for flight in flights),
            "rockets": [object_id("rockets", rocket) for rocket in rockets[index]],
            "timezone": timezone,
            "launches": _launches(flights),
            "status": status,
            "details": f"{name}, where simulated launches begin.",
            "id": object_id("launchpads", index),
        }
