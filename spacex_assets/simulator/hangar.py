"""Boosters and capsules in rotation: built as they are needed, flown again while they last, and then never more."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class Vehicle:
    """One booster or capsule: its block or generation, the indexes of its past launches, and how it ended."""

    kind: int
    flights: "array[int]" = field(default_factory=lambda: array("L"))
    fate: str | None = None


class Hangar:
    """Vehicles that share a rotation. ``built`` is the register of all, shared by hangars of one collection.

    ``planned`` vehicles are to fly ``flights`` flights together; each flies at most as often as ``most`` says of its
    kind, and none is taken once those of the second kind after its own are built.
    """

    def __init__(self, built: list[Vehicle], planned: int, flights: int, most: Mapping[int, int]) -> None:
        self.built, self.planned, self.flights, self.most = built, planned, flights, most
        self.count = self.flown = 0
        self.ready: list[int] = []

    def take(self, kind: int, launch: int, random: Random) -> int:
        """A vehicle for a launch: a new one if one is due or none is at hand. It stays away until it is back."""
        self.flown += 1
        due = -(-self.flown * self.planned // max(1, self.flights))
        vehicle = self._ready(kind, random) if self.count >= due else None
        if vehicle is None:
            self.count += 1
            self.built.append(Vehicle(kind))
            vehicle = len(self.built) - 1
        self.built[vehicle].flights.append(launch)
        return vehicle

    def _ready(self, kind: int, random: Random) -> int | None:
        while self.ready:
            position = random.randrange(len(self.ready))
            self.ready[position], self.ready[-1] = self.ready[-1], self.ready[position]
            vehicle = self.ready.pop()
            if self.built[vehicle].kind >= kind - 1:
                return vehicle
        return None

    def back(self, vehicle: int, fate: str | None) -> None:
        """A vehicle after its flight; one that met its fate never flies again."""
        self.built[vehicle].fate = fate
        if fate is None and len(self.built[vehicle].flights) < self.most[self.built[vehicle].kind]:
            self.ready.append(vehicle)
