"""Container health checks that ask the service itself, cheaply: `python deploy/healthy.py <service>`.

Dagster's own commands take a second of CPU each, and many under load. Exits with 0 if the service does its work, else
with a traceback and 1.
"""

import json
import os
import sys
from urllib.request import Request, urlopen

TIMEOUT = float(os.environ.get("SPACEX_HEALTH_SECONDS", "8"))
LATE_SECONDS = 180
"""A thread of the daemon that is alive says so every 30 seconds."""


def code() -> None:
    """The gRPC server says that it serves."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel("127.0.0.1:4000") as channel:
        request = health_pb2.HealthCheckRequest(service="DagsterApi")
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=TIMEOUT)
    assert answer.status == answer.SERVING, answer


def webserver() -> None:
    """The webserver answers what it has to ask Dagster's storage for."""
    query = json.dumps({"query": "{ runsOrError(limit: 1) { ... on Runs { results { id } } } }"}).encode()
    request = Request("http://127.0.0.1:3000/graphql", query, {"Content-Type": "application/json"})
    with urlopen(request, timeout=TIMEOUT) as answer:
        found = json.load(answer)
    assert "results" in found["data"]["runsOrError"], found


def simulator() -> None:
    """The simulated API answers."""
    _answers("http://127.0.0.1:8080/v4/admin/health")


def metrics() -> None:
    """The figures can be read."""
    _answers("http://127.0.0.1:9464/metrics")


def _answers(url: str) -> None:
    urlopen(url, timeout=TIMEOUT).close()


def daemon() -> None:
    """Every thread of the daemon that was last alive has said lately that it is."""
    import sqlalchemy as sa

    from spacex_assets.config import Settings

    query = """SELECT coalesce(extract(epoch FROM now() AT TIME ZONE 'utc' - min(timestamp)), 'infinity')
        FROM daemon_heartbeats
        WHERE daemon_id = (SELECT daemon_id FROM daemon_heartbeats ORDER BY timestamp DESC LIMIT 1)"""
    engine = sa.create_engine(Settings().dagster_url or "", connect_args={"connect_timeout": int(TIMEOUT)})
    with engine.connect() as connection:
        late = connection.scalar(sa.text(query))
    assert late < LATE_SECONDS, f"no heartbeat for {late:.0f} s"


if __name__ == "__main__":
    CHECKS = {check.__name__: check for check in (code, webserver, daemon, simulator, metrics)}
    CHECKS[sys.argv[1]]()
