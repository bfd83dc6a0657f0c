"""The metrics page: its syntax by Prometheus's own parser, its figures by the database, its server over HTTP."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.inspection.metrics import CONTENT_TYPE, FAMILIES, page
from spacex_assets_tests.conftest import Platform

DEPLOY = Path(__file__).parents[2] / "deploy"
ANALYST = "metrics_reader"
LOST = "5e9d0d9551a0070000000003"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(platform: Platform) -> Samples:
    engine = sa.create_engine(platform.url)
    with engine.connect() as connection:
        return parsed(page(connection))


@pytest.fixture(scope="module")
def loaded(platform: Platform) -> Platform:
    """Two loads of three endpoints, the second with a document in quarantine; a third of one that failed."""
    platform.load("launches", "cores", "ships")
    platform.edit("launches", LOST, {"flight_number": "seven"})
    platform.load("launches", "cores", "ships")
    ((core,),) = platform.rows("SELECT id FROM spacex.cores ORDER BY id LIMIT 1")
    platform.unmark("cores", core)
    platform.load("cores")
    return platform


def test_before_any_load_the_page_is_whole(platform: Platform) -> None:
    samples = read(platform)
    assert samples["spacex_platform_info", (("version", "0.1.0"), ("world", "simulated"))] == 1
    assert samples["spacex_loads_total", (("endpoint", "launches"), ("outcome", "failed"))] == 0
    assert not [name for name, _ in samples if name == "spacex_snapshot_age_seconds"]


def test_the_figures_are_those_of_the_ledger(loaded: Platform) -> None:
    samples = read(loaded)
    for endpoint, table, *counts in loaded.rows(
        "SELECT endpoint, table_name, sum(rows_inserted), sum(rows_updated), sum(rows_deleted), sum(rows_unchanged) "
        "FROM ops.loads GROUP BY 1, 2"
    ):
        for outcome, count in zip(("inserted", "updated", "deleted", "unchanged"), counts, strict=True):
            labels = (("endpoint", endpoint), ("outcome", outcome), ("table", table))
            assert samples["spacex_rows_total", labels] == count
    assert samples["spacex_loads_total", (("endpoint", "cores"), ("outcome", "loaded"))] == 2
    assert samples["spacex_loads_total", (("endpoint", "cores"), ("outcome", "failed"))] == 1
    assert samples["spacex_last_load_ok", (("endpoint", "cores"),)] == 0
    assert samples["spacex_last_load_ok", (("endpoint", "ships"),)] == 1
    assert samples["spacex_documents", (("endpoint", "launches"),)] == 30
    assert samples["spacex_quarantined_documents", (("endpoint", "launches"),)] == 1
    assert samples["spacex_retained_documents", (("endpoint", "launches"),)] == 1
    assert samples["spacex_quarantined_documents", (("endpoint", "crew"),)] == 0
    assert 0 < samples["spacex_snapshot_age_seconds", (("endpoint", "ships"),)] < 600
    ((at,),) = loaded.rows(
        "SELECT extract(epoch FROM max(finished_at)) FROM ops.loads WHERE endpoint = 'cores' AND outcome = 'loaded'"
    )
    assert samples["spacex_last_success_timestamp_seconds", (("endpoint", "cores"),)] == pytest.approx(float(at))
    assert samples["spacex_last_success_timestamp_seconds", (("endpoint", "crew"),)] == 0, "never"
    assert samples["spacex_load_seconds_total", (("endpoint", "launches"),)] > 0


def test_incidents_checks_and_destinations_are_counted_and_odd_names_escaped(loaded: Platform) -> None:
    loaded.rows(
        "INSERT INTO ops.incidents (kind, subject, opened_at, last_seen_at, runs, last_error) "
        "VALUES ('stale', 'cores', now(), now(), 1, 'late')"
    )
    loaded.rows(
        "INSERT INTO ops.destinations (name, channel, seen_at, failures) "
        "VALUES (E'a \"b\" \\\\ c\nd', 'mail', now(), 3), ('late', 'mail', now(), 2), ('log', 'log', now(), 0)"
    )
    loaded.rows("INSERT INTO ops.check_failures VALUES ('spacex/cores', 'quality', 'cores', 'WARN', NULL, 'r', now())")
    samples = read(loaded)
    assert samples["spacex_incidents_open", (("kind", "stale"),)] == 1
    assert samples["spacex_incidents_open", (("kind", "run_failed"),)] == 0
    assert samples["spacex_incidents_total", (("kind", "stale"),)] == 1
    assert samples["spacex_alert_destinations_dead", ()] == 1
    labels = (("channel", "mail"), ("destination", 'a "b" \\ c\nd'))
    assert samples["spacex_alert_destination_failures", labels] == 3
    assert samples["spacex_check_failures", (("endpoint", "cores"), ("severity", "WARN"))] == 1
    assert samples["spacex_check_failures", (("endpoint", "cores"), ("severity", "ERROR"))] == 0
    assert ("spacex_incidents_looked_timestamp_seconds", ()) in samples


def test_every_family_is_described_and_a_unit_ends_its_name() -> None:
    for family in FAMILIES:
        assert family.help.endswith(".")
        assert not family.name.endswith("_total")
        assert family.unit is None or family.name.endswith(f"_{family.unit}")
        assert family.unit == "seconds" or not family.name.endswith("_seconds")
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


@pytest.fixture
def analyst(loaded: Platform) -> Iterator[str]:
    """The URL of a role that may do what deploy/postgres grants the analyst: read."""
    schemas = "spacex, history, ops"
    loaded.rows(f"CREATE ROLE {ANALYST} LOGIN PASSWORD 'reading'")
    loaded.rows(f"GRANT USAGE ON SCHEMA {schemas} TO {ANALYST}")
    loaded.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {ANALYST}")
    loaded.rows(f"ALTER ROLE {ANALYST} SET default_transaction_read_only = on")
    yield sa.make_url(loaded.url).set(username=ANALYST, password="reading").render_as_string(hide_password=False)
    loaded.rows(f"DROP OWNED BY {ANALYST}; DROP ROLE {ANALYST}")


@pytest.fixture
def served(analyst: str, loaded: Platform, local_environment: dict[str, str]) -> Iterator[tuple[Any, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**local_environment, "SPACEX_DATABASE_URL": analyst, "SPACEX_METRICS_PORT": str(port)}
    command = [sys.executable, "-m", "spacex_assets", "metrics"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "metrics are served" in process.stderr.readline()
    yield process, f"http://127.0.0.1:{port}/metrics"
    process.kill()
    process.communicate()


def test_a_process_of_its_own_serves_the_page_to_a_role_that_only_reads(
    served: tuple[subprocess.Popen[str], str], loaded: Platform
) -> None:
    process, url = served
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        text = answer.read().decode()
    assert text.endswith("\n# EOF\n")
    assert parsed(text).keys() >= {("spacex_incidents_open", (("kind", "stale"),))}

    loaded.rows(f"REVOKE SELECT ON ops.loads FROM {ANALYST}")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=20)
    assert refused.value.code == 503
    loaded.rows(f"GRANT SELECT ON ops.loads TO {ANALYST}")
    loaded.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ANALYST}'")
    urllib.request.urlopen(url, timeout=20).close()

    process.send_signal(signal.SIGTERM)
    assert process.wait(20) in (0, -signal.SIGTERM)


def test_a_taken_port_is_an_error_that_names_the_setting(loaded: Platform, local_environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            **local_environment,
            "SPACEX_DATABASE_URL": loaded.url,
            "SPACEX_METRICS_PORT": str(taken.getsockname()[1]),
        }
        command = [sys.executable, "-m", "spacex_assets", "metrics"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "SPACEX_METRICS_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def known_samples() -> set[str]:
    suffix = {"counter": "_total"}
    return {family.name + suffix.get(family.kind, "") for family in FAMILIES} | {"spacex_platform_info"}


def test_every_query_of_the_dashboard_asks_for_a_metric_and_labels_that_exist() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "spacex.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    labels = {label for family in FAMILIES for label in family.labels} | {"version", "world"}
    asked: set[str] = set()
    for query in queries:
        found = set(re.findall(r"\bspacex_\w+", query))
        assert found, query
        asked |= found
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert {name.strip() for name in group.split(",")} <= labels, query
    assert asked == known_samples(), "every metric is on the dashboard, and no other"
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_every_alert_rule_asks_for_a_metric_that_exists_and_links_to_a_section_of_the_runbook() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    runbook = (DEPLOY.parent / "docs" / "runbook.md").read_text()
    anchors = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", runbook, re.MULTILINE)}
    for name in settings["rule_files"]:
        (group,) = yaml.safe_load((DEPLOY / "prometheus" / name).read_text())["groups"]
        for rule in group["rules"]:
            assert set(re.findall(r"\bspacex_\w+", rule["expr"])) <= known_samples(), rule
            assert set(re.findall(r"runbook\.md#([a-z-]+)", rule["annotations"]["summary"])) <= anchors, rule


def test_every_endpoint_has_every_gauge_of_what_is_counted(loaded: Platform) -> None:
    samples = read(loaded)
    for name in ("spacex_quarantined_documents", "spacex_retained_documents", "spacex_drifts"):
        assert {dict(labels)["endpoint"] for found, labels in samples if found == name} == set(ENDPOINTS)
