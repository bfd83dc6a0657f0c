"""The settings: what is said of one that is wrong, and what is not said of a secret."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from spacex_assets.config import Settings, SettingWrong, World, settings

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


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("ftp://me:s3cret@host/x", "found 'ftp://host/x'."),
        ("file:///etc", "found 'file:///etc'."),
        ("s3://bucket", "found 's3://bucket'."),
        ("http://", "found 'http://'."),
        ("http://host:port/", "found 'http://host:port/'."),
        ("http://[::1", "found 'http://[::1'."),
        ("https:host", "found 'https:host'."),
        ("http:/host", "found 'http:/host'."),
        ("//host/x", "found '//host/x'."),
        ("https://me:pass/word@h@st:x", "found 'https://st:x'."),
        ("https://a host", "found 'https://a host'."),
    ],
)
def test_a_url_that_cannot_be_asked_is_no_source(monkeypatch: pytest.MonkeyPatch, source: str, words: str) -> None:
    expected = "SPACEX_SOURCE: expected an http(s) base URL such as http://127.0.0.1:8080, the path of a folder"
    with pytest.raises(SettingWrong, match=re.escape(expected)) as raised:
        settings(source=source)
    assert words in str(raised.value)
    assert "s3cret" not in str(raised.value)
    if not source.startswith(("http", "//")):
        with pytest.raises(SettingWrong, match="SPACEX_SIMULATOR_URL: expected an http"):
            settings(simulator_url=source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("http://", "SPACEX_SOURCE: expected an http(s) base URL"),
        ("nowhere", "nowhere, found no such folder. Nothing was done."),
        ("empty", "empty, found none of them in it. Nothing was done."),
    ],
)
def test_a_source_that_cannot_be_ends_a_run_before_anything_is_made_ready(
    local_environment: dict[str, str], tmp_path: Path, source: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    environment = {**local_environment, "SPACEX_SOURCE": source, "SPACEX_LOCAL": str(tmp_path / "local")}
    done = subprocess.run([*COMMAND, "run"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "local").exists()


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
