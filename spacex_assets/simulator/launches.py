"""The simulated launches, with the shapes, null rates and oddities of the real ones."""

from collections.abc import Iterator
from random import Random
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator import eras
from spacex_assets.simulator.dates import dates, static_fire
from spacex_assets.simulator.flights import CoreFlight, Flight
from spacex_assets.simulator.identity import Nulls, chance, object_id
from spacex_assets.simulator.plan import FALCON_1, Plan

Document = dict[str, Any]
ROLES = ("Commander", "Pilot", "Mission Specialist 1", "Mission Specialist 2")
ROLES_OF_TWO = ("Commander", "Joint Commander")
ROLES_OF_A_PRIVATE_CREW = ("Commander", "Pilot", "Mission Specialist", "Chief Medical Officer")
MISHAPS = {
    0: (41, None, "pump seized soon after liftoff"),
    1: (287, 310, "roll oscillation shut the second stage down"),
    2: (152, 38, "stages touched after separation"),
    18: (128, 42, "oxidiser tank burst in flight"),
    eras.LOST_ON_PAD: (-151_200, 0, "tank burst on the pad before the static fire"),
}
"""Per failed launch: seconds from liftoff, altitude in km, reason."""


def launch_documents(plan: Plan) -> Iterator[Document]:
    """Every launch, ascending by flight number."""
    for flight in plan.flights:
        yield _launch(plan, flight)


def _launch(plan: Plan, flight: Flight) -> Document:
    random, nulls = chance(plan.seed, "launches", flight.index), Nulls(plan.seed, "launches", flight.index)
    slug = f"sim{flight.index:08d}"
    webcast = flight.past or flight.era == 0
    own = [object_id("payloads", payload) for payload in flight.payloads]
    return {
        "fairings": _fairings(flight, random, nulls),
        "links": {
            "patch": {
                size: nulls("patch", 0.08, f"https://images.invalid/{slug}-{size}.png") for size in ("small", "large")
            },
            "reddit": {
                "campaign": nulls("campaign", 0.27, f"https://forum.invalid/{slug}/campaign"),
                "launch": nulls("launch", 0.20, f"https://forum.invalid/{slug}/launch"),
                "media": nulls("media", 0.57, f"https://forum.invalid/{slug}/media"),
                "recovery": nulls("recovery", 0.54, f"https://forum.invalid/{slug}/recovery"),
            },
            "flickr": {"small": [], "original": _photographs(flight, random, slug)},
            "presskit": nulls("presskit", 0.56, f"https://press.invalid/{slug}.pdf"),
            "webcast": f"https://video.invalid/watch?v={slug}" if webcast else None,
            "youtube_id": slug if webcast else None,
            "article": nulls("article", 0.31, f"https://news.invalid/{slug}"),
            "wikipedia": nulls("wikipedia", 0.24, f"https://encyclopedia.invalid/wiki/{slug}"),
        },
        **static_fire(flight, nulls),
        "net": False,
        "window": nulls("window", 0.43, random.choice((0, 0, 600, 7200, 18_300))),
        "rocket": object_id("rockets", flight.rocket),
        "success": flight.success,
        "failures": _failures(flight),
        "details": nulls("details", 0.35, _details(flight, random)),
        "crew": [
            {"crew": object_id("crew", person), "role": role}
            for person, role in zip(flight.crew, _roles(flight), strict=False)
        ],
        "ships": [object_id("ships", ship) for ship in flight.ships],
        "capsules": [object_id("capsules", flight.capsule)] if flight.capsule is not None else [],
        "payloads": own if flight.guest is None else [*own, object_id("payloads", flight.guest)],
        "launchpad": object_id("launchpads", flight.launchpad),
        "flight_number": _flight_number(plan, flight),
        "name": f"Mission {flight.index + 1}{SIMULATED_MARK}",
        **dates(flight),
        "upcoming": not flight.past,
        "cores": [_core(flight, core) for core in flight.cores],
        "auto_update": flight.index % 68 != 3,
        "tbd": False,
        "launch_library_id": nulls(
            "launch_library", 0.65, f"{random.getrandbits(32):08x}-0000-4000-8000-{flight.index:012x}"
        ),
        "id": object_id("launches", flight.index),
    }


def _flight_number(plan: Plan, flight: Flight) -> int:
    if flight.past:
        return flight.index + 1
    turn, position = divmod(flight.index - plan.past, eras.UPCOMING)
    return plan.past + 1 + turn * (eras.FLIGHT_NUMBERS[-1] + 1) + eras.FLIGHT_NUMBERS[position]


def _fairings(flight: Flight, random: Random, nulls: Nulls) -> Document | None:
    if flight.capsule is not None or (not flight.past and flight.era == 8):
        return None
    ships = flight.fairing_ships
    attempt = True if ships else nulls("recovery_attempt", 0.54, False)
    recovered = nulls("recovered", 0.35, random.random() < 0.7) if attempt else attempt
    return {
        "reused": nulls("reused", 0.45, random.random() < 0.22),
        "recovery_attempt": attempt,
        "recovered": recovered,
        "ships": [object_id("ships", ship) for ship in ships],
    }


def _photographs(flight: Flight, random: Random, slug: str) -> list[str]:
    count = random.choice((0, 0, 0, 2, 3, 4, 5, 6, 8, 12)) if flight.past else 0
    return [f"https://photos.invalid/{slug}/{number}.jpg" for number in range(count)]


def _failures(flight: Flight) -> list[Document]:
    if flight.success is not False:
        return []
    time, altitude, reason = MISHAPS[flight.era]
    return [{"time": time, "altitude": altitude, "reason": reason}]


def _details(flight: Flight, random: Random) -> str:
    aims = (
        "to an orbit that exists only here",
        "with a résumé of all that flew before",
        'twice as "far" as planned',
        "in two parts:\r\n\t· up\r\n\t· and down",
    )
    return f"Mission {flight.index + 1} of a fleet that never flew, {random.choice(aims)}."


def _roles(flight: Flight) -> tuple[str, ...]:
    if len(flight.crew) == 2:
        return ROLES_OF_TWO
    return ROLES_OF_A_PRIVATE_CREW if flight.era == 134 else ROLES


def _core(flight: Flight, core: CoreFlight) -> Document:
    return {
        "core": None if core.core is None else object_id("cores", core.core),
        "flight": core.flight,
        **(_equipment(flight, core) if flight.past else _expected(flight)),
        "landing_success": core.landed,
        "landing_type": core.kind,
        "landpad": None if core.landpad is None else object_id("landpads", core.landpad),
    }


def _equipment(flight: Flight, core: CoreFlight) -> Document:
    return {
        "gridfins": core.kind in ("ASDS", "RTLS"),
        "legs": core.kind in ("ASDS", "RTLS") or (flight.rocket != FALCON_1 and flight.index % 3 == 0),
        "reused": (core.flight or 1) > 1,
        "landing_attempt": core.kind is not None,
    }


def _expected(flight: Flight) -> Document:
    known = flight.era not in eras.UPCOMING_BARE
    return {
        "gridfins": True if known else None,
        "legs": True if known else None,
        "reused": False if known else None,
        "landing_attempt": None,
    }
