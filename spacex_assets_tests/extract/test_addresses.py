import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract import addresses, errors
from spacex_assets.extract.client import Limits
from spacex_assets.extract.http import HttpSource
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.store import Folder

LOOPBACK = "127.0.0.1"


def fetch(url: str, folder: Path) -> None:
    limits = Limits(connect=1.0, backoff=0.01)
    HttpSource(url, Settings(source=url), limits).fetch(ENDPOINTS["cores"], RawLake(Folder(folder)))


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port of the loopback, and what was sent to it."""
    heard: list[bytes] = []
    with socket.create_server((LOOPBACK, 0)) as server:

        def hear() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(1000))

        ear = threading.Thread(target=hear, daemon=True)
        ear.start()
        yield server.getsockname()[1], heard
        ear.join(10)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",  # the same to a resolver
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[2002:a9fe:a9fe::1]",
        "[64:ff9b::a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b:1::a9fe:a9fe]",
        "[::ffff:0:a9fe:a9fe]",
        "168.63.129.16",
        "255.255.255.255",
        "[fd00:42::42]",
        "[fd20:ce::254]",
        "[fd00:ec2::23]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "224.0.0.1",
        "0.0.0.0",
        "[::]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_asked_of_a_link_local_or_metadata_address(scheme: str, host: str, tmp_path: Path) -> None:
    with pytest.raises(errors.SourceRefused, match=r"leads to .*metadata address, attempt 1 of 3"):
        fetch(f"{scheme}://{host}:9/latest", tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "93.184.216.34"])
def test_other_addresses_may_be_asked(host: str) -> None:
    addresses.refuse("a name", host)


def test_a_name_that_is_answered_otherwise_when_connecting_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FirstAnswer:
        """What the name led to when it was looked at."""

        SOCK_STREAM = socket.SOCK_STREAM

        @staticmethod
        def getaddrinfo(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(None, None, None, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(addresses, "METADATA", {ip_address(LOOPBACK)})
    monkeypatch.setattr(addresses, "socket", FirstAnswer)
    with listening() as (port, heard), pytest.raises(errors.SourceRefused, match=r"localhost leads to 127\.0\.0\.1"):
        fetch(f"http://localhost:{port}", tmp_path)
    assert heard == [b""]


def test_a_name_with_many_addresses_takes_no_longer_to_connect_than_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **hints: look(*names, **hints)[:1] * 5)
    with socket.create_server((LOOPBACK, 0), backlog=0) as deaf, socket.socket() as waiting:
        waiting.connect(deaf.getsockname())
        began = time.monotonic()
        with pytest.raises(errors.SourceUnreachable, match=r"timed out.*attempt 3 of 3"):
            fetch(f"http://{LOOPBACK}:{deaf.getsockname()[1]}", tmp_path)
        assert 2.9 < time.monotonic() - began < 4
