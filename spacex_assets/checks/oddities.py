"""Contradictions inside the source's own data, by endpoint: known of the real data, reported and never corrected.

Each is a query that gives rows (key, found). What does not belong here: what can be derived from a record
(``promises.py``).
"""

from collections.abc import Mapping
from types import MappingProxyType

_FLIGHTS = """
FROM spacex.launch_cores f JOIN spacex.launches l ON l.id = f.launch_id WHERE NOT l.upcoming"""

_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800
"""The seconds between which a number of them is an instant; ``to_timestamp`` fails far outside of these."""


def _no_instant(seconds: str) -> str:
    return f"({seconds} < {_YEAR_1} OR {seconds} >= {_YEAR_10000})"


def _as_instant(seconds: str) -> str:
    return (
        f"CASE WHEN {_no_instant(seconds)} THEN {seconds} || ' s, which is no instant' "
        f"ELSE to_timestamp({seconds})::text END"
    )


_UNIX_DIFFERS = f"(date_unix <> extract(epoch FROM date_utc) OR {_no_instant('date_unix')})"

_DATES = f"""
SELECT id, concat_ws(', ', name, 'date_utc is ' || date_utc,
    CASE WHEN {_UNIX_DIFFERS} THEN 'date_unix is ' || {_as_instant("date_unix")} END,
    CASE WHEN date_local <> date_utc THEN 'date_local is ' || date_local END)
FROM spacex.launches WHERE {_UNIX_DIFFERS} OR date_local <> date_utc"""

ODDITIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "launches": {
            "dates disagree": _DATES,
            "static fire dates disagree": f"""
SELECT id, format('%%s: %%s and %%s', name, static_fire_date_utc, {_as_instant("static_fire_date_unix")})
FROM spacex.launches WHERE static_fire_date_unix <> extract(epoch FROM static_fire_date_utc)
    OR {_no_instant("static_fire_date_unix")}""",
            "flight number is shared": """
SELECT string_agg(id, ', ' ORDER BY id), format('%%s: %%s', flight_number, string_agg(name, ', ' ORDER BY id))
FROM spacex.launches GROUP BY flight_number HAVING count(*) > 1""",
            "upcoming, but its date has passed": """
SELECT id, format('%%s, %%s', name, date_utc) FROM spacex.launches WHERE upcoming AND date_utc < now()""",
            "flown, but without outcome": """
SELECT id, format('%%s, %%s', name, date_utc) FROM spacex.launches WHERE NOT upcoming AND success IS NULL""",
            "success contradicts failures": """
SELECT id, name FROM spacex.launches
WHERE success = EXISTS (SELECT FROM spacex.launch_failures f WHERE f.launch_id = launches.id)""",
        },
        "payloads": {
            "its capsule was not on its launch": """
SELECT id, format('%%s: capsule %%s, launch %%s', name, dragon_capsule_id, launch_id) FROM spacex.payloads p
WHERE dragon_capsule_id IS NOT NULL AND NOT EXISTS (SELECT FROM spacex.launch_capsules c
    WHERE (c.launch_id, c.capsule_id) = (p.launch_id, p.dragon_capsule_id))""",
        },
        "cores": {
            "reuse_count is not the flights after the first": """
SELECT id, format('%%s: %%s, %%s launches', serial, reuse_count, cardinality(launch_ids))
FROM spacex.cores WHERE reuse_count <> greatest(cardinality(launch_ids) - 1, 0)""",
            "landings are not those of the launches": f"""
SELECT id, format('%%s: %%s, by launches %%s (ASDS attempts and landings, RTLS attempts and landings)', serial,
    (asds_attempts, asds_landings, rtls_attempts, rtls_landings), (f.aa, f.al, f.ra, f.rl))
FROM spacex.cores LEFT JOIN (SELECT core_id, count(*) FILTER (WHERE landing_type = 'ASDS' AND landing_attempt) AS aa,
    count(*) FILTER (WHERE landing_type = 'ASDS' AND landing_success) AS al,
    count(*) FILTER (WHERE landing_type = 'RTLS' AND landing_attempt) AS ra,
    count(*) FILTER (WHERE landing_type = 'RTLS' AND landing_success) AS rl {_FLIGHTS} GROUP BY core_id) f
ON f.core_id = id WHERE (asds_attempts, asds_landings, rtls_attempts, rtls_landings)
    <> (coalesce(aa, 0), coalesce(al, 0), coalesce(ra, 0), coalesce(rl, 0))""",
        },
        "capsules": {
            "reuse_count is not the flights after the first": """
SELECT id, format('%%s: %%s, %%s launches', serial, reuse_count, cardinality(launch_ids))
FROM spacex.capsules WHERE reuse_count <> greatest(cardinality(launch_ids) - 1, 0)""",
        },
        "landpads": {
            "landings are not those of the launches": f"""
SELECT id, format('%%s: %%s, by launches %%s (attempts, successes)', name,
    (landing_attempts, landing_successes), (coalesce(a, 0), coalesce(s, 0)))
FROM spacex.landpads LEFT JOIN (SELECT landpad_id, count(*) FILTER (WHERE landing_attempt) AS a,
    count(*) FILTER (WHERE landing_success) AS s {_FLIGHTS} GROUP BY landpad_id) f ON f.landpad_id = id
WHERE (landing_attempts, landing_successes) <> (coalesce(a, 0), coalesce(s, 0))""",
        },
        "launchpads": {
            "launch counts are not those of the launches": """
SELECT id, format('%%s: %%s, by launches %%s (attempts, successes)', name,
    (launch_attempts, launch_successes), (coalesce(a, 0), coalesce(s, 0)))
FROM spacex.launchpads LEFT JOIN (SELECT launchpad_id, count(*) AS a, count(*) FILTER (WHERE success) AS s
    FROM spacex.launches WHERE NOT upcoming GROUP BY launchpad_id) f ON f.launchpad_id = id
WHERE (launch_attempts, launch_successes) <> (coalesce(a, 0), coalesce(s, 0))""",
        },
        "history": {
            "dates disagree": f"""
SELECT id, title FROM spacex.history WHERE event_date_unix <> extract(epoch FROM event_date_utc)
    OR {_no_instant("event_date_unix")}""",
        },
        "roadster": {
            "semi-major axis is not the mean of apoapsis and periapsis": """
SELECT id, format('%%s au, the mean is %%s au', semi_major_axis_au, (apoapsis_au + periapsis_au) / 2)
FROM spacex.roadster WHERE abs(semi_major_axis_au - (apoapsis_au + periapsis_au) / 2) > 0.001""",
        },
    }
)

LOOKED_AT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "payloads": frozenset({"launches"}),
        "cores": frozenset({"launches"}),
        "landpads": frozenset({"launches"}),
        "launchpads": frozenset({"launches"}),
    }
)
"""The other endpoints whose tables these queries look at."""


def oddity_queries(endpoint: str) -> list[str]:
    """The queries of an endpoint, each giving the offences as rows (rule, key, found)."""
    return [
        "SELECT '" + rule + f"', o.key, o.found FROM ({query}) o (key, found)"
        for rule, query in ODDITIES.get(endpoint, {}).items()
    ]
