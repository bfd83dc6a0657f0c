"""The simulated landing pads and launch sites: each tells the history that the plan has of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator.identity import object_id
from spacex_assets.simulator.plan import Plan

Document = dict[str, Any]
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


def landpad_documents(plan: Plan) -> Iterator[Document]:
    """Landing zones and drone ships."""
    for index, (name, full_name, kind, locality, region, latitude, longitude) in enumerate(PADS):
        flights = plan.flown("landpad", index)
        landed = Counter(
            core.landed for flight in flights for core in plan.flights[flight].cores if core.landpad == index
        )
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
            "landing_attempts": landed.total() - (min(3, landed[False] + landed[None]) if index == 3 else 0),
            "landing_successes": landed[True],
            "wikipedia": f"https://encyclopedia.invalid/wiki/{name}",
            "details": f"{full_name}, where simulated cores land.",
            "launches": [object_id("launches", flight) for flight in flights],
            "id": object_id("landpads", index),
        }


def launchpad_documents(plan: Plan) -> Iterator[Document]:
    """Launch sites."""
    rockets = {0: [0], 1: [1], 2: [], 3: [0], 4: [1], 5: [1, 2]}
    for index, (name, locality, region, timezone, latitude, longitude, status) in enumerate(SITES):
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
            "launch_successes": sum(plan.flights[flight].success is True for flight in flights),
            "rockets": [object_id("rockets", rocket) for rocket in rockets[index]],
            "timezone": timezone,
            "launches": [object_id("launches", flight) for flight in flights],
            "status": status,
            "details": f"{name}, where simulated launches begin.",
            "id": object_id("launchpads", index),
        }
