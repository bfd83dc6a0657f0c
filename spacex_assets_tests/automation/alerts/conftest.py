"""A platform that is watched: runs in Dagster's real storage, and ticks of the sensor `incidents` when a test wants."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets.automation.alerts.watch import look_and_tell
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.compare import quoted
from spacex_assets.load.schema import all_layouts
from spacex_assets.local import attach
from spacex_assets_tests.automation.alerts.receivers import Mailbox, Webhook, serving
from spacex_assets_tests.conftest import Platform


@dataclass(frozen=True)
class Watched:
    platform: Platform
    instance: dg.DagsterInstance
    engine: sa.Engine
    settings: Settings

    def run(self, *endpoints: str, **settings: Any) -> str:
        """Fetches, types, checks and loads endpoints; the run's id."""
        job = build_defs(Settings(**settings)).resolve_implicit_global_asset_job_def()
        assets = {name for endpoint in endpoints for name in (layout.name for layout in ENDPOINTS[endpoint].layouts)}
        keys = [dg.AssetKey(["raw", name]) for name in endpoints]
        keys += [dg.AssetKey([layer, name]) for name in sorted(assets) for layer in ("typed", "spacex")]
        return job.execute_in_process(instance=self.instance, asset_selection=keys, raise_on_error=False).run_id

    def tick(self, repository: dg.RepositoryDefinition | None = None, **settings: Any) -> str:
        """What the sensor says."""
        repository = repository or build_defs(self.settings).get_repository_def()
        return look_and_tell(self.engine, self.instance, repository, Settings(**settings))

    def incidents(self) -> list[tuple[Any, ...]]:
        return self.platform.rows("SELECT kind, subject, runs, closed_at IS NULL FROM ops.incidents ORDER BY id")


@pytest.fixture
def watched(platform: Platform) -> Iterator[Watched]:
    """Nothing is open, whatever the tests before have left; the rows go with the ledger that knows who wrote them."""
    settings = attach(Settings())
    engine = sa.create_engine(platform.url)
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.wipe()
        instance.run_storage.wipe()
        platform.rows(
            "TRUNCATE ops.loads, ops.incidents, ops.deliveries, ops.destinations, ops.check_failures, ops.quarantine, "
            "ops.retention, ops.drift, ops.profiles"
        )
        for schema in ("spacex", "history"):
            platform.rows("TRUNCATE " + ", ".join(quoted(schema, layout.name) for layout in all_layouts()))
        yield Watched(platform, instance, engine, settings)
    engine.dispose()
    platform.call("simulator", "reset")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        yield server


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with serving(Mailbox(login=("ops@example.org", "mail-pass word"))) as server:
        yield server


def urls(**named: str) -> dict[str, SecretStr]:
    return {name: SecretStr(url) for name, url in named.items()}
