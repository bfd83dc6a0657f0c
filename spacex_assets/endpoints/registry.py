"""Every endpoint, by name. To add one: its file beside this one, its line here; the rest is in README.md."""

from collections.abc import Mapping
from types import MappingProxyType

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.capsules import capsules
from spacex_assets.endpoints.company import company
from spacex_assets.endpoints.cores import cores
from spacex_assets.endpoints.crew import crew
from spacex_assets.endpoints.dragons import dragons
from spacex_assets.endpoints.history import history
from spacex_assets.endpoints.landpads import landpads
from spacex_assets.endpoints.launches import launches
from spacex_assets.endpoints.launchpads import launchpads
from spacex_assets.endpoints.payloads import payloads
from spacex_assets.endpoints.roadster import roadster
from spacex_assets.endpoints.rockets import rockets
from spacex_assets.endpoints.ships import ships
from spacex_assets.endpoints.starlink import starlink

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        endpoint.name: endpoint
        for endpoint in (
            capsules,
            company,
            cores,
            crew,
            dragons,
            history,
            landpads,
            launches,
            launchpads,
            payloads,
            roadster,
            rockets,
            ships,
            starlink,
        )
    }
)
