"""Boosters and capsules in rotation: built as they are needed, flown again while they last, and then never more."""

from dataclasses import dataclass, field
from random import Random


@dataclass(slots=True)
class Vehicle:
    """One booster or capsule: its block or generation, the indexes of its past launches, and how it ended."""

    kind: int
    flights: list[int] = field(default_factory=list)
    fate: str | None = None


class Hangar:
    """Vehicles that share a rotation. ``built`` is the register of all, shared by hangars of one collection.

    ``planned`` vehicles are to fly ``flights`` flights together; each flies at most ``most`` times.
    """

    def __init__(self, built: list[Vehicle], planned: int, flights: int, most: int) -> None:
        self.built, self.planned, self.flights, self.most = built, planned, flights, most
        self.count = self.flown = 0
        self.ready: list[int] = []

    def take(self, kind: int, launch: int, random: Random) -> int:
        """A vehicle for a launch: a new one if one is due or none is at hand. It stays away until it is back."""
        self.flown += 1
        due = -(-self.flown * self.planned // max(1, self.flights))
        if self.ready and self.count >= due:
            position = random.randrange(len(self.ready))
            self.ready[position], self.ready[-1] = self.ready[-1], self.ready[position]
            vehicle = self.ready.pop()
        else:
            self.count += 1
            self.built.append(Vehicle(kind))
            vehicle = len(self.built) - 1
        self.built[vehicle].flights.append(launch)
        return vehicle

    def back(self, vehicle: int, fate: str | None) -> None:
        """A vehicle after its flight; one that met its fate never flies again."""
        self.built[vehicle].fate = fate
        if fate is None and len(self.built[vehicle].flights) < self.most:
            self.ready.append(vehicle)
