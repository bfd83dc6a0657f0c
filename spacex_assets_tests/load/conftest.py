import pytest

from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.load.things import THINGS, install


@pytest.fixture
def things(warehouse: Warehouse) -> Warehouse:
    """A warehouse with the table of all kinds."""
    install(warehouse.engine, THINGS)
    return warehouse
