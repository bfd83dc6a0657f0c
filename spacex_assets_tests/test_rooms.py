"""The rooms of the package: which may import which, and which may know Dagster."""

import ast
import re
from pathlib import Path

import pytest

import spacex_assets

ROOT = Path(spacex_assets.__file__).parent
ALLOWED = {
    "transform": {"endpoints", "transform"},
    "endpoints": {"endpoints"},
    "extract": {"endpoints", "transform", "extract", "simulator"},
    "load": {"endpoints", "transform", "load"},
    "simulator": {"endpoints", "simulator"},
    "embedded": {"embedded"},
    "io_managers": {"endpoints", "transform", "extract", "load", "io_managers"},
    "assets": {"endpoints", "transform", "extract", "load", "io_managers", "assets"},
    "inspection": {
        "definitions",
        "endpoints",
        "transform",
        "extract",
        "load",
        "assets",
        "checks",
        "launcher",
        "processes",
        "inspection",
    },
    "checks": {"endpoints", "transform", "extract", "load", "io_managers", "assets", "checks"},
    "upkeep": {"endpoints", "transform", "extract", "load", "upkeep"},
    "automation": {
        "endpoints",
        "transform",
        "extract",
        "load",
        "io_managers",
        "assets",
        "checks",
        "upkeep",
        "automation",
    },
}
EVERYWHERE = {"errors", "config", "scrub"}
IN_STEPS = {"logs", "retries"}
DAGSTER = {
    *("io_managers", "assets", "checks", "inspection", "automation"),
    *("definitions.py", "storage.py", "json_runs.py", "launcher.py", "logs.py", "progress.py"),
    *("retries.py", "run.py"),
}


LINE = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*) ?\| (✓?) ?\|$", re.MULTILINE)
"""A room in docs/architecture.md: its name, what lives there, what it may import, whether Dagster."""


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(path: Path) -> set[str]:
    known = {path.stem for path in ROOT.iterdir()}
    return {name.split(".")[1] for name in imports(path) if name.startswith("spacex_assets.")} & known


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_one_way(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        extra = IN_STEPS if room in ("io_managers", "assets", "checks", "automation") else set()
        assert rooms_imported(path) <= ALLOWED[room] | EVERYWHERE | extra, path


def test_only_the_dagster_rooms_import_dagster() -> None:
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).parts[0]
        if any(name.split(".")[0].startswith("dagster") for name in imports(path)):
            assert room in DAGSTER, path


def test_the_raw_side_of_the_reconciliation_shares_nothing_with_the_transform() -> None:
    shared = {name for name in imports(ROOT / "checks" / "leaves.py") if name.startswith("spacex_assets")}
    assert all(name.startswith("spacex_assets.endpoints.paths") for name in shared)
    for name in ("reconciliation.py", "stored.py"):
        shared = {module for module in imports(ROOT / "checks" / name) if module.startswith("spacex_assets.transform.")}
        assert shared <= {"spacex_assets.transform.intake", "spacex_assets.transform.intake.Intake"}


def test_only_the_settings_and_the_command_line_know_the_environment() -> None:
    for path in ROOT.rglob("*.py"):
        if path.parent.name != "cli" and path.name != "local.py":
            assert "os.environ" not in path.read_text(), path


def test_the_architecture_has_a_true_line_for_every_room() -> None:
    lines = LINE.findall((ROOT.parent / "docs" / "architecture.md").read_text())
    described = {room: (may_import, bool(dagster)) for room, _, may_import, dagster in lines}
    there = {path.stem: path for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert len(lines) == len(described)
    assert described.keys() == {name for name in there if not name.startswith("__")}
    assert {room for room, (_, dagster) in described.items() if dagster} == {
        name.removesuffix(".py") for name in DAGSTER
    }
    for room, (may_import, _) in described.items():
        named = set(re.findall(r"`(\w+)`", may_import))
        if room in ALLOWED:
            assert named == ALLOWED[room] - {room}, room
        elif may_import.startswith("all"):
            assert not named or not rooms_imported(there[room]) & named, room
        else:
            assert rooms_imported(there[room]) <= named | EVERYWHERE | {room}, room
