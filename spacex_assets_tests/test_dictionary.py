import polars as pl
import pytest

from spacex_assets.dictionary import EXAMPLE_LENGTH, FILE, dictionary, example
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS

LAYOUTS = {layout.name: layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts}


@pytest.fixture(scope="module")
def written() -> str:
    return dictionary()


def line(text: str, table: str, column: str) -> list[str]:
    section = text.partition(f"\n## {table}\n")[2].partition("\n## ")[0]
    (found,) = [line for line in section.splitlines() if line.startswith(f"| `{column}` |")]
    return [cell.strip() for cell in found.strip("|").split(" | ")]


def test_the_dictionary_in_the_documentation_is_what_the_declarations_say(written: str) -> None:
    assert FILE.read_text(encoding="utf-8") == written, "Run `make dictionary`."


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_column_is_there_with_its_type_meaning_and_source(layout: TableLayout, written: str) -> None:
    for column in layout.columns:
        _, type_, _, meaning, *_, source, _, _ = line(written, layout.name, column.name)
        assert type_ and meaning.endswith(".") and len(source) > 2, column
        assert column.references is None or column.references in LAYOUTS, column
        assert layout.parent is None or layout.parent in LAYOUTS


def test_a_line_says_unit_nullability_whole_path_and_reference(written: str) -> None:
    name, type_, null, _, unit, source, refers, _ = line(written, "launch_cores", "core_id")
    assert (name, type_, null, unit, source) == ("`core_id`", "text", "yes", "", "`cores[].core`")
    assert refers == "[cores](#cores)"
    assert line(written, "launch_failures", "altitude")[4] == "km"
    assert line(written, "launch_cores", "launch_id")[6] == "[launches](#launches)"
    assert line(written, "starlink", "space_track_object_name")[5] == "`spaceTrack.OBJECT_NAME`"


def test_one_quantity_in_several_units_means_what_the_object_around_it_means(written: str) -> None:
    kilonewtons, pounds = (line(written, "rockets", f"engines_thrust_sea_level_{unit}") for unit in ("kn", "lbf"))
    assert kilonewtons[3] == pounds[3] == "Thrust of one engine at sea level."
    assert (kilonewtons[4], pounds[4]) == ("kN", "lbf")


def test_the_picture_tells_foreign_keys_from_references(written: str) -> None:
    assert "    launches ||--o{ launch_cores : launch_id\n" in written
    assert "    cores |o..o{ launch_cores : core_id\n" in written
    assert "        text launch_id PK, FK\n" in written


def test_an_example_is_the_first_value_short_and_on_one_line() -> None:
    shown = example(pl.Series([None, "a\nlong text " * 9, "another"]))
    assert shown.startswith("`a long text a long") and shown.endswith("…`")
    assert len(shown.strip("`")) <= EXAMPLE_LENGTH
    assert example(pl.Series([[], ["a", "b"]])) == "`{a, b}`"
    assert example(pl.Series([0.1 + 0.2])) == "`0.3`"
    assert example(pl.Series([None], dtype=pl.String)) == ""
