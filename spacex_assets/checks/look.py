"""One look at the tables of an endpoint: what its checks find, all in one state of the database until one crashes.

What does not belong here: the single rules, and how Dagster is told (``tables.py``).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from spacex_assets.checks.bookkeeping import bookkeeping_findings
from spacex_assets.checks.catalog import MISSING_DATA, catalog_findings
from spacex_assets.checks.drift import drift
from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.checks.last_load import LastLoad, last_load, loaded_endpoints
from spacex_assets.checks.oddities import LOOKED_AT, oddity_queries
from spacex_assets.checks.promises import broken, looked_at, rules
from spacex_assets.checks.reconciliation import reconciled
from spacex_assets.checks.source import retained, silence
from spacex_assets.config import Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.load.warehouse import Warehouse


@dataclass(frozen=True)
class Look:
    """What the checks of an endpoint find through one connection."""

    connection: sa.Connection
    endpoint: Endpoint
    lake: TypedLake
    settings: Settings

    def integrity(self) -> Findings:
        """What is wrong with our work."""
        if self._load is None:
            return self._never
        if self._unreadable:
            return self._catalog
        written = Findings(tuple(bookkeeping_findings(self.connection, self.endpoint.layouts)))
        return self._catalog + written + self._reconciliation(self._load)

    def quality(self) -> Findings:
        """What is wrong with the source's."""
        if self._load is None:
            return self._never
        if self._unreadable:
            return Findings(
                (Finding("cannot be read", self.endpoint.name, "see integrity: the catalog lacks columns"),)
            )
        kept = retained(self.connection, self.endpoint.name)
        return self._promises() + kept + silence(self._load, self.settings)

    def drift(self) -> Findings:
        """In what the source drifts."""
        return drift(self.connection, self.endpoint.name)

    def tried(self, judge: Callable[[], Findings]) -> Findings | Exception:
        """What one check finds, or the error that it ends with; the next one goes on in a state of its own."""
        try:
            return judge()
        except Exception as error:
            self.connection.rollback()
            return error

    @cached_property
    def _load(self) -> LastLoad | None:
        return last_load(self.connection, self.endpoint.name)

    @cached_property
    def _catalog(self) -> Findings:
        return Findings(tuple(catalog_findings(self.connection, self.endpoint.layouts)))

    @cached_property
    def _unreadable(self) -> bool:
        """Whether tables or columns are missing; that the catalog cannot be judged is for integrity to tell."""
        catalog = self.tried(lambda: self._catalog)
        return isinstance(catalog, Findings) and any(one.rule == MISSING_DATA for one in catalog.findings)

    @property
    def _never(self) -> Findings:
        return Findings((Finding("never loaded", self.endpoint.name, "materialize its tables first"),))

    def _promises(self) -> Findings:
        name, layouts = self.endpoint.name, self.endpoint.layouts
        needed = needed_by(self.endpoint)
        loaded = loaded_endpoints(self.connection, needed)
        queries = [query for layout in layouts for query in rules(layout, loaded)]
        if loaded.issuperset(LOOKED_AT.get(name, ())):
            queries += oddity_queries(name)
        figures = {"not_looked_at": f"never loaded: {', '.join(sorted(needed - loaded))}"} if needed - loaded else {}
        return Findings(tuple(broken(self.connection, queries)), {"rules": len(queries), **figures})

    def _reconciliation(self, load: LastLoad) -> Findings:
        layouts, settings = self.endpoint.layouts, self.settings
        snapshot = self.lake.raw.resolve(self.endpoint.name, load.run_id)
        if snapshot.sha256 != load.sha256:
            gone = "the snapshot that was loaded is not in the lake"
            return Findings((Finding(gone, load.sha256, "", remedy="Load it again: `python -m spacex_assets run`."),))
        found = snapshot.found_sha256()
        if found != load.sha256:
            edited = Finding(
                "the raw snapshot is no longer what was fetched",
                str(snapshot.path),
                f"expected the sha256 {load.sha256}, found {found}",
                remedy="Fetch it again: `python -m spacex_assets run`.",
            )
            return Findings((edited,))
        if load.mode is None:
            return Findings((), {"digest": "not compared: loaded by a release that did not record its contract mode"})
        intake = self.lake.read_intake(self.endpoint, snapshot, load.mode)
        digests = settings.full_compare or load.documents <= settings.reconcile_documents
        return reconciled(self.connection, layouts, load, snapshot.iter_batches(), intake, digests=digests)


def needed_by(endpoint: Endpoint) -> set[str]:
    """The endpoints whose tables are looked at to judge the quality of an endpoint."""
    return set().union(*map(looked_at, endpoint.layouts), LOOKED_AT.get(endpoint.name, ()))


@contextmanager
def looking(endpoint: Endpoint, warehouse: Warehouse, lake: TypedLake, settings: Settings) -> Iterator[Look]:
    """A look in a transaction that sees one state of the database and cannot write."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with warehouse.engine.connect().execution_options(**options) as connection:
        yield Look(connection, endpoint, lake, settings)


def findings(
    endpoint: Endpoint, warehouse: Warehouse, lake: TypedLake, settings: Settings
) -> tuple[Findings, Findings]:
    """Integrity and quality of an endpoint."""
    with looking(endpoint, warehouse, lake, settings) as look:
        return look.integrity(), look.quality()
