"""Serves the metrics over HTTP until a signal. What does not belong here: the metrics (``metrics.py``)."""

import socket

import sqlalchemy as sa
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from spacex_assets.config import Settings
from spacex_assets.errors import PlatformError
from spacex_assets.inspection.metrics import CONTENT_TYPE, page
from spacex_assets.load.pools import pooled_engine

log = structlog.get_logger(__name__)

SECONDS = 10
"""How long a scrape may take to connect and, again, to read; Prometheus waits ten by default."""


class PortTaken(PlatformError):
    """The metrics cannot be served where they are to be."""


def app(engine: sa.Engine) -> Starlette:
    """GET /metrics; 503 while the warehouse cannot be read."""

    def metrics(_: Request) -> Response:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("SET TRANSACTION READ ONLY, ISOLATION LEVEL REPEATABLE READ")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{SECONDS}s'")
                return Response(page(connection), media_type=CONTENT_TYPE)
        except sa.exc.DBAPIError as error:
            log.warning("the metrics cannot be read", error=str(error.orig).strip())
            return PlainTextResponse("The warehouse cannot be read; the exporter's log says why.\n", status_code=503)

    return Starlette(routes=[Route("/metrics", metrics)])


def engine_of(settings: Settings) -> sa.Engine:
    """Connections to the warehouse that give up in time, and survive a restart of PostgreSQL."""
    return pooled_engine(settings.warehouse_url, pool_size=1, connect_args={"connect_timeout": SECONDS})


def serve(settings: Settings) -> None:
    """Serves until a signal. Raises :class:`PortTaken`."""
    host, port = settings.metrics_host, settings.metrics_port
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise PortTaken(
            f"The metrics cannot have port {port} on {host}: {error.strerror}. End what has it, or set "
            f"SPACEX_METRICS_PORT or SPACEX_METRICS_HOST."
        ) from error
    engine = engine_of(settings)
    with listener:
        log.info("metrics are served", url=f"http://{host}:{listener.getsockname()[1]}/metrics")
        config = uvicorn.Config(app(engine), log_level="warning", lifespan="off", access_log=False)
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            engine.dispose()
