"""How a container's settings come together from its environment and its secret files."""

from pathlib import Path

import pytest

from spacex_assets.config import Settings

URL = "postgresql://loader@postgres/spacex_{world}"


def test_the_url_names_the_worlds_database_and_gets_the_password_that_it_lacks() -> None:
    settings = Settings(source="/archive", database_url=URL, database_password="p@ss/word\n")
    assert settings.warehouse_url == "postgresql+psycopg2://loader:p%40ss%2Fword@postgres/spacex_real"
    assert Settings(source="simulated", database_url=URL).warehouse_url.endswith("@postgres/spacex_simulated")


def test_a_password_in_the_url_stays() -> None:
    settings = Settings(dagster_database_url="postgresql://d:own@h/storage", dagster_database_password="other")
    assert settings.dagster_url == "postgresql+psycopg2://d:own@h/storage"


def test_a_password_is_shown_nowhere() -> None:
    assert "hidden" not in repr(Settings(database_url=URL, database_password="hidden"))


@pytest.mark.parametrize("name", ["spacex_database_password", "SPACEX_DATABASE_PASSWORD"])
def test_a_secret_file_is_a_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("from the file\n")
    settings = Settings(_secrets_dir=tmp_path, database_url=URL)
    assert settings.database_password is not None
    assert settings.database_password.get_secret_value() == "from the file"
