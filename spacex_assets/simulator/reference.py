"""The simulated rockets, dragons, company, history and roadster: few documents that hardly change."""

from collections.abc import Iterator
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator.identity import Nulls, chance, object_id
from spacex_assets.simulator.plan import Plan

Document = dict[str, Any]
MILESTONES = 15


def _length(meters: float, feet: float) -> Document:
    return {"meters": meters, "feet": feet}


def _thrust(kilonewtons: float) -> Document:
    return {"kN": kilonewtons, "lbf": round(kilonewtons * 224.809)}


def rocket_documents(plan: Plan) -> Iterator[Document]:
    """Four types of rocket, the last of which has not flown."""
    orbits = (("leo", "Low Earth Orbit"), ("gto", "Geosynchronous Transfer Orbit"), ("mars", "Mars Orbit"))
    names = ("Sparrow 1", "Sparrow 9", "Sparrow Heavy", "Albatross")
    for index, (name, stages, weights) in enumerate(zip(names, (1, 9, 27, 37), (1, 3, 3, 3), strict=True)):
        flown = plan.flown("rocket", index)
        good = sum(plan.flights[flight].success is True for flight in flown)
        future = index == 3
        yield {
            "height": _length(*((21.5, 71), (70, 229.7), (70, 229.7), (120, 394))[index]),
            "diameter": _length(*((1.7, 5.6), (3.6, 12), (12.1, 39.7), (9, 30))[index]),
            "mass": {"kg": 30_146 * stages, "lb": 66_460 * stages},
            "first_stage": {
                "thrust_sea_level": _thrust(420 * stages),
                "thrust_vacuum": _thrust(480 * stages),
                "reusable": index > 0,
                "engines": stages,
                "fuel_amount_tons": 44.3 if index == 0 else 385,
                "burn_time_sec": None if future else 162,
            },
            "second_stage": {
                "thrust": _thrust(31 * stages),
                "payloads": {
                    "composite_fairing": {
                        "height": _length(*((13.1, 43) if index else (3.6, 11.8)))
                        if not future
                        else {"meters": None, "feet": None},
                        "diameter": _length(5.2, 17.1) if not future else {"meters": None, "feet": None},
                    },
                    "option_1": "capsule",
                },
                "reusable": future,
                "engines": 1 if not future else 6,
                "fuel_amount_tons": 3.38 if index == 0 else 90,
                "burn_time_sec": None if future else 397,
            },
            "engines": {
                "isp": {"sea_level": 288, "vacuum": 312},
                "thrust_sea_level": _thrust(845),
                "thrust_vacuum": _thrust(914),
                "number": stages,
                "type": "simulated",
                "version": "" if future else "1D",
                "layout": None if future else "ring",
                "engine_loss_max": None if future else 2,
                "propellant_1": "liquid oxygen",
                "propellant_2": "liquid methane" if future else "kerosene",
                "thrust_to_weight": (95, 179.8, 179.8, 107)[index],
            },
            "landing_legs": {"number": 0 if index == 0 else 4, "material": None if index == 0 else "carbon fiber"},
            "payload_weights": [
                {"id": short, "name": long, "kg": 450 * stages, "lb": 992 * stages} for short, long in orbits[:weights]
            ],
            "flickr_images": [f"https://images.invalid/rockets/{index}/{number}.jpg" for number in range(4)],
            "name": name + SIMULATED_MARK,
            "type": "rocket",
            "active": index in (1, 2),
            "stages": 2,
            "boosters": 2 if index == 2 else 0,
            "cost_per_launch": (6_700_000, 50_000_000, 90_000_000, 7_000_000)[index],
            "success_rate_pct": round(100 * good / len(flown)) if flown else 0,
            "first_flight": plan.flights[flown[0] if flown else -1].date.date().isoformat(),
            "country": "United States",
            "company": "Simulated Spaceways",
            "wikipedia": f"https://encyclopedia.invalid/wiki/{name.replace(' ', '_')}",
            "description": f"{name} exists only in this simulation.",
            "id": object_id("rockets", index),
        }


def dragon_documents(plan: Plan) -> Iterator[Document]:
    """Two types of capsule."""
    for index, name in enumerate(("Heron 1", "Heron 2")):
        thrusters = [("Draco", 18, 300, 0.4), ("SuperDraco", 8, 235, 71)][: index + 1]
        flown = [capsule.flights[0] for capsule in plan.built_capsules if (capsule.kind == 2) is bool(index)]
        yield {
            "heat_shield": {"material": "SIM-X", "size_meters": 3.6, "temp_degrees": 3000, "dev_partner": "NASA"},
            "launch_payload_mass": {"kg": 6000, "lb": 13_228},
            "launch_payload_vol": {"cubic_meters": 25, "cubic_feet": 883},
            "return_payload_mass": {"kg": 3000, "lb": 6614},
            "return_payload_vol": {"cubic_meters": 11, "cubic_feet": 388},
            "pressurized_capsule": {"payload_volume": {"cubic_meters": 11, "cubic_feet": 388}},
            "trunk": {
                "trunk_volume": {"cubic_meters": 14, "cubic_feet": 494},
                "cargo": {"solar_array": 2, "unpressurized_cargo": True},
            },
            "height_w_trunk": _length(7.2, 23.6),
            "diameter": _length(3.7, 12),
            "first_flight": plan.flights[min(flown, default=-1)].date.date().isoformat(),
            "flickr_images": [f"https://images.invalid/dragons/{index}/{number}.jpg" for number in range(3)],
            "name": name + SIMULATED_MARK,
            "type": "capsule",
            "active": True,
            "crew_capacity": 7 * index,
            "sidewall_angle_deg": 15,
            "orbit_duration_yr": 2,
            "dry_mass_kg": 4200 + 2150 * index,
            "dry_mass_lb": 9300 + 4700 * index,
            "thrusters": [
                {
                    "type": kind,
                    "amount": amount,
                    "pods": 4,
                    "fuel_1": "nitrogen tetroxide",
                    "fuel_2": "monomethylhydrazine",
                    "isp": impulse,
                    "thrust": _thrust(force),
                }
                for kind, amount, impulse, force in thrusters
            ],
            "wikipedia": f"https://encyclopedia.invalid/wiki/{name.replace(' ', '_')}",
            "description": f"{name} exists only in this simulation.",
            "id": object_id("dragons", index),
        }


def company_documents(_: Plan) -> Iterator[Document]:
    """The one company."""
    yield {
        "headquarters": {"address": "1 Model Road", "city": "Nowhere", "state": "California"},
        "links": {
            "website": "https://company.invalid/",
            "flickr": "https://photos.invalid/company",
            "twitter": "https://social.invalid/company",
            "elon_twitter": "https://social.invalid/founder",
        },
        "name": f"Simulated Spaceways{SIMULATED_MARK}",
        "founder": "Ada Almeida",
        "founded": 2002,
        "employees": 9500,
        "vehicles": 4,
        "launch_sites": 3,
        "test_sites": 3,
        "ceo": "Ada Almeida",
        "cto": "Bjørn Berg",
        "coo": "Chloé Castellanos",
        "cto_propulsion": "Dario Dvořák",
        "valuation": 74_000_000_000,
        "summary": "A company that exists only in this simulation.",
        "id": object_id("company", 0),
    }


def history_documents(plan: Plan) -> Iterator[Document]:
    """Milestones; their dates have no milliseconds, and two fall together."""
    for index in range(MILESTONES):
        nulls = Nulls(plan.seed, "history", index)
        moment = plan.flights[min(plan.past - 1, max(0, index - 1) * plan.past // MILESTONES)].date
        yield {
            "links": {"article": nulls("article", 0.13, f"https://news.invalid/milestones/{index}")},
            "title": f"Milestone {index + 1}{SIMULATED_MARK}",
            "event_date_utc": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "event_date_unix": int(moment.timestamp()),
            "details": f"What never happened, number {index + 1}.",
            "id": object_id("history", index),
        }


def roadster_documents(plan: Plan) -> Iterator[Document]:
    """The one car."""
    random = chance(plan.seed, "roadster", 0)
    kilometres = random.uniform(5e7, 4e8)
    yield {
        "name": f"A car that never left the garage{SIMULATED_MARK}",
        "launch_date_utc": "2018-02-06T20:45:00.000Z",
        "launch_date_unix": 1_517_949_900,
        "launch_mass_kg": 1350,
        "launch_mass_lbs": 2976,
        "norad_id": 99_205,
        "epoch_jd": 2_459_914.263888889,
        "orbit_type": "heliocentric",
        "apoapsis_au": 1.664332332453025,
        "periapsis_au": 0.986015924224046,
        "semi_major_axis_au": 57.70686413577451,
        "eccentricity": 0.2559348215918733,
        "inclination": 1.075052357364693,
        "longitude": 316.9112133411523,
        "periapsis_arg": 177.75981116285,
        "period_days": 557.1958197697352,
        "speed_kph": 9520.88362029108,
        "speed_mph": 5916.000976023889,
        "earth_distance_km": kilometres,
        "earth_distance_mi": kilometres / 1.609344,
        "mars_distance_km": kilometres * 1.3,
        "mars_distance_mi": kilometres * 1.3 / 1.609344,
        "flickr_images": [f"https://photos.invalid/roadster/{number}.jpg" for number in range(4)],
        "wikipedia": "https://encyclopedia.invalid/wiki/Roadster",
        "video": "https://video.invalid/roadster",
        "details": "It orbits a Sun that exists only in this simulation.",
        "id": object_id("roadster", 0),
    }
