"""Who flies when: the one consistent history that every simulated document is a view of.

A flight is decided once, here; launches, cores, capsules, crews, ships, pads and payloads only report it. The history
is that of the real size (``eras.py``), stretched: each past position of it happens as often as the fleet's size asks
for. What does not belong here: texts and JSON.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

from spacex_assets.simulator import eras
from spacex_assets.simulator.flights import CoreFlight, Flight, Ledger
from spacex_assets.simulator.hangar import Hangar, Vehicle
from spacex_assets.simulator.identity import Nulls, chance

REAL_LAUNCHES = 205
FIRST = datetime(2006, 3, 24, 22, 30, tzinfo=UTC)
LAST_PAST = datetime(2022, 10, 5, 16, 0, tzinfo=UTC)
UPCOMING_SPAN = timedelta(days=60)
SHIPS = 29
FALCON_1, FALCON_9, FALCON_HEAVY = 0, 1, 2
KWAJALEIN, CAPE, KENNEDY, VANDENBERG = 3, 1, 5, 4
DELETED_LAUNCHES = 4
"""Payloads that point at launches which are no more, as four of the source do."""


class Plan:
    """All flights of a fleet with the given number of launches."""

    def __init__(self, seed: int, launches: int) -> None:
        self.seed, self.launches = seed, launches
        self.upcoming = launches * eras.UPCOMING // REAL_LAUNCHES
        self.past = launches - self.upcoming
        self.built_cores: list[Vehicle] = []
        self.built_capsules: list[Vehicle] = []
        self.flights = Ledger(self._date)
        for flight in self._flights():
            self.flights.append(flight)

    @property
    def cores(self) -> int:
        """Cores, a few of which have not flown; 83 at the real size."""
        return max(len(self.built_cores), self.scaled(83))

    @property
    def capsules(self) -> int:
        """Capsules; 25 at the real size."""
        return max(len(self.built_capsules), self.scaled(25))

    @property
    def people(self) -> int:
        """People, at least one even where no crew has flown; 30 at the real size."""
        return max(1, self.flights[-1].crew.stop)

    @property
    def payloads(self) -> int:
        """Payloads, with those of launches that the source has deleted; 225 at the real size."""
        return self.flights[-1].payloads.stop + DELETED_LAUNCHES

    def scaled(self, real: int) -> int:
        """A number of the real size at this size, at least one."""
        return max(1, real * self.launches // REAL_LAUNCHES)

    def flown(self, what: str, index: int) -> "array[int]":
        """Indexes of the past flights of a rocket, launchpad, ship, landpad or person."""
        return self._flown[what].get(index, array("L"))

    def past_flights(self) -> Iterator[Flight]:
        """The past flights, in their order."""
        return map(self.flights.__getitem__, range(self.past))

    @cached_property
    def _flown(self) -> "dict[str, dict[int, array[int]]]":
        found: dict[str, dict[int, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("L")))
        for flight in self.past_flights():
            found["rocket"][flight.rocket].append(flight.index)
            found["launchpad"][flight.launchpad].append(flight.index)
            for ship in flight.ships:
                found["ship"][ship].append(flight.index)
            for person in flight.crew:
                found["crew"][person].append(flight.index)
            for pad in sorted({core.landpad for core in flight.cores if core.landpad is not None}):
                found["landpad"][pad].append(flight.index)
        return found

    def _flights(self) -> Iterator[Flight]:
        counted = [index * eras.PAST // self.past for index in range(self.past)]
        heavies = sum(era in eras.HEAVY for era in counted)
        early = sum(era in eras.FALCON_1 for era in counted)
        boosters = Hangar(self.built_cores, self.scaled(70), self.past - early + 2 * heavies, eras.MOST_FLIGHTS)
        single_use = Hangar(self.built_cores, early, early, eras.MOST_FLIGHTS)
        capsules = [
            Hangar(self.built_capsules, self.scaled(planned), sum(era in when for era in counted), {generation: most})
            for generation, (when, planned, most) in enumerate(eras.DRAGONS)
        ]
        payload = person = 0
        for index in range(self.launches):
            past = index < self.past
            era = counted[index] if past else (index - self.past) % eras.UPCOMING
            random = chance(self.seed, "plan", index)
            heavy = era in (eras.HEAVY if past else eras.HEAVY_UPCOMING)
            rocket = FALCON_1 if past and era in eras.FALCON_1 else FALCON_HEAVY if heavy else FALCON_9
            success = None if not past or era == eras.UNREPORTED else era not in eras.FAILED
            crew = eras.CREWED.get(era, 0) if past else 0
            size = eras.PAYLOADS.get(era, 1) if past else int(era in eras.UPCOMING_WITH_PAYLOAD)
            sides = range(3 if heavy else 1)
            hangar = single_use if rocket == FALCON_1 else boosters
            launchpad = _launchpad(rocket, past, era, random)
            yield Flight(
                index=index,
                era=era,
                date=self._date(index),
                past=past,
                rocket=rocket,
                launchpad=launchpad,
                success=success,
                cores=self._cores(hangar, index, era, launchpad, sides, success, random)
                if past
                else tuple(self._assigned(era) for _ in sides),
                capsule=_capsule(capsules, index, era, success, random) if past else None,
                crew=range(person, person + crew),
                ships=self._ships(index, random) if past and rocket != FALCON_1 else (),
                payloads=range(payload, payload + size),
                guest=payload - 1 if past and era == eras.WITH_GUEST and payload else None,
            )
            payload, person = payload + size, person + crew

    def _date(self, index: int) -> datetime:
        if index >= self.past:
            moment = LAST_PAST + UPCOMING_SPAN * (index - self.past + 1) / (self.upcoming + 1)
        else:
            share: float = (index / max(1, self.past - 1)) ** 0.45
            moment = FIRST + (LAST_PAST - FIRST) * share
        return moment.replace(second=0, microsecond=0)

    def _ships(self, index: int, random: Random) -> tuple[int, ...]:
        if Nulls(self.seed, "plan", index).hit("ships", 0.34):
            return ()
        count = random.choices((1, 2, 3, 4, 5), (33, 15, 28, 25, 19))[0]
        return tuple(sorted(random.sample(range(SHIPS), count)))

    def _cores(
        self, hangar: Hangar, index: int, era: int, launchpad: int, sides: range, success: bool | None, random: Random
    ) -> tuple[CoreFlight, ...]:
        taken = [hangar.take(eras.block(era), index, random) for _ in sides]
        expended = era < eras.FIRST_LANDING or Nulls(self.seed, "plan", index).hit("expended", 0.1)
        flights = []
        for side, core in zip(sides, taken, strict=True):
            landing = _landing(era, launchpad, side, expended, success, random)
            landing.core, landing.flight = core, len(hangar.built[core].flights)
            hangar.back(core, _fate(era, landing))
            flights.append(landing)
        return tuple(flights)

    def _assigned(self, era: int) -> CoreFlight:
        if era != eras.ASSIGNED_UPCOMING:
            return CoreFlight(None, None)
        self.built_cores.append(Vehicle(5))
        return CoreFlight(len(self.built_cores) - 1, 1)


def _landing(era: int, launchpad: int, side: int, expended: bool, success: bool | None, random: Random) -> CoreFlight:
    if side:
        return CoreFlight(None, None, side - 1, True, "RTLS")
    if era in eras.OCEAN:
        return CoreFlight(None, None, None, random.random() < 0.7, "Ocean")
    if era in eras.FIRST_DRONE_SHIP:
        return CoreFlight(None, None, 4, False, "ASDS")
    if expended and success is not False:
        return CoreFlight(None, None)
    if era < eras.FIRST_LANDING:
        return CoreFlight(None, None)
    if success is False or random.random() < 0.8:
        pad = random.choices((3, 5, 6), (64, 40, 21))[0]
        return CoreFlight(None, None, pad, None if success is False else random.random() < 0.93, "ASDS")
    return CoreFlight(None, None, 2 if launchpad == VANDENBERG else 0, random.random() < 0.97, "RTLS")


def _fate(era: int, core: CoreFlight) -> str | None:
    if core.kind is None:
        return "lost" if era < eras.FIRST_LANDING else "expended"
    return "lost" if core.kind == "Ocean" or not core.landed else None


def _capsule(hangars: list[Hangar], index: int, era: int, success: bool | None, random: Random) -> int | None:
    for generation, (when, *_) in enumerate(eras.DRAGONS):
        if era in when:
            capsule = hangars[generation].take(generation, index, random)
            hangars[generation].back(capsule, "destroyed" if success is False else None)
            return capsule
    return None


def _launchpad(rocket: int, past: bool, era: int, random: Random) -> int:
    """Crews and three cores leave from one pad only, capsules never towards the poles."""
    if rocket == FALCON_1:
        return KWAJALEIN
    if rocket == FALCON_HEAVY or (past and era in eras.CREWED):
        return KENNEDY
    if past and era in eras.FROM_VANDENBERG:
        return VANDENBERG
    if past and any(era in when for when, *_ in eras.DRAGONS):
        return random.choices((CAPE, KENNEDY), (19, 8))[0]
    return random.choices((CAPE, KENNEDY, VANDENBERG), (93, 37, 27))[0]
