"""What is taken out of texts, and what is left in them."""

import pytest

from spacex_assets.config import Settings
from spacex_assets.scrub import HIDDEN, Scrubber, scrubber


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("GET http://me:p@ss@host:80/a failed", "GET http://host:80/a failed"),
        ("postgresql+psycopg2://u:secret@h/db, then http://x/y", "postgresql+psycopg2://h/db, then http://x/y"),
        ("http://h/p?token=abc&page=2", f"http://h/p?token={HIDDEN}&page=2"),
        ("dsn: host=h password=abc dbname=d", f"dsn: host=h password={HIDDEN} dbname=d"),
        ("mail me@example.org about launches", "mail me@example.org about launches"),
    ],
)
def test_credentials_are_taken_out_of_any_text(text: str, left: str) -> None:
    assert Scrubber()(text) == left


def test_the_secrets_of_the_settings_are_known_in_every_spelling() -> None:
    settings = Settings(
        source="https://me:source-pass@h",
        database_url="postgresql://u:data%40base@h/d",
        dagster_database_password="from-a-file\n",
        alerts={
            "chat": "slack+https://hooks.example.org/services/T1/B2/xyzzyplugh",
            "team": "smtp://me:mail%20pass@h?from=a@b.c&to=d@e.f",
        },
    )
    scrub = scrubber(settings)
    for secret in ("source-pass", "data%40base", "data@base", "from-a-file", "mail%20pass", "mail pass"):
        assert secret not in scrub(f"it is {secret}, is it not?"), secret
    assert scrub("with url: /services/T1/B2/xyzzyplugh (refused)") == f"with url: {HIDDEN} (refused)"
    assert scrub("hooks.example.org refused") == "hooks.example.org refused"


def test_a_short_password_takes_no_words_to_pieces() -> None:
    assert scrubber(Settings(database_password="pad"))("launchpads") == "launchpads"
