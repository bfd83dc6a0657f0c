import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from spacex_assets.extract.errors import (
    BodyMisshapen,
    BodyTooLarge,
    BodyTruncated,
    BodyUndecodable,
    ExtractError,
    TimeLimitExceeded,
)
from spacex_assets.extract.scan import BATCH_DOCUMENTS, scan
from spacex_assets.transform.parse import split

VALUE: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
DOCUMENT = st.dictionaries(st.text(max_size=4), VALUE, max_size=4)
SPACE = st.text(" \t\r\n", max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DOCUMENT | VALUE, max_size=6), SPACE, st.booleans(), st.integers(1, 40), st.integers(1, 60))
def test_the_batches_reassemble_to_exactly_the_documents(
    tmp_path: Path, values: list[Any], space: str, ascii_only: bool, piece: int, batch: int
) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") for value in values]
    body = space.encode() + b"[" + (space + "," + space).encode().join(texts) + space.encode() + b"]" + space.encode()
    (tmp_path / "body").write_bytes(body)
    assume(not values or any(isinstance(value, dict) for value in values))
    found: list[Any] = []
    for one in scan(tmp_path / "body", single=False, piece=piece, batch_bytes=batch):
        part = json.loads(b"[" + body[one.offset : one.offset + one.length] + b"]")
        assert len(part) == one.documents
        assert [json.loads(text) for text in split(b"[" + body[one.offset : one.offset + one.length] + b"]")] == part
        found += part
    assert found == values


@pytest.mark.parametrize(
    ("body", "single", "error"),
    [
        ('[{"a":1},{"b"', False, BodyTruncated),
        ('[{"a":1},', False, BodyTruncated),
        ('[{"a":1}', False, BodyTruncated),
        ('[{"a":"x', False, BodyTruncated),
        ("", False, BodyTruncated),
        ("<!DOCTYPE html>", False, BodyUndecodable),
        ("<!DOCTYPE html>", True, BodyUndecodable),
        ('[{"a":NaN}]', False, BodyUndecodable),
        ('[{"a":1}] x', False, BodyUndecodable),
        ('[{"a":1}][]', False, BodyUndecodable),
        ('[{"a":1} {"b":1}]', False, BodyUndecodable),
        ('[{"a" 1}, {}]', False, BodyUndecodable),
        ('{"error":"x"}', False, BodyMisshapen),
        ("[1, 2]", False, BodyMisshapen),
        ("[null]", False, BodyMisshapen),
        ('[{"a":1}, nul]', False, BodyUndecodable),
        ('[{"a":1},]', False, BodyUndecodable),
        ('[{"a":1}, 1', False, BodyTruncated),
        ('[{"a":1}, -]', False, BodyUndecodable),
        ('[{"a":1}, NaN]', False, BodyUndecodable),
        ("[]", True, BodyMisshapen),
        ('"text"', False, BodyMisshapen),
        ('[{"a":1}, {"b":{"c":1,"d":2,"c":3}}]', False, BodyMisshapen),
        ('[{"a":1,"\\u0061":1}]', False, BodyMisshapen),
        (f'[{{"a":{"9" * 5000}}}]', False, BodyUndecodable),
    ],
)
def test_a_bad_body_is_named_for_what_it_is(tmp_path: Path, body: str, single: bool, error: type[ExtractError]) -> None:
    (tmp_path / "body").write_text(body)
    with pytest.raises(error):
        scan(tmp_path / "body", single=single, piece=4)


def test_what_is_no_json_is_named_with_its_byte(tmp_path: Path) -> None:
    (tmp_path / "body").write_text('[{"a":1}, {"b" 1}, {"c":1}]')
    for piece in (4, 1000):
        with pytest.raises(BodyUndecodable, match="not JSON at byte 15: Expecting ':'"):
            scan(tmp_path / "body", single=False, piece=piece)


def test_a_repeated_key_is_named_with_its_document(tmp_path: Path) -> None:
    (tmp_path / "body").write_text('[{"a":1}, {"b":{"c":1,"d":2,"c":3}}]')
    with pytest.raises(BodyMisshapen, match="the document at byte 10 repeats the key 'c'"):
        scan(tmp_path / "body", single=False)


def test_a_single_object_is_one_batch_of_one_document(tmp_path: Path) -> None:
    (tmp_path / "body").write_text(' {"a": [1, {"b": 2}]} ')
    (batch,) = scan(tmp_path / "body", single=True, piece=2)
    assert (batch.offset, batch.length, batch.documents) == (1, 20, 1)


def test_an_empty_list_has_no_batch(tmp_path: Path) -> None:
    (tmp_path / "body").write_text("[ ]")
    assert scan(tmp_path / "body", single=False) == ()


@pytest.mark.parametrize("end", ["}]", ""])
def test_a_document_beyond_the_limit_is_not_read_to_its_end(tmp_path: Path, end: str) -> None:
    (tmp_path / "body").write_text('[{"a": 1}, {"a": [' + ",".join(["[]"] * 1000) + "]" + end)
    with pytest.raises(BodyTooLarge, match=r"document at byte 11 is larger than 100 bytes"):
        scan(tmp_path / "body", single=False, document_limit=100, piece=16)
    if end:
        assert scan(tmp_path / "body", single=False, document_limit=4000, piece=16)[0].documents == 2


@pytest.mark.parametrize("number", ["7", "-0.25", "1e-7", "12E+30"])
@pytest.mark.parametrize("piece", range(1, 9))
def test_a_number_is_read_to_its_end_wherever_the_window_ends(tmp_path: Path, number: str, piece: int) -> None:
    body = f"[{{}},{number},{number}]"
    (tmp_path / "body").write_text(body)
    (batch,) = scan(tmp_path / "body", single=False, piece=piece)
    assert (batch.offset, batch.length, batch.documents) == (1, len(body) - 2, 3)


def test_a_body_that_takes_too_long_to_read_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "body").write_text("[{}" + ",1" * 10_000 + "]")
    with pytest.raises(TimeLimitExceeded, match="read up to byte 0"):
        scan(tmp_path / "body", single=False, until=time.monotonic())


def test_a_batch_of_tiny_documents_ends_too(tmp_path: Path) -> None:
    (tmp_path / "body").write_text("[{}" + ",1" * BATCH_DOCUMENTS + "]")
    assert [batch.documents for batch in scan(tmp_path / "body", single=False)] == [BATCH_DOCUMENTS, 1]
