"""A server that speaks the API's protocol, the simulator included."""

from spacex_assets.config import Settings, World
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.errors import WorldMismatch
from spacex_assets.extract.attempt import scrubbed
from spacex_assets.extract.client import Client, Sizes
from spacex_assets.extract.guards import check_volume, check_world
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.pace import Limits, TokenBucket
from spacex_assets.extract.snapshot import Look, Snapshot


class HttpSource:
    """A base URL; endpoints are its ``/v4`` and ``/v5`` routes."""

    def __init__(self, base_url: str, settings: Settings, limits: Limits | None = None) -> None:
        self.base_url, self.settings = base_url.rstrip("/"), settings
        self.identity = scrubbed(self.base_url)
        limits = limits or Limits(
            attempts=settings.http_attempts,
            connect=settings.http_connect_timeout,
            read=settings.http_read_timeout,
            total=settings.endpoint_time_limit,
        )
        sizes = Sizes(body=settings.body_limit_mib << 20, document=settings.document_limit_mib << 20)
        self.client = Client(limits, TokenBucket(settings.http_rate, settings.http_burst), sizes)

    def fetch(self, endpoint: Endpoint, lake: RawLake, last_loaded: int | None = None) -> Snapshot:
        """See :class:`Source`. An unchanged endpoint costs one 304."""
        url = self.base_url + endpoint.path
        known = lake.intact(endpoint.name)
        if known is not None and (known.source != self.identity or known.url != scrubbed(url)):
            known = None
        with lake.staging_file() as staged:
            received = self.client.fetch(endpoint, url, staged, known.etag if known else None)
            if received.path is None:
                assert known is not None
                snapshot = known.model_copy(update={"fetched_at": received.fetched_at, "reused": True})
            else:
                snapshot = Snapshot(
                    endpoint=endpoint.name,
                    source=self.identity,
                    url=scrubbed(url),
                    sha256=received.sha256,
                    etag=received.etag,
                    fetched_at=received.fetched_at,
                    size=received.size,
                    documents=sum(batch.documents for batch in received.batches),
                    batches=received.batches,
                    reused=known is not None and known.sha256 == received.sha256,
                    path=staged,
                )
                if received.simulated and self.settings.world is World.REAL:
                    raise WorldMismatch(
                        f"{endpoint.name}: {snapshot.url} is a simulator; the real world takes no simulated "
                        f"data. Nothing was published. Set SPACEX_SOURCE=simulated, or a real source."
                    )
            check_world(endpoint, snapshot, self.settings.world)
            check_volume(endpoint, snapshot, last_loaded, self.settings.shrink_limit, self.settings.shrink_minimum)
            if received.path is None:
                return snapshot
            return snapshot.model_copy(update={"path": lake.keep(endpoint.name, snapshot.sha256, staged)})

    def look(self, endpoint: Endpoint, lake: RawLake, before: Look | None = None) -> Look:
        """See :class:`Source`. An unchanged endpoint costs one 304, one without ETag its body."""
        url = self.base_url + endpoint.path
        latest = lake.latest(endpoint.name)
        if before is None and latest is not None and (latest.source, latest.url) == (self.identity, scrubbed(url)):
            before = Look(sha256=latest.sha256, mark=latest.etag)
        with lake.staging_file() as staged:
            received = self.client.fetch(endpoint, url, staged, before.mark if before else None)
        if received.path is None:
            assert before is not None
            return Look(sha256=before.sha256, mark=received.etag)
        return Look(sha256=received.sha256, mark=received.etag)
