"""The summary at the end of a run."""

from spacex_assets_tests.conftest import Platform

LAUNCH = "5e9d0d9551a0070000000003"


def test_the_summary_counts_what_is_quarantined_and_names_what_is_retained(platform: Platform) -> None:
    platform.load("launches")
    platform.edit("launches", LAUNCH, {"flight_number": "seven"})
    lines = platform.call("run").stdout.splitlines()
    header, launches = lines[0].split(), next(line for line in lines if line.startswith("launches")).split()
    figures = dict(zip(header, launches, strict=True))
    assert (figures["documents"], figures["quarantined"]) == ("30", "1")
    total = next(line for line in lines if line.startswith("total")).split()
    assert dict(zip(header, total, strict=True))["quarantined"] == "1"
    assert f"  launches: {LAUNCH}" in lines
    assert max(map(len, lines[: lines.index("")])) <= 100
