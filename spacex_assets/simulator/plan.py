"""Who flies when: the one consistent history that every simulated document is a view of.

A flight is decided once, here; launches, cores, capsules, crews, ships, pads and payloads only report it. What does
not belong here: texts and JSON.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

from spacex_assets.simulator.identity import chance

REAL_LAUNCHES = 205
FIRST = datetime(2006, 3, 24, 22, 30, tzinfo=UTC)
LAST_PAST = datetime(2022, 10, 5, 16, 0, tzinfo=UTC)
COHORT_CORES, COHORT_FLIGHTS = 7, 3
HEAVY_EVERY = 41
CREWED_EVERY = 15
CREW_SIZE = 4
SHIPS, LANDPADS, LAUNCHPADS = 29, 7, 6
FALCON_1, FALCON_9, FALCON_HEAVY = 0, 1, 2
KWAJALEIN, CAPE, KENNEDY, VANDENBERG = 3, 1, 5, 4


@dataclass(slots=True)
class CoreFlight:
    """A core on a launch; ``core`` is ``None`` while it is not assigned."""

    core: int | None
    flight: int | None
    landpad: int | None
    landed: bool | None
    kind: str | None


@dataclass(slots=True)
class Flight:
    """One launch."""

    index: int
    date: datetime
    past: bool
    rocket: int
    launchpad: int
    success: bool | None
    cores: list[CoreFlight]
    capsule: int | None
    crew: range
    ships: list[int]
    fairing_ships: list[int]
    payloads: range


@dataclass(frozen=True)
class Plan:
    """All flights of a fleet with the given number of launches."""

    seed: int
    launches: int

    @property
    def upcoming(self) -> int:
        """Launches that have not happened."""
        return max(1, self.launches * 18 // REAL_LAUNCHES)

    @property
    def past(self) -> int:
        """Launches that have happened."""
        return self.launches - self.upcoming

    @cached_property
    def flights(self) -> list[Flight]:
        """Every launch, in the order of their dates."""
        payload = crew = 0
        flights = []
        for index in range(self.launches):
            flight = self._flight(index, payload, crew)
            payload, crew = flight.payloads.stop, max(crew, flight.crew.stop)
            flights.append(flight)
        return flights

    @property
    def cores(self) -> int:
        """Cores, a few of which have not flown; 83 at the real size."""
        flown = 1 + max((c.core for f in self.flights for c in f.cores if c.core is not None), default=0)
        return max(flown, 83 * self.launches // REAL_LAUNCHES)

    @property
    def capsules(self) -> int:
        """Capsules; 25 at the real size."""
        flown = 1 + max((f.capsule for f in self.flights if f.capsule is not None), default=0)
        return max(flown, 25 * self.launches // REAL_LAUNCHES)

    @property
    def people(self) -> int:
        """People, at least one crew even of a fleet too small to have flown one."""
        return max(CREW_SIZE, *(flight.crew.stop for flight in self.flights))

    @property
    def payloads(self) -> int:
        """Payloads, with four that belong to launches the source has deleted."""
        return self.flights[-1].payloads.stop + 4

    @cached_property
    def by_core(self) -> dict[int, list[Flight]]:
        """Past flights of each core."""
        found: dict[int, list[Flight]] = defaultdict(list)
        for flight in self.flights:
            for core in flight.cores:
                if flight.past and core.core is not None:
                    found[core.core].append(flight)
        return found

    def flown(self, what: str, index: int) -> list[Flight]:
        """Past flights of a capsule, launchpad, ship, landpad or person."""
        return self._by[what].get(index, [])

    @cached_property
    def _by(self) -> dict[str, dict[int, list[Flight]]]:
        found: dict[str, dict[int, list[Flight]]] = defaultdict(lambda: defaultdict(list))
        for flight in self.flights:
            if flight.past:
                found["launchpad"][flight.launchpad].append(flight)
                if flight.capsule is not None:
                    found["capsule"][flight.capsule].append(flight)
                for ship in flight.ships:
                    found["ship"][ship].append(flight)
                for person in flight.crew:
                    found["crew"][person].append(flight)
                for pad in sorted({core.landpad for core in flight.cores if core.landpad is not None}):
                    found["landpad"][pad].append(flight)
        return found

    def _flight(self, index: int, payload: int, crew: int) -> Flight:
        random = chance(self.seed, "plan", index)
        past = index < self.past
        early = past and index < max(1, 5 * self.launches // REAL_LAUNCHES)
        heavy = not early and index % HEAVY_EVERY == HEAVY_EVERY - 1
        dragon = past and not early and index % 5 == 2
        crewed = dragon and index % CREWED_EVERY == 2 and index > self.past // 3
        success = None if not past or index == self.past * 11 // 12 else not (early and index < 3) and index % 101 != 18
        size = 0 if not past and random.random() < 0.66 else 2 if index % 20 == 7 else 16 if index == 141 else 1
        rocket = FALCON_1 if early else FALCON_HEAVY if heavy else FALCON_9
        ships = (
            sorted(random.sample(range(SHIPS), random.choice((0, 1, 2, 3, 3, 4, 4, 5)))) if past and not early else []
        )
        return Flight(
            index=index,
            date=self._date(index),
            past=past,
            rocket=rocket,
            launchpad=KWAJALEIN if early else random.choice((CAPE, CAPE, CAPE, KENNEDY, KENNEDY, VANDENBERG)),
            success=success,
            cores=self._cores(index, past, early, heavy, success, random),
            capsule=index // 10 if dragon else None,
            crew=range(crew, crew + CREW_SIZE) if crewed else range(crew, crew),
            ships=ships,
            fairing_ships=[] if dragon else [ship for ship in ships if ship % 3 == 0],
            payloads=range(payload, payload + size),
        )

    def _date(self, index: int) -> datetime:
        if index >= self.past:
            return LAST_PAST + timedelta(days=3) * (index - self.past + 1)
        share = (index / max(1, self.past - 1)) ** 0.45
        moment: datetime = FIRST + (LAST_PAST - FIRST) * share
        return moment.replace(second=0, microsecond=0)

    def _cores(
        self, index: int, past: bool, early: bool, heavy: bool, success: bool | None, random: Random
    ) -> list[CoreFlight]:
        if not past:
            assigned = CoreFlight(None, None, None, None, None)
            return [assigned] * (3 if heavy else 1)
        cohort, turn = divmod(index, COHORT_CORES * COHORT_FLIGHTS)
        core, flight = cohort * COHORT_CORES + turn % COHORT_CORES, turn // COHORT_CORES + 1
        sides = [self._side_core(index, side) for side in (0, 1)] if heavy else []
        return [self._landing(core, flight, early, success, random), *sides]

    def _landing(self, core: int, flight: int, early: bool, success: bool | None, random: Random) -> CoreFlight:
        if early or random.random() < 0.12:
            return CoreFlight(core, flight, None, None, None)
        kind = random.choices(("ASDS", "RTLS", "Ocean"), (127, 30, 7))[0]
        if kind == "Ocean":
            return CoreFlight(core, flight, None, random.random() < 0.7, kind)
        pad = random.choice((3, 5, 6)) if kind == "ASDS" else random.choice((0, 1, 2))
        return CoreFlight(core, flight, pad, random.random() < 0.95 if success is not False else None, kind)

    def _side_core(self, index: int, side: int) -> CoreFlight:
        """Side cores fly once each, numbered after all others."""
        cohorts = -(-self.past // (COHORT_CORES * COHORT_FLIGHTS))
        return CoreFlight(cohorts * COHORT_CORES + index // HEAVY_EVERY * 2 + side, 1, side, True, "RTLS")
