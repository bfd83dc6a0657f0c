"""docs/runbook.md has exactly the sections to which alerts link, and the next steps that they tell."""

import re
from pathlib import Path

import pytest

from spacex_assets.automation.alerts.advice import ADVICE
from spacex_assets.load.incidents import Kind

RUNBOOK = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


def test_there_is_a_section_for_every_kind_and_no_other() -> None:
    assert set(ADVICE) == set(Kind)
    assert list(SECTIONS) == [ADVICE[kind].title for kind in Kind]


@pytest.mark.parametrize("kind", Kind)
def test_a_section_says_what_it_means_how_to_look_how_to_mend_and_the_next_step(kind: Kind) -> None:
    text = " ".join(SECTIONS[ADVICE[kind].title].split())
    for part in ("*What it means.*", "*How to look.*", "*How to mend.*", "*When it is over.*"):
        assert part in text
    assert ADVICE[kind].next_step in text


def test_an_anchor_is_what_a_heading_becomes() -> None:
    for title in SECTIONS:
        advice = next(one for one in ADVICE.values() if one.title == title)
        assert advice.anchor == re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
