"""The simulated fleet: every collection as documents, made when they are asked for."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from spacex_assets.simulator import launches, pads, payloads, reference, satellites, vehicles
from spacex_assets.simulator.content import NoDocuments
from spacex_assets.simulator.plan import REAL_LAUNCHES, Plan

Document = dict[str, Any]

COLLECTIONS: Mapping[str, Callable[[Plan], Iterator[Document]]] = {
    "capsules": vehicles.capsule_documents,
    "company": reference.company_documents,
    "cores": vehicles.core_documents,
    "crew": vehicles.crew_documents,
    "dragons": reference.dragon_documents,
    "history": reference.history_documents,
    "landpads": pads.landpad_documents,
    "launches": launches.launch_documents,
    "launchpads": pads.launchpad_documents,
    "payloads": payloads.payload_documents,
    "roadster": reference.roadster_documents,
    "rockets": reference.rocket_documents,
    "ships": vehicles.ship_documents,
    "starlink": satellites.satellite_documents,
}


class Fleet:
    """A fleet of any size; the same seed and size give the same documents, byte for byte."""

    simulated = True

    def __init__(self, seed: int = 42, launches: int = REAL_LAUNCHES) -> None:
        self.seed, self.launches = seed, launches

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents of an endpoint, in the order of the source. Raises :class:`NoDocuments`."""
        if endpoint not in COLLECTIONS:
            raise NoDocuments(
                f"The simulator has no documents of {endpoint!r}. Add what makes them to COLLECTIONS in "
                f"spacex_assets/simulator/fleet.py."
            )
        return COLLECTIONS[endpoint](self._plan)

    @cached_property
    def _plan(self) -> Plan:
        return Plan(self.seed, self.launches)
