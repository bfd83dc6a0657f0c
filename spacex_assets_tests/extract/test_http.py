import gzip
import json
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import WorldMismatch
from spacex_assets.extract import client, errors
from spacex_assets.extract.attempt import scrubbed
from spacex_assets.extract.http import HttpSource
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.pace import WAIT_FLOOR, Limits, TokenBucket, backoff, retry_after
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.source import open_source
from spacex_assets.extract.store import Folder
from spacex_assets.simulator.content import Content, Recordings
from spacex_assets.simulator.faults import Fault
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import RunningSimulator, running_simulator

CORES = ENDPOINTS["cores"]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    folder = tmp_path_factory.mktemp("recordings")
    for name, endpoint in ENDPOINTS.items():
        documents = json.loads(json.dumps(list(Fleet(launches=20).documents(name))).replace(" (simulated)", ""))
        (folder / f"{name}.json").write_text(json.dumps(documents[0] if endpoint.single else documents))
    with running_simulator(Content(Recordings(folder))) as simulator:
        yield simulator


@pytest.fixture
def simulator(serving: RunningSimulator) -> Iterator[RunningSimulator]:
    yield serving
    serving.faults.clear()
    serving.content.reset()


@pytest.fixture
def lake(tmp_path: Path) -> RawLake:
    return RawLake(Folder(tmp_path))


def source(url: str, total: float = 20.0) -> HttpSource:
    return HttpSource(url, Settings(source=url), Limits(backoff=0.01, total=total, read=2.0))


def fetch(simulator: RunningSimulator, lake: RawLake, *faults: Fault, total: float = 20.0) -> Snapshot:
    for fault in faults:
        simulator.faults.add(fault)
    snapshot = source(simulator.url, total).fetch(CORES, lake)
    lake.publish(snapshot)
    return snapshot


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=503, times=2),
        Fault(kind="status", status=521, times=2),
        Fault(kind="status", status=429, retry_after="0", times=1),
        Fault(kind="reset", times=2),
        Fault(kind="truncated", times=2),
        Fault(kind="html", times=2),
    ],
)
def test_what_may_pass_is_tried_again(simulator: RunningSimulator, lake: RawLake, fault: Fault) -> None:
    assert fetch(simulator, lake, fault).documents == len(list(simulator.content.documents("cores")))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="status", status=503, times=None), errors.SourceFailing),
        (Fault(kind="reset", times=None), errors.SourceUnreachable),
        (Fault(kind="truncated", times=None), errors.BodyTruncated),
        (Fault(kind="html", times=None), errors.BodyUndecodable),
    ],
)
def test_after_three_attempts_the_error_is_raised_once_and_nothing_is_visible(
    simulator: RunningSimulator, lake: RawLake, fault: Fault, error: type[errors.ExtractError]
) -> None:
    with pytest.raises(error, match=r"cores: GET http://127\.0\.0\.1:\d+/v4/cores: .*attempt 3 of 3"):
        fetch(simulator, lake, fault)
    assert lake.latest("cores") is None
    assert [path for path in lake.store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="status", status=404, times=None), errors.SourceRefused),
        (Fault(kind="status", status=403, times=None), errors.SourceRefused),
        (Fault(kind="error", times=None), errors.BodyMisshapen),
        (Fault(kind="body", body="[1]", times=None), errors.BodyMisshapen),
    ],
)
def test_what_will_not_pass_is_not_tried_again(
    simulator: RunningSimulator, lake: RawLake, fault: Fault, error: type[errors.ExtractError]
) -> None:
    with pytest.raises(error, match="attempt 1 of 3"):
        fetch(simulator, lake, fault)


def test_the_error_shows_the_status_and_the_start_of_the_body(simulator: RunningSimulator, lake: RawLake) -> None:
    with pytest.raises(errors.SourceRefused, match=r"status 404.*body begins: 'trouble, as asked for'"):
        fetch(simulator, lake, Fault(kind="status", status=404))


def test_a_body_that_drips_beyond_the_time_limit_is_given_up(simulator: RunningSimulator, lake: RawLake) -> None:
    drip = Fault(kind="slow", bytes_per_second=100, times=None)
    with pytest.raises(errors.TimeLimitExceeded, match=r"did not end within 1 s.*bytes of the body had come"):
        fetch(simulator, lake, drip, total=1.0)


def test_a_wait_that_would_exceed_the_time_limit_is_not_begun_and_the_cause_is_named(
    simulator: RunningSimulator, lake: RawLake
) -> None:
    words = (
        r"did not end within 20 s: waiting another 3600\.0 s would exceed it, after this: the source answered with an "
        r"error, status 429, attempt 1 of 3 .* begins: 'trouble, as asked for'.*raise SPACEX_ENDPOINT_TIME_LIMIT"
    )
    with pytest.raises(errors.TimeLimitExceeded, match=words):
        fetch(simulator, lake, Fault(kind="status", status=429, retry_after="3600"))


def test_nothing_is_waited_for_longer_than_the_cap(
    simulator: RunningSimulator, lake: RawLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WAIT_CAP", 0.7)
    began = time.monotonic()
    fetch(simulator, lake, Fault(kind="status", status=429, retry_after="15"))
    assert 0.7 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    "unreadable",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +999999999999999999999999"],
)
def test_a_source_that_asks_to_wait_until_no_date_asks_for_nothing(
    simulator: RunningSimulator, lake: RawLake, unreadable: str
) -> None:
    assert retry_after(unreadable) is None
    assert fetch(simulator, lake, Fault(kind="status", status=503, retry_after=unreadable)).documents


def test_an_unchanged_endpoint_is_confirmed_by_a_304(simulator: RunningSimulator, lake: RawLake) -> None:
    first = fetch(simulator, lake)
    again = fetch(simulator, lake)
    assert (again.sha256, again.reused, first.reused) == (first.sha256, True, False)
    assert again.fetched_at > first.fetched_at
    latest = lake.latest("cores")
    assert latest is not None
    assert latest.fetched_at == again.fetched_at


def test_a_body_that_was_edited_in_the_lake_is_not_reused(simulator: RunningSimulator, lake: RawLake) -> None:
    first = fetch(simulator, lake)
    lake.publish(first)
    body = first.path.read_bytes()
    first.path.write_bytes(body.replace(b"active", b"forged", 1))
    again = fetch(simulator, lake)
    assert not again.reused
    assert again.path.read_bytes() == body


def test_a_corrected_document_gives_a_new_snapshot(simulator: RunningSimulator, lake: RawLake) -> None:
    first = fetch(simulator, lake)
    identifier = next(simulator.content.documents("cores"))["id"]
    simulator.content.edit("cores", identifier, {"block": 9})
    again = fetch(simulator, lake)
    assert again.sha256 != first.sha256
    assert first.path.exists()
    assert json.loads(next(again.iter_batches()))[0]["block"] == 9


def test_a_list_that_shrank_or_is_empty_is_refused(simulator: RunningSimulator, lake: RawLake) -> None:
    fetch(simulator, lake)
    simulator.faults.add(Fault(kind="body", body="[]", times=1))
    with pytest.raises(errors.SnapshotShrunk, match="empty list"):
        source(simulator.url).fetch(CORES, lake)
    with pytest.raises(errors.SnapshotShrunk, match="100 were loaded before"):
        source(simulator.url).fetch(CORES, lake, 100)
    assert source(simulator.url).fetch(CORES, lake, 10).documents


def test_a_simulator_is_refused_in_the_real_world(lake: RawLake) -> None:
    with running_simulator(Content(Fleet(launches=5))) as simulated, pytest.raises(WorldMismatch, match="simulator"):
        source(simulated.url).fetch(CORES, lake)


def test_the_simulated_world_may_be_served_by_a_simulator_elsewhere_but_by_nothing_else(
    simulator: RunningSimulator, lake: RawLake
) -> None:
    with (
        running_simulator(Content(Fleet(launches=5))) as simulated,
        open_source(Settings(source="simulated", simulator_url=simulated.url)) as opened,
    ):
        assert opened.fetch(CORES, lake).source == simulated.url
    with (
        open_source(Settings(source="simulated", simulator_url=simulator.url)) as real,
        pytest.raises(WorldMismatch, match="serves real documents"),
    ):
        real.fetch(CORES, lake)


@pytest.mark.parametrize("host", [f"{'x' * 70}.invalid", "me:s3cret@*.invalid", "me:s3cret@a host"])
def test_what_can_never_be_asked_is_refused_at_once(lake: RawLake, host: str) -> None:
    broken = HttpSource(f"http://{host}", Settings(source="http://127.0.0.1"), Limits(backoff=0.01))
    with pytest.raises(errors.SourceRefused, match=r"no URL that can be asked.* attempt 1 of 3 .* not help") as raised:
        broken.fetch(CORES, lake)
    assert "s3cret" not in str(raised.value)


@contextmanager
def answering(status: int, *headers: tuple[str, str], body: bytes = b"") -> Iterator[str]:
    """A server that redirects to one of its own addresses first, then gives the same answer to everyone; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            first = self.path == "/v4/cores"
            self.send_response(302 if first else status)
            for header in [("Location", "/v4/cores/"), ("Content-Length", "0")] if first else headers:
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(b"" if first else body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://elsewhere.invalid/", r"another host: http://elsewhere\.invalid/"),
        ("http://elsewhere.invalid:port/", "redirect to no URL: Port could not be cast"),
        ("http://[", "redirect to no URL: Invalid IPv6 URL"),
    ],
)
def test_redirects_to_another_host_are_refused_and_within_the_host_followed(
    lake: RawLake, location: str, words: str
) -> None:
    redirect = (("Location", location), ("Content-Length", "0"))
    with answering(302, *redirect) as url, pytest.raises(errors.SourceRefused, match=words):
        source(url).fetch(CORES, lake)


def test_a_length_that_is_said_twice_is_one_length(lake: RawLake) -> None:
    twice = [("Content-Length", "2")] * 2
    with answering(200, *twice, body=b"[]") as url, pytest.raises(errors.SnapshotShrunk, match="empty list"):
        source(url).fetch(CORES, lake)


def test_a_decompression_bomb_takes_neither_memory_nor_more_disk_than_the_limit(lake: RawLake) -> None:
    bomb = gzip.compress(b"[" + bytes(256 << 20), 9)
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(bomb))))
    with answering(200, *headers, body=bomb) as url:
        limited = HttpSource(url, Settings(source=url, body_limit_mib=32), Limits(read=2.0))
        tracemalloc.start()
        try:
            with pytest.raises(errors.BodyTooLarge, match=r"33554432 bytes \(SPACEX_BODY_LIMIT_MIB\).*attempt 1 of 3"):
                limited.fetch(CORES, lake)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(bomb) < 1 << 20
    assert peak < 8 << 20
    assert [path for path in lake.store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, br", "nonsense"])
def test_a_compression_that_was_not_asked_for_is_refused(lake: RawLake, encoding: str) -> None:
    with (
        answering(200, ("Content-Encoding", encoding), body=b"[]") as url,
        pytest.raises(errors.SourceRefused, match="not asked for: '" + encoding),
    ):
        source(url).fetch(CORES, lake)


def test_an_archive_is_held_to_the_same_limits(lake: RawLake, tmp_path: Path) -> None:
    settings = Settings(source=str(tmp_path), body_limit_mib=3, document_limit_mib=1)
    recorded = tmp_path / "cores.json"
    with open_source(settings) as archive:
        recorded.write_text('[{"id": "' + "x" * (4 << 20) + '"}]')
        with pytest.raises(errors.BodyTooLarge, match="at most 3 MiB, found 4194316 bytes"):
            archive.fetch(CORES, lake)
        recorded.write_text('[{"id": "' + "x" * (2 << 20) + '"}]')
        with pytest.raises(errors.BodyTooLarge, match=r"document at byte 1 is larger than 1048576 bytes"):
            archive.fetch(CORES, lake)


def test_credentials_of_the_url_appear_nowhere(lake: RawLake) -> None:
    with pytest.raises(errors.SourceUnreachable) as raised:
        source("http://user:s3cret@127.0.0.1:9/api?key=s3cret").fetch(CORES, lake)
    assert "s3cret" not in str(raised.value)
    assert scrubbed("http://user:s3cret@host:8/x?key=s3cret") == "http://host:8/x"


def test_the_bucket_lets_a_burst_through_and_then_keeps_its_pace() -> None:
    now = [0.0]
    bucket = TokenBucket(rate=5, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, pytest.approx(0.2), pytest.approx(0.4)]
    now[0] = 10.0
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, pytest.approx(0.2)]


def test_retry_after_is_read_in_both_forms_with_a_floor() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert retry_after("7") == 7
    assert retry_after("0") == WAIT_FLOOR
    assert retry_after(format_datetime(now + timedelta(seconds=9), usegmt=True), now) == 9
    assert retry_after(format_datetime(now - timedelta(hours=1), usegmt=True), now) == WAIT_FLOOR
    assert retry_after("soon") is None
    assert retry_after("²") is None
    assert retry_after(None) is None


def test_waits_grow() -> None:
    assert 0.5 <= backoff(1, 1.0) <= 1 <= backoff(2, 1.0) <= 2 <= backoff(3, 1.0) <= 4


def test_every_source_fetches_every_endpoint(simulator: RunningSimulator, tmp_path: Path) -> None:
    recordings = simulator.content.collections
    assert isinstance(recordings, Recordings)
    for name in (simulator.url, str(recordings.folder), "simulated"):
        settings = Settings(source=name, simulated_launches=20, local=tmp_path, http_rate=1000)
        lake = RawLake(Folder(tmp_path / str(abs(hash(name)))))
        with open_source(settings) as opened:
            for endpoint in ENDPOINTS.values():
                snapshot = opened.fetch(endpoint, lake)
                lake.publish(snapshot, "run")
                assert lake.resolve(endpoint.name, "run").sha256 == snapshot.sha256


def test_an_archive_is_kept_byte_for_byte_and_what_it_lacks_is_named(lake: RawLake, tmp_path: Path) -> None:
    recorded = tmp_path / "cores.json"
    core = next(Fleet(launches=5).documents("cores"))
    recorded.write_text(json.dumps([{**core, "serial": "é"}], indent=3) + "\n\n", encoding="utf-8")
    with open_source(Settings(source=str(tmp_path))) as archive:
        assert archive.fetch(CORES, lake).path.read_bytes() == recorded.read_bytes()
        with pytest.raises(errors.ArchiveIncomplete, match="no such file"):
            archive.fetch(ENDPOINTS["ships"], lake)
        recorded.write_bytes(b'[{"id": "\xff"}]')
        with pytest.raises(errors.BodyUndecodable, match="not UTF-8"):
            archive.fetch(CORES, lake)
    with (
        open_source(Settings(source="/nowhere")) as nowhere,
        pytest.raises(errors.ArchiveIncomplete, match="no such folder"),
    ):
        nowhere.fetch(CORES, lake)


def test_a_run_keeps_its_snapshot_while_later_ones_come(simulator: RunningSimulator, lake: RawLake) -> None:
    with pytest.raises(errors.SnapshotMissing, match="ever fetched"):
        lake.resolve("cores", "early")
    first = fetch(simulator, lake)
    assert lake.resolve("cores", "run").sha256 == first.sha256
    simulator.content.edit("cores", next(simulator.content.documents("cores"))["id"], {"block": 7})
    second = fetch(simulator, lake)
    assert lake.resolve("cores", "run").sha256 == first.sha256
    assert lake.resolve("cores", "other").sha256 == lake.resolve("cores").sha256 == second.sha256
    lake.publish(first)
    assert lake.resolve("cores").sha256 == second.sha256


def test_what_a_killed_fetch_leaves_is_never_visible_and_swept_once_it_is_dead(
    simulator: RunningSimulator, lake: RawLake
) -> None:
    simulator.faults.add(Fault(kind="slow", bytes_per_second=200, times=1))
    code = (
        "import sys; from pathlib import Path; from spacex_assets.config import Settings;"
        "from spacex_assets.extract.http import HttpSource; from spacex_assets.extract.lake import RawLake;"
        "from spacex_assets.extract.store import Folder; from spacex_assets.endpoints.registry import ENDPOINTS;"
        "lake = RawLake(Folder(Path(sys.argv[2])));"
        "HttpSource(sys.argv[1], Settings(source=sys.argv[1])).fetch(ENDPOINTS['cores'], lake)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, simulator.url, str(lake.store.folder)])
    staging = lake.store.folder / "staging"
    while not any(path.stat().st_size for path in staging.glob("*")) and process.poll() is None:
        pass
    assert lake.sweep() == 0
    assert len(list(staging.iterdir())) == 1
    process.kill()
    process.wait()
    assert lake.latest("cores") is None
    assert not (lake.store.folder / "raw").exists()
    assert lake.sweep() == 1
    assert not list(staging.iterdir())
    assert fetch(simulator, lake).documents
