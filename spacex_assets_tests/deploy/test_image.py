"""The image of deploy/Dockerfile, built by a real engine: what is in it, what is not, what a change of code costs."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacex_assets_tests.deploy.engine import engine_missing
from spacex_assets_tests.deploy.stack import ROOT

TAG = "spacex-assets:image-test"


def built(context: Path, *options: str) -> dict[str, Any]:
    """What the engine says of the image that is built from the folder."""
    build = ["docker", "build", "--file", "deploy/Dockerfile", "--tag", TAG, *options, "."]
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    subprocess.run(build, cwd=context, env=environment, check=True, capture_output=True)
    [image] = json.loads(subprocess.run(["docker", "image", "inspect", TAG], check=True, capture_output=True).stdout)
    found: dict[str, Any] = image
    return found


def copied(folder: Path) -> Path:
    """What git has of this checkout, so that nothing else gets into the image."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in files.rstrip("\0").split("\0"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := engine_missing():
        pytest.skip(f"the image needs a Docker engine with compose, and {missing}")
    folder = copied(tmp_path_factory.mktemp("context"))
    # What must not get in, wherever it lies.
    for secret in (".env", "deploy/secrets/owner_password", "spacex_assets/.env"):
        (folder / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder / secret).write_text("do-not-ship-this")
    return folder


@pytest.fixture(scope="module")
def image(context: Path) -> dict[str, Any]:
    return built(context)


@pytest.fixture(scope="module")
def inside(image: dict[str, Any]) -> Callable[[str], str]:
    def run(script: str) -> str:
        call = ["docker", "run", "--rm", "--network", "none", "--user", "0", TAG, "bash", "-c", script]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout

    return run


def test_it_runs_as_a_user_with_a_fixed_id_and_says_what_it_is(image: dict[str, Any]) -> None:
    assert image["Config"]["User"] == "10001:10001"
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in image["Config"]["Labels"].items()}
    assert {"title", "description", "licenses", "version", "revision"} <= labels.keys()


def test_it_has_no_compiler_no_package_cache_and_no_installer(inside: Callable[[str], str]) -> None:
    names = " -o ".join(f"-name '{name}'" for name in ("gcc*", "cc", "g++*", "clang*", "make", "pip*"))
    programs = inside(f"find / -xdev -type f -executable \\( {names} \\)").split()
    assert [program for program in programs if not program.startswith("/usr/local/bin/pip")] == [], "but the base's"
    assert inside("find /root/.cache /var/cache/pip /packages -type f 2>/dev/null; true") == ""


def test_it_has_no_test_and_no_secret(inside: Callable[[str], str]) -> None:
    assert inside("find / -xdev -name 'spacex_assets_tests' -o -xdev -name '.env' -o -xdev -name '.git'") == ""
    assert inside('python -c \'import importlib.util as u; print(u.find_spec("pytest"), u.find_spec("mypy"))\'') == (
        "None None\n"
    )
    assert inside("grep -rls do-not-ship-this /app /opt /data /tmp; true") == ""


def test_the_code_belongs_to_root_and_only_the_data_folder_to_the_user(inside: Callable[[str], str]) -> None:
    assert inside("find / -xdev -user 10001") == "/data\n"
    assert inside("find /app /opt/venv -perm /022 -not -type l") == ""


def test_a_change_of_code_makes_only_the_last_layer_anew(context: Path, image: dict[str, Any]) -> None:
    module = context / "spacex_assets" / "errors.py"
    module.write_text(module.read_text() + "\nCHANGED = True\n")
    before, after = image["RootFS"]["Layers"], built(context)["RootFS"]["Layers"]
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]


def test_a_package_that_is_not_what_was_locked_is_not_installed(context: Path) -> None:
    lock = context / "requirements.lock"
    locked = lock.read_text()
    lock.write_text(f"typing-extensions==4.16.0 --hash=sha256:{'0' * 64}\n")
    try:
        with pytest.raises(subprocess.CalledProcessError) as refused:
            built(context, "--target", "packages")
        assert b"DO NOT MATCH THE HASHES" in refused.value.stderr
    finally:
        lock.write_text(locked)
