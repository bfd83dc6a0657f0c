"""A flight, and the ledger that keeps a million of them in few bytes each.

What does not belong here: who flies when (``plan.py``).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

PACKED = struct.Struct("<BbBBbiIBIIBiB")
PACKED_CORE = struct.Struct("<ibbbb")
MOST_CORES = 3
ENTRY = PACKED.size + MOST_CORES * PACKED_CORE.size
KINDS = (None, "Ocean", "ASDS", "RTLS")
NOBODY = -1
VERDICTS: dict[bool | None, int] = {None: NOBODY, False: 0, True: 1}
MEANINGS = {code: verdict for verdict, code in VERDICTS.items()}


@dataclass(slots=True)
class CoreFlight:
    """A core on a launch; ``core`` is ``None`` while it is not assigned."""

    core: int | None
    flight: int | None
    landpad: int | None = None
    landed: bool | None = None
    kind: str | None = None


@dataclass(slots=True)
class Flight:
    """One launch. ``era`` is its position among the past, or the upcoming, launches of the real size; ``guest`` a
    payload of the launch before that this one lists beside its own."""

    index: int
    era: int
    date: datetime
    past: bool
    rocket: int
    launchpad: int
    success: bool | None
    cores: tuple[CoreFlight, ...]
    capsule: int | None
    crew: range
    ships: tuple[int, ...]
    payloads: range
    guest: int | None

    @property
    def fairing_ships(self) -> tuple[int, ...]:
        """Ships that are sent for the fairings."""
        return () if self.capsule is not None or self.index % 3 == 0 else tuple(s for s in self.ships if s % 3 == 0)


class Ledger:
    """Flights by their index, written once in order; ``date`` tells the date of an index."""

    def __init__(self, date: Callable[[int], datetime]) -> None:
        self.date = date
        self.entries = bytearray()

    def __len__(self) -> int:
        return len(self.entries) // ENTRY

    def append(self, flight: Flight) -> None:
        """Writes the next flight."""
        self.entries += PACKED.pack(
            flight.era,
            flight.past,
            flight.rocket,
            flight.launchpad,
            VERDICTS[flight.success],
            _code(flight.capsule),
            flight.crew.start,
            len(flight.crew),
            sum(1 << ship for ship in flight.ships),
            flight.payloads.start,
            len(flight.payloads),
            _code(flight.guest),
            len(flight.cores),
        )
        for core in flight.cores:
            self.entries += PACKED_CORE.pack(
                _code(core.core),
                _code(core.flight),
                _code(core.landpad),
                VERDICTS[core.landed],
                KINDS.index(core.kind),
            )
        self.entries += bytes((MOST_CORES - len(flight.cores)) * PACKED_CORE.size)

    def __getitem__(self, index: int) -> Flight:
        if index < 0:
            index += len(self)
        start = index * ENTRY
        era, past, rocket, launchpad, success, capsule, person, crew, ships, payload, payloads, guest, cores = (
            PACKED.unpack_from(self.entries, start)
        )
        start += PACKED.size
        return Flight(
            index,
            era,
            self.date(index),
            bool(past),
            rocket,
            launchpad,
            MEANINGS[success],
            tuple(self._core(start + side * PACKED_CORE.size) for side in range(cores)),
            _number(capsule),
            range(person, person + crew),
            tuple(ship for ship in range(ships.bit_length()) if ships >> ship & 1),
            range(payload, payload + payloads),
            _number(guest),
        )

    def __iter__(self) -> Iterator[Flight]:
        return map(self.__getitem__, range(len(self)))

    def _core(self, start: int) -> CoreFlight:
        core, flight, landpad, landed, kind = PACKED_CORE.unpack_from(self.entries, start)
        return CoreFlight(_number(core), _number(flight), _number(landpad), MEANINGS[landed], KINDS[kind])


def _code(number: int | None) -> int:
    return NOBODY if number is None else number


def _number(code: int) -> int | None:
    return None if code == NOBODY else code
