"""The simulated cores, capsules, crews and ships: each tells the history that the plan has of it."""

from collections.abc import Iterable, Iterator
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator.hangar import Vehicle
from spacex_assets.simulator.identity import Nulls, chance, object_id
from spacex_assets.simulator.plan import SHIPS, Plan

Document = dict[str, Any]
TYPES = ("Dragon 1.0", "Dragon 1.1", "Dragon 2.0")
STATUSES = (("retired", "unknown"), ("active", "unknown"), ("active", "retired"))
"""Both by a capsule's generation."""
FIRST_NAMES = ("Ada", "Bjørn", "Chloé", "Dario", "Emi", "Farid", "Greta", "Hana", "Iñigo", "Jun")
LAST_NAMES = ("Almeida", "Berg", "Castellanos", "Dvořák", "Eriksen", "Fontaine", "Grimaldi")
AGENCIES = ("NASA", "NASA", "SpaceX", "Axiom Space", "JAXA", "ESA", "Roscosmos")


def _launches(flights: Iterable[int]) -> list[str]:
    return [object_id("launches", flight) for flight in flights]


def core_documents(plan: Plan) -> Iterator[Document]:
    """Cores; drone ship attempts count only the landings, as the source does."""
    for index in range(plan.cores):
        random, nulls = chance(plan.seed, "cores", index), Nulls(plan.seed, "cores", index)
        built = plan.built_cores[index] if index < len(plan.built_cores) else Vehicle(5)
        flights = built.flights
        landings = [core for f in flights for core in plan.flights[f].cores if core.core == index]
        asds = sum(core.kind == "ASDS" and core.landed is True for core in landings)
        rtls = [core for core in landings if core.kind == "RTLS"]
        idle = bool(flights) and flights[-1] < plan.past * 2 // 3
        yield {
            "block": built.kind or None,
            "reuse_count": max(0, len(flights) - 1),
            "rtls_attempts": len(rtls),
            "rtls_landings": sum(core.landed is True for core in rtls),
            "asds_attempts": asds,
            "asds_landings": asds,
            "last_update": nulls("update", 0.17, random.choice(("On the pad", "In storage", "Landed and inspected"))),
            "launches": _launches(flights),
            "serial": f"S{1000 + index}{SIMULATED_MARK}",
            "status": built.fate or ("inactive" if idle else "active"),
            "id": object_id("cores", index),
        }


def capsule_documents(plan: Plan) -> Iterator[Document]:
    """Capsules; one that was lost never came down on water."""
    for index in range(plan.capsules):
        random, nulls = chance(plan.seed, "capsules", index), Nulls(plan.seed, "capsules", index)
        built = plan.built_capsules[index] if index < len(plan.built_capsules) else Vehicle(2)
        flights = built.flights
        yield {
            "reuse_count": max(0, len(flights) - 1),
            "water_landings": sum(plan.flights[flight].success is True for flight in flights),
            "land_landings": 0,
            "last_update": nulls("update", 0.12, random.choice(("Being refurbished", "On display", "Docked"))),
            "launches": _launches(flights),
            "serial": f"SC{100 + index}{SIMULATED_MARK}",
            "status": built.fate or random.choice(STATUSES[built.kind]),
            "type": TYPES[built.kind],
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
        random, nulls = chance(plan.seed, "ships", index), Nulls(plan.seed, "ships", index)
        number = nulls("imo", 0.28, 7_434_016 + index * 1777)
        mass = nulls("mass", 0.28, 89_811 + index * 101_077)
        placed = index in (3, 11)
        yield {
            "last_ais_update": None,
            "legacy_id": nulls("legacy_id", 0.24, f"SIMSHIP{index}"),
            "model": nulls("model", 0.9, f"Hull {index}"),
            "type": random.choice(("Tug", "Cargo", "Barge", "High Speed Craft")),
            "roles": random.sample(("Support Ship", "Fairing Recovery", "Barge Tug"), random.choice((1, 1, 2))),
            "imo": number,
            "mmsi": nulls("mmsi", 0.17, 367_020_820 + index * 1009),
            "abs": nulls("abs", 0.38, 571_252 + index),
            "class": nulls("class", 0.38, 7_604_342 + index),
            "mass_kg": mass,
            "mass_lbs": None if mass is None else round(mass * 2.2046226),
            "year_built": nulls("year_built", 0.1, 1944 + index * 2),
            "home_port": random.choice(("Port Canaveral", "Port of Los Angeles")),
            "status": nulls("status", 0.41, ""),
            "speed_kn": None,
            "course_deg": None,
            "latitude": 33.72 if placed else None,
            "longitude": -118.26 if placed else None,
            "link": nulls("link", 0.17, f"https://ships.invalid/{index}"),
            "image": nulls("image", 0.1, f"https://images.invalid/ships/{index}.jpg"),
            "name": f"Ship {index + 1}{SIMULATED_MARK}",
            "active": random.random() < 0.5,
            "launches": _launches(plan.flown("ship", index)),
            "id": object_id("ships", index),
        }
