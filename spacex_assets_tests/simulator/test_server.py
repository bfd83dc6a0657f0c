import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from spacex_assets.simulator.content import Content, EditRefused, Recordings
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import PortTaken, RunningSimulator, listening, running_simulator

FIRST = next(Fleet(launches=20).documents("cores"))
CORES = list(Fleet(launches=20).documents("cores"))


@pytest.fixture(scope="module")
def serving() -> Iterator[RunningSimulator]:
    with running_simulator(Content(Fleet(launches=20))) as running:
        yield running


@pytest.fixture
def simulator(serving: RunningSimulator) -> Iterator[RunningSimulator]:
    yield serving
    serving.faults.clear()
    serving.content.reset()


def control(simulator: RunningSimulator, method: str, what: str, body: object = None) -> requests.Response:
    return requests.request(method, f"{simulator.url}/simulator/{what}", data=json.dumps(body), timeout=10)


def fault(simulator: RunningSimulator, **fields: Any) -> requests.Response:
    """Plans a fault for the cores and asks for them."""
    assert control(simulator, "POST", "faults", {"endpoint": "cores", **fields}).status_code == 200
    return requests.get(f"{simulator.url}/v4/cores", timeout=10)


@pytest.mark.parametrize("status", [403, 429, 500, 502, 521, 525])
def test_a_status_is_what_was_asked_for(simulator: RunningSimulator, status: int) -> None:
    answer = fault(simulator, kind="status", status=status, retry_after="7")
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")


def test_a_reset_closes_the_connection_before_any_byte(simulator: RunningSimulator) -> None:
    with pytest.raises(requests.ConnectionError, match="reset"):
        fault(simulator, kind="reset")


def test_a_truncated_body_is_half_of_what_was_promised(simulator: RunningSimulator) -> None:
    control(simulator, "POST", "faults", {"kind": "truncated"})
    answer = requests.get(f"{simulator.url}/v4/cores", timeout=10, stream=True)
    got: list[bytes] = []
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        got.extend(answer.iter_content(100))
    promised = int(answer.headers["Content-Length"])
    assert promised == len(requests.get(f"{simulator.url}/v4/cores", timeout=10).content)
    assert promised // 2 - 100 <= len(b"".join(got)) <= promised // 2


def test_a_slow_body_drips_and_is_whole(simulator: RunningSimulator) -> None:
    size = len(requests.get(f"{simulator.url}/v4/cores", timeout=10).content)
    began = time.monotonic()
    answer = fault(simulator, kind="slow", bytes_per_second=size * 2)
    assert answer.json() == CORES
    assert 0.3 < time.monotonic() - began < 5


def test_a_fault_may_only_delay(simulator: RunningSimulator) -> None:
    began = time.monotonic()
    assert fault(simulator, kind="status", status=503, seconds=0.3).status_code == 503
    assert time.monotonic() - began > 0.3


def test_a_page_of_html_an_error_or_another_body_come_with_status_200(simulator: RunningSimulator) -> None:
    assert fault(simulator, kind="html").text.startswith("<!DOCTYPE html>")
    assert fault(simulator, kind="error").json() == {"error": "trouble, as asked for"}
    assert fault(simulator, kind="body", body='[{"id":').text == '[{"id":'
    assert fault(simulator, kind="html").headers["Content-Type"].startswith("text/html")


def test_a_fault_falls_on_a_body_that_the_client_has_already(simulator: RunningSimulator) -> None:
    tag = requests.get(f"{simulator.url}/v4/cores", timeout=10).headers["ETag"]
    control(simulator, "POST", "faults", {"kind": "truncated"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{simulator.url}/v4/cores", headers={"If-None-Match": tag}, timeout=10)


def test_faults_are_for_an_endpoint_and_a_number_of_times_and_show_what_is_left(simulator: RunningSimulator) -> None:
    planned = control(simulator, "POST", "faults", {"kind": "html", "endpoint": "cores", "times": 2}).json()
    assert [(one["kind"], one["times"]) for one in planned] == [("html", 2)]
    assert requests.get(f"{simulator.url}/v4/ships", timeout=10).json()
    assert requests.get(f"{simulator.url}/v4/cores", timeout=10).text.startswith("<")
    assert [one["times"] for one in control(simulator, "GET", "faults").json()] == [1]
    control(simulator, "POST", "faults", {"kind": "status", "times": None})
    assert control(simulator, "DELETE", "faults").json() == []
    assert requests.get(f"{simulator.url}/v4/cores", timeout=10).json() == CORES


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "x"},
        {"kind": "html", "times": 0},
        {"kind": "status", "status": 999},
        {"kind": "slow", "x": 1},
        {"kind": "html", "endpoint": "zz"},
        [],
    ],
)
def test_a_fault_that_cannot_be_is_refused_and_not_planned(simulator: RunningSimulator, body: object) -> None:
    assert control(simulator, "POST", "faults", body).status_code == 400
    assert control(simulator, "GET", "faults").json() == []


def test_corrections_show_what_is_in_force(simulator: RunningSimulator) -> None:
    assert control(simulator, "GET", "edits").json() == {}
    change = {"endpoint": "cores", "id": FIRST["id"], "change": {"block": 9}}
    in_force = {"cores": {FIRST["id"]: {"block": 9}}}
    assert control(simulator, "POST", "edits", change).json() == in_force
    assert control(simulator, "GET", "edits").json() == in_force
    assert requests.get(f"{simulator.url}/v4/cores/{FIRST['id']}", timeout=10).json() == {**FIRST, "block": 9}
    assert control(simulator, "DELETE", "edits").json() == {}
    assert requests.get(f"{simulator.url}/v4/cores", timeout=10).json() == CORES


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"endpoint": "nothing", "id": "x", "change": None}, "no endpoint 'nothing'; there are capsules"),
        ({"endpoint": "cores", "id": "x", "change": None}, "cores has no document x"),
        ({"endpoint": "cores", "id": FIRST["id"], "change": {"block.deep": 1}}, "'block' of .* is not an object"),
        ({"endpoint": "cores", "id": FIRST["id"], "change": [1]}, "change"),
        ({"endpoint": "cores", "id": FIRST["id"]}, "change"),
        ({"endpoint": "cores", "id": FIRST["id"], "change": {"serial": None}}, "serial of .* expected a text"),
        ({"endpoint": "cores", "id": FIRST["id"], "change": {"block": float("inf")}}, "neither NaN, infinity"),
        ([], "Edit"),
    ],
)
def test_a_correction_that_cannot_be_made_is_refused_and_changes_nothing(
    simulator: RunningSimulator, edit: object, reason: str
) -> None:
    answer = control(simulator, "POST", "edits", edit)
    assert answer.status_code == 400
    with pytest.raises(EditRefused, match=reason):
        raise EditRefused(answer.text)
    assert requests.get(f"{simulator.url}/v4/cores", timeout=10).json() == CORES


def test_a_document_that_was_added_is_corrected_like_any_other(simulator: RunningSimulator) -> None:
    launch = next(simulator.content.documents("launches"))
    simulator.content.edit("launches", "f" * 24, {**launch, "id": "f" * 24})
    simulator.content.edit("launches", "f" * 24, {"links.webcast": "corrected"})
    added = requests.get(f"{simulator.url}/v5/launches/{'f' * 24}", timeout=10).json()
    assert added == {**launch, "id": "f" * 24, "links": {**launch["links"], "webcast": "corrected"}}


def test_a_simulated_document_goes_on_saying_that_it_is(simulator: RunningSimulator) -> None:
    content, satellite = simulator.content, next(simulator.content.documents("starlink"))

    def comment() -> str:
        (found,) = [one for one in content.documents("starlink") if one["id"] == satellite["id"]]
        return str(found["spaceTrack"]["COMMENT"])

    content.edit("cores", FIRST["id"], {"serial": "Fixed"})
    assert next(content.documents("cores"))["serial"] == "Fixed (simulated)"
    content.edit("cores", FIRST["id"], {"serial": "Fixed again (simulated)"})
    assert next(content.documents("cores"))["serial"] == "Fixed again (simulated)"
    content.edit("cores", FIRST["id"], {"serial": 7})
    assert next(content.documents("cores"))["serial"] == 7
    content.edit("starlink", satellite["id"], {"spaceTrack.COMMENT": "first"})
    assert comment() == "first (simulated)"
    content.edit("starlink", satellite["id"], {"spaceTrack": {**satellite["spaceTrack"], "COMMENT": "second"}})
    assert comment() == "second (simulated)"
    added = {**satellite, "id": "f" * 24, "spaceTrack": {**satellite["spaceTrack"], "COMMENT": "third"}}
    content.edit("starlink", "f" * 24, added)
    assert list(content.documents("starlink"))[-1]["spaceTrack"]["COMMENT"] == "third (simulated)"


def test_views_follow_a_correction_and_are_missing_where_there_is_nothing_to_show(simulator: RunningSimulator) -> None:
    upcoming = requests.get(f"{simulator.url}/v4/launches/upcoming", timeout=10).json()
    assert requests.get(f"{simulator.url}/v4/launches/next", timeout=10).json() == upcoming[0]
    for launch in upcoming:
        simulator.content.edit("launches", launch["id"], None)
    assert requests.get(f"{simulator.url}/v4/launches/upcoming", timeout=10).json() == []
    assert requests.get(f"{simulator.url}/v4/launches/next", timeout=10).status_code == 404
    company = next(simulator.content.documents("company"))
    simulator.content.edit("company", company["id"], None)
    assert requests.get(f"{simulator.url}/v4/company", timeout=10).status_code == 404


def test_recorded_responses_are_served_byte_for_byte_until_they_are_corrected(tmp_path: Path) -> None:
    recorded = b'[ {"id": "1", "block": 5.0},\n {"id": "2"} ]'
    (tmp_path / "cores.json").write_bytes(recorded)
    with running_simulator(Content(Recordings(tmp_path))) as simulator:
        answer = requests.get(f"{simulator.url}/v4/cores", timeout=10)
        assert (answer.content, "X-SpaceX-Simulated" in answer.headers) == (recorded, False)
        assert requests.get(f"{simulator.url}/v4/cores/2", timeout=10).json() == {"id": "2"}
        assert requests.get(f"{simulator.url}/v4/ships", timeout=10).status_code == 404
        simulator.content.edit("cores", "2", {"block": 1})
        assert requests.get(f"{simulator.url}/v4/cores", timeout=10).json()[1] == {"id": "2", "block": 1}
        simulator.content.reset()
        assert requests.get(f"{simulator.url}/v4/cores", timeout=10).content == recorded


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with listening(0) as listener, pytest.raises(PortTaken, match="Give another one with --port"):
        listening(listener.getsockname()[1])


def test_the_command_serves_corrects_and_resets(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spacex_assets", "simulator"]
    environment = {**os.environ, "SPACEX_LOCAL": str(tmp_path), "SPACEX_SIMULATED_LAUNCHES": "20"}
    environment.pop("SPACEX_SOURCE", None)
    edits = tmp_path / "simulator" / "edits.json"
    subprocess.run([*command, "edit", "cores", FIRST["id"], '{"block": 9}'], env=environment, check=True)
    assert json.loads(edits.read_text()) == {"cores": {FIRST["id"]: {"block": 9}}}
    for change, reason in (
        ("[]", "Expected an object"),
        ('{"block": NaN}', "neither NaN"),
        ('{"block": 1e999}', "neither NaN"),
        ('{"status": "\\ud800"}', "half a surrogate"),
        ("{", "Expected JSON"),
    ):
        refused = subprocess.run(
            [*command, "edit", "cores", FIRST["id"], change],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (refused.returncode, reason in refused.stderr) == (1, True)
    server = subprocess.Popen([*command, "serve", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        url = server.stderr.readline().split()[2].rstrip(",")
        assert requests.get(f"{url}/v4/cores", timeout=10).json()[0]["block"] == 9
        assert list(edits.parent.iterdir()) == [edits]
    finally:
        server.terminate()
        server.communicate(timeout=10)
    subprocess.run([*command, "reset"], env=environment, check=True)
    assert json.loads(edits.read_text()) == {}
