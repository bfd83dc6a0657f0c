import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.query import paginate
from spacex_assets.simulator.spool import Document, ShortBody, Spool

DOCUMENTS: list[Document] = [{"id": f"{number:024x}", "name": "é" * number, "none": None} for number in range(50)]


def whole(spool: Spool) -> bytes:
    return spool.open().read()


def test_a_spool_is_the_compact_json_list_of_its_documents() -> None:
    spool = Spool(iter(DOCUMENTS))
    assert whole(spool) == json.dumps(DOCUMENTS, ensure_ascii=False, separators=(",", ":")).encode()
    assert spool.size == len(whole(spool))
    assert spool.etag == ShortBody(whole(spool)).etag
    assert list(spool) == DOCUMENTS
    assert whole(Spool([])) == b"[]"


def test_a_spool_of_a_single_document_is_that_document() -> None:
    spool = Spool(DOCUMENTS[:1], single=True)
    assert json.loads(whole(spool)) == spool[0] == DOCUMENTS[0]


def test_documents_are_had_by_position_and_by_id() -> None:
    spool = Spool(DOCUMENTS)
    assert spool[-1] == DOCUMENTS[-1]
    assert all(spool.find(document["id"]) == document for document in DOCUMENTS)
    assert spool.find("nobody") is None
    with pytest.raises(IndexError):
        spool[len(DOCUMENTS)]


def test_two_documents_whose_ids_have_the_same_hash_are_told_apart() -> None:
    spool = Spool(DOCUMENTS[:2])
    spool.ids[0] = spool.ids[1]
    assert spool.find(DOCUMENTS[1]["id"]) == DOCUMENTS[1]


def test_any_number_of_readers_read_at_once() -> None:
    spool = Spool(DOCUMENTS)
    first, second = spool.open(), spool.open()
    pieces = [reader.read(100) for _ in range(3) for reader in (first, second)]
    assert pieces[::2] == pieces[1::2]
    assert b"".join([*pieces[::2], first.read()]) == whole(spool)


def test_a_reader_ends_what_it_began_though_the_body_was_corrected(tmp_path: Path) -> None:
    content = Content(Fleet(launches=5), tmp_path / "edits.json")
    body = content.body("cores")
    reader, before = body.open(), body.open().read()
    content.edit("cores", json.loads(before)[0]["id"], {"block": 9})
    assert reader.read() == before
    assert content.body("cores").open().read() != before


def test_a_spool_leaves_nothing_behind_when_its_process_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from spacex_assets.simulator.spool import Spool;"
        "spool = Spool([{'id': 'x' * 100_000}], Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    assert list(tmp_path.iterdir()) == []


def test_a_query_is_answered_without_keeping_the_documents() -> None:
    launches = Content(Fleet()).spool("launches")
    sort = {"options": {"sort": {"rocket": 1, "date_utc": -1}, "limit": 500}}
    found = paginate(launches, sort, launches.find)["docs"]
    expected = sorted(launches, key=lambda launch: str(launch["date_utc"]), reverse=True)
    assert found == sorted(expected, key=lambda launch: str(launch["rocket"]))
    page = paginate(launches, {"query": {"upcoming": False}, "options": {"page": 3, "limit": 7}}, launches.find)
    assert page["docs"] == list(islice(launches, 14, 21))


def test_a_fleet_twenty_times_the_real_one_is_served_in_little_memory() -> None:
    code = (
        "import hashlib, resource; from spacex_assets.simulator.content import *;"
        "from spacex_assets.simulator.fleet import Fleet;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "before = peak(); body = Content(Fleet(launches=5_000)).body('launches'); reader = body.open();"
        "digest = hashlib.file_digest(reader, 'md5'); print(body.size, peak() - before)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    size, grown = map(int, run.stdout.split())
    kilobytes = 1024 if sys.platform == "darwin" else 1
    assert size > 8_000_000
    assert grown < 6_000 * kilobytes
