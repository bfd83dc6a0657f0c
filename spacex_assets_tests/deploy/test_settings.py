"""How a container's settings come together from its environment and its secret files, and that each can be given."""

import re
from pathlib import Path

import pytest

from spacex_assets.config import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
FIXED = {
    *("SPACEX_DATABASE_URL", "SPACEX_DATABASE_PASSWORD", "SPACEX_DAGSTER_DATABASE_URL"),
    *("SPACEX_DAGSTER_DATABASE_PASSWORD", "SPACEX_LOCAL", "SPACEX_LAKE", "SPACEX_PG_BIN", "SPACEX_UI_PORT"),
    *("SPACEX_ALERTS", "SPACEX_METRICS_HOST", "SPACEX_METRICS_PORT", "SPACEX_LAKE_OPTIONS", "SPACEX_EXECUTOR"),
}
"""Settings that the stack decides itself, or takes from a secret."""
URL = "postgresql://loader@postgres/spacex_{world}"


def test_the_url_names_the_worlds_database_and_gets_the_password_that_it_lacks() -> None:
    settings = Settings(source="/archive", database_url=URL, database_password="p@ss/word\n")
    assert settings.warehouse_url == "postgresql+psycopg2://loader:p%40ss%2Fword@postgres/spacex_real"
    assert Settings(source="simulated", database_url=URL).warehouse_url.endswith("@postgres/spacex_simulated")


def test_a_password_in_the_url_stays() -> None:
    settings = Settings(dagster_database_url="postgresql://d:own@h/storage", dagster_database_password="other")
    assert settings.dagster_url == "postgresql+psycopg2://d:own@h/storage"


def test_a_password_is_shown_nowhere() -> None:
    shown = repr(Settings(source="https://user:hidden@host", database_url=URL, database_password="hidden"))
    assert "hidden" not in shown


@pytest.mark.parametrize("name", ["spacex_database_password", "SPACEX_DATABASE_PASSWORD"])
def test_a_secret_file_is_a_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("from the file\n")
    settings = Settings(_secrets_dir=tmp_path, database_url=URL)
    assert settings.database_password is not None
    assert settings.database_password.get_secret_value() == "from the file"


def test_every_setting_of_the_platform_reaches_the_stack_or_is_decided_by_it() -> None:
    [passed_on] = re.findall(r"^x-settings: &settings\n((?:  .+\n)+)", COMPOSE, re.MULTILINE)
    known = {f"SPACEX_{name.upper()}" for name in Settings.model_fields}
    assert known - FIXED <= set(re.findall(r"^  (SPACEX_\w+):", passed_on, re.MULTILINE))


def test_the_example_explains_every_setting_that_the_stack_takes_and_no_other() -> None:
    taken = set(re.findall(r"\$\{(SPACEX_\w+)", COMPOSE)) | set(re.findall(r"^ +(SPACEX_\w+):$", COMPOSE, re.MULTILINE))
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = re.findall(r"^# (SPACEX_\w+)=", "\n".join(lines), re.MULTILINE)
    assert sorted(explained) == sorted(taken)
    assert not [line for line in lines if line and not line.startswith("#")]


def test_the_examples_defaults_are_those_of_the_platform() -> None:
    shown = dict(re.findall(r"^# SPACEX_(\w+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    examples = {"CONTRACT", "SIMULATOR_URL", "CRON", "KEEP_HISTORY_DAYS", "UI_URL", "AUTOMATION"}
    for name, text in shown.items():
        if (field := Settings.model_fields.get(name.lower())) and name not in examples:
            assert getattr(Settings(**{name.lower(): text}), name.lower()) == field.default, name
