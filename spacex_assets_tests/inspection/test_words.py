"""How answers write ages and documents."""

import json

from spacex_assets.inspection.words import age, pretty


def test_ages_are_named_in_their_largest_whole_unit() -> None:
    assert [age(seconds) for seconds in (-1, 59.9, 60, 3_599, 3_600, 86_399, 86_400)] == [
        *("0s", "59s", "1m", "59m", "1h", "23h", "1d")
    ]


def test_a_document_that_no_terminal_takes_is_still_the_same_json() -> None:
    text = '{"name": "\\ud800 é"}'
    assert pretty(json.loads(text)).encode()
    assert json.loads(pretty(json.loads(text))) == json.loads(text)
    assert "é" in pretty(json.loads(text))
