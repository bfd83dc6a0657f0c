"""Old versions can be forgotten, by those who may do nothing else to history."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from spacex_assets.embedded import Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.forget import Versions, expendable_versions, forget
from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.conftest import as_role

NOW = datetime.now(UTC)
BEFORE = NOW - timedelta(days=100)
LAYOUTS = ENDPOINTS["cores"].layouts + ENDPOINTS["launches"].layouts


def version(key: str, began: int, ended: int, by: str = "update") -> str:
    """A closed version of a core, by the days ago that it began and ended."""
    moments = [f"'{(NOW - timedelta(days=days)).isoformat()}'" for days in (began, began, ended)]
    return (
        f"INSERT INTO history.cores (id, _first_seen_at, valid_from, valid_to, ended_by, ended_user) "
        f"VALUES ('{key * 24}', {', '.join(moments)}, '{by}', 'me')"
    )


def run(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def versions(engine: sa.Engine) -> list[tuple[str, int]]:
    """The first letter of each key, and how many days ago its version ended."""
    query = "SELECT left(id, 1), extract(day FROM now() - valid_to)::int FROM history.cores ORDER BY 1, 2 DESC"
    with engine.connect() as connection:
        return [(key, days) for key, days in connection.exec_driver_sql(query)]


PRESENT = "INSERT INTO spacex.cores (id, serial, status) VALUES (repeat('a', 24), 'B1', '')"
SOME = (PRESENT, version("a", 400, 300), version("a", 300, 101), version("a", 101, 99))


def test_versions_that_ended_before_a_moment_are_forgotten(warehouse: Warehouse) -> None:
    run(warehouse.engine, *SOME)
    assert forget(warehouse.engine, "cores", BEFORE) == 2
    assert versions(warehouse.engine) == [("a", 99)]


def test_the_last_version_of_a_row_that_is_gone_stays_so_that_it_returns_as_first_seen(warehouse: Warehouse) -> None:
    run(warehouse.engine, version("b", 400, 300), version("b", 300, 200, "delete"))
    assert forget(warehouse.engine, "cores", BEFORE) == 1
    assert versions(warehouse.engine) == [("b", 200)]


def test_what_would_go_is_what_goes(warehouse: Warehouse) -> None:
    run(warehouse.engine, *SOME, version("b", 400, 300, "delete"))
    with warehouse.engine.connect() as connection:
        (found,) = expendable_versions(connection, LAYOUTS, BEFORE)
        query = (
            "SELECT sum(pg_column_size(h.*)) FROM history.cores h WHERE id ~ 'a' AND valid_to < now() - interval '100d'"
        )
        size = connection.scalar(sa.text(query))
    assert found == Versions("cores", 2, size)
    assert forget(warehouse.engine, "cores", BEFORE) == 2
    with warehouse.engine.connect() as connection:
        assert list(expendable_versions(connection, LAYOUTS, BEFORE)) == []


def test_they_go_in_batches(warehouse: Warehouse) -> None:
    run(warehouse.engine, PRESENT, *(version("a", 200 + day, 199 + day) for day in range(10)))
    with warehouse.engine.begin() as connection:
        query = sa.text("SELECT ops.forget_versions('cores', :before, 4)")
        assert connection.scalar(query, {"before": BEFORE}) == 4
    assert forget(warehouse.engine, "cores", BEFORE, batch=3) == 6
    assert versions(warehouse.engine) == []


def test_the_table_as_it_was_at_any_later_moment_is_as_before(warehouse: Warehouse) -> None:
    run(warehouse.engine, *SOME)
    query = sa.text("SELECT id, valid_from, valid_to FROM history.cores_at(:at)")

    def as_of(days: float) -> list[object]:
        with warehouse.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query, {"at": NOW - timedelta(days=days)})]

    later, earlier = [as_of(days) for days in (100, 99.5, 1, 0)], as_of(150)
    assert len(earlier) == 1
    forget(warehouse.engine, "cores", BEFORE)
    assert [as_of(days) for days in (100, 99.5, 1, 0)] == later
    assert as_of(150) == []


@pytest.mark.parametrize("before", [NOW - timedelta(days=29), NOW + timedelta(days=1), None])
def test_the_recent_past_cannot_be_forgotten(warehouse: Warehouse, before: datetime | None) -> None:
    with warehouse.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="at least 30 days ago"):
        connection.execute(sa.text("SELECT ops.forget_versions('cores', :before, 10)"), {"before": before})


def test_an_unknown_table_is_an_error(warehouse: Warehouse) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="no table with a history is called loads"):
        forget(warehouse.engine, "loads", BEFORE)


def test_the_loader_of_the_deployed_stack_may_forget_and_no_more(deployed: Server) -> None:
    run(as_role(deployed, "owner"), *SOME)
    loader = as_role(deployed, "loader")
    for statement in ("DELETE FROM history.cores", version("a", 2, 1), "TRUNCATE history.cores"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            run(loader, statement)
    with loader.connect() as connection:
        assert [found.count for found in expendable_versions(connection, LAYOUTS, BEFORE)] == [2]
    assert forget(loader, "cores", BEFORE) == 2
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        forget(as_role(deployed, "analyst"), "cores", BEFORE)
