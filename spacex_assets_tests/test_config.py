"""The settings: what is said of one that is wrong, and what is not said of a secret."""

import subprocess
import sys
from pathlib import Path

import pytest

from spacex_assets.config import Settings, World

COMMAND = [sys.executable, "-m", "spacex_assets"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SPACEX_UI_PORT", "abc", "SPACEX_UI_PORT: Input should be a valid integer"),
        ("SPACEX_HTTP_RATE", "0", "SPACEX_HTTP_RATE: Input should be greater than 0, found '0'."),
        ("SPACEX_FRESH_HOURS", "0.01", "SPACEX_FRESH_HOURS: Input should be greater than or equal to 0.01"),
        ("SPACEX_CONTRACT", "freeze", 'A setting cannot be read: error parsing value for field "contract"'),
        ("SPACEX_CONTRACT", '{"launch": "freeze"}', "no endpoint is called launch; there are capsules, company"),
    ],
)
def test_a_wrong_setting_is_named_without_a_traceback(
    local_environment: dict[str, str], name: str, value: str, words: str
) -> None:
    done = subprocess.run(
        [*COMMAND, "db-url"], env={**local_environment, name: value}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_setting_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACEX_SOURCE", "")
    monkeypatch.setenv("SPACEX_DATABASE_URL", "")
    settings = Settings()
    assert (settings.world, settings.database_url) == (World.SIMULATED, None)


def test_simulated_is_the_simulated_world_in_any_case() -> None:
    assert (Settings(source="Simulated").world, Settings(source="Simulated").source) == (World.SIMULATED, "simulated")


def test_a_local_folder_that_cannot_be_written_is_named(local_environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {**local_environment, "SPACEX_LOCAL": str(tmp_path / "file")}
    done = subprocess.run([*COMMAND, "run"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"SPACEX_LOCAL: expected a folder that can be written, found {tmp_path / 'file'}: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("https://me:s3cret@host:8/base", "https://host:8/base"),
        ("https://me:s3@cret@host/a@b", "https://host/a@b"),
        ("/folder/with@sign", "/folder/with@sign"),
        ("simulated", "simulated"),
    ],
)
def test_the_source_is_shown_without_credentials(source: str, shown: str) -> None:
    assert Settings(source=source).source_shown == shown
