"""The simulated Starlink satellites; positions are null exactly when decayed."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.simulator import eras
from spacex_assets.simulator.identity import Nulls, chance, object_id
from spacex_assets.simulator.plan import LAST_PAST, Plan

SATELLITES = 1791
FIRST_NUMBER = 44_000
PER_LAUNCH = 55


def satellite_launches(plan: Plan) -> list[int]:
    """Indexes of the launches that brought them up; if a small fleet has none, its last past one."""
    flights = (flight.index for flight in plan.past_flights() if flight.era in eras.STARLINK)
    return list(islice(flights, -(-SATELLITES // PER_LAUNCH))) or [plan.past - 1]


def catalogue_numbers(launches: list[int], launch: int) -> range:
    """Of the satellites of one of the launches."""
    first = launches.index(launch) * PER_LAUNCH
    last = SATELLITES if launch == launches[-1] else first + PER_LAUNCH
    return range(FIRST_NUMBER + first, FIRST_NUMBER + last)


def satellite_documents(plan: Plan) -> Iterator[dict[str, Any]]:
    """1,791 satellites whatever the size of the fleet."""
    flights = [plan.flights[launch] for launch in satellite_launches(plan)]
    for index in range(SATELLITES):
        random, nulls = chance(plan.seed, "starlink", index), Nulls(plan.seed, "starlink", index)
        turn = min(index // PER_LAUNCH, len(flights) - 1)
        flight = flights[turn]
        decayed = nulls.hit("position", 118 / 1791)
        latest = max(20, min(499, (LAST_PAST - flight.date).days))
        epoch = flight.date + timedelta(days=random.randint(20, latest), microseconds=random.randrange(86_400_000_000))
        number = FIRST_NUMBER + index
        motion, inclination = round(random.uniform(15.01, 16.55), 8), round(random.uniform(52.9, 53.1), 4)
        node, pericenter, anomaly = (round(random.uniform(0.3, 359.5), 4) for _ in range(3))
        eccentricity, drag = (
            round(random.uniform(0.00005, 0.004), 7),
            round(random.uniform(0, 0.0124 if index % 8 else -0.07), 9),
        )
        name, day = f"STARLINK-S{index + 1}", epoch.year % 100 * 1000 + epoch.timetuple().tm_yday
        launched = flight.date.date().isoformat()
        yield {
            "spaceTrack": {
                "CCSDS_OMM_VERS": "2.0",
                "COMMENT": f"GENERATED WITHOUT ANY SATELLITE{SIMULATED_MARK}",
                "CREATION_DATE": (epoch + timedelta(hours=2)).isoformat()[:19],
                "ORIGINATOR": "SIMULATOR",
                "OBJECT_NAME": name,
                "OBJECT_ID": f"{launched[:4]}-{flight.index % 1000:03d}{index - turn * PER_LAUNCH:02d}",
                "CENTER_NAME": "EARTH",
                "REF_FRAME": "TEME",
                "TIME_SYSTEM": "UTC",
                "MEAN_ELEMENT_THEORY": "SGP4",
                "EPOCH": epoch.isoformat(timespec="microseconds")[:26],
                "MEAN_MOTION": motion,
                "ECCENTRICITY": eccentricity,
                "INCLINATION": 53 if index % 900 == 7 else inclination,
                "RA_OF_ASC_NODE": node,
                "ARG_OF_PERICENTER": pericenter,
                "MEAN_ANOMALY": anomaly,
                "EPHEMERIS_TYPE": 0,
                "CLASSIFICATION_TYPE": "U",
                "NORAD_CAT_ID": number,
                "ELEMENT_SET_NO": 999,
                "REV_AT_EPOCH": random.randrange(226, 14_020),
                "BSTAR": drag,
                "MEAN_MOTION_DOT": 0 if index % 900 == 11 else round(random.uniform(0, 0.9 if index % 6 else -0.01), 8),
                "MEAN_MOTION_DDOT": 0 if random.random() < 0.93 else 1.2426e-05,
                "SEMIMAJOR_AXIS": round(random.uniform(6502, 6941), 3),
                "PERIOD": round(1440 / motion, 3),
                "APOAPSIS": round(random.uniform(127, 577), 3),
                "PERIAPSIS": 544 if index % 900 == 13 else round(random.uniform(108, 562), 3),
                "OBJECT_TYPE": "PAYLOAD",
                "RCS_SIZE": nulls("rcs_size", 0.002, "MEDIUM" if random.random() < 0.016 else "LARGE"),
                "COUNTRY_CODE": "US",
                "LAUNCH_DATE": launched,
                "SITE": "AFWTR" if index % 34 == 0 else "AFETR",
                "DECAY_DATE": epoch.date().isoformat() if decayed else None,
                "DECAYED": int(decayed),
                "FILE": 2_706_890 + index // 3,
                "GP_ID": 149_154_971 + index,
                "TLE_LINE0": f"0 {name}",
                "TLE_LINE1": f"1 {number}U {launched[2:4]}{flight.index % 1000:03d}A   {day:05d}.50000000",
                "TLE_LINE2": f"2 {number} {inclination:8.4f} {node:8.4f} {eccentricity:.7f} {pericenter:8.4f}",
            },
            "launch": object_id("launches", flight.index),
            "version": "prototype" if index < 2 else "v0.9" if index < 62 else "v1.0",
            "height_km": None if decayed else random.uniform(185, 590),
            "latitude": None if decayed else random.uniform(-72, 72),
            "longitude": None if decayed else random.uniform(-180, 180),
            "velocity_kms": None if decayed else random.uniform(7.56, 7.8),
            "id": object_id("starlink", index),
        }
