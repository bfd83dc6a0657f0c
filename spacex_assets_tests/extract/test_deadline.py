"""The total time limit holds, however slowly a source says what it says."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract import errors
from spacex_assets.extract.deadline import Deadline, answer_awaited
from spacex_assets.extract.http import HttpSource
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.pace import Limits
from spacex_assets.extract.store import Folder

TOTAL = 1.0
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def dripping(
    begin: bytes, drop: bytes, wrapped: Callable[[socket.socket], socket.socket] = lambda plain: plain
) -> Iterator[int]:
    """A port whose every answer begins at once and goes on for ever, a drop at a time, until it is cut."""
    answers: list[threading.Thread] = []

    def answer(connection: socket.socket) -> None:
        with wrapped(connection) as heard:
            heard.recv(10_000)
            try:
                heard.sendall(begin)
                while True:
                    heard.sendall(drop)
                    time.sleep(0.05)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            answers.append(threading.Thread(target=answer, args=(connection,), daemon=True))
            answers[-1].start()

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1]
        for one in answers:
            one.join(5)
        assert answers
        assert not any(one.is_alive() for one in answers), "the client still holds a connection"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def given_up(url: str, folder: Path, verify: str | None = None) -> str:
    """What is said when the time is up, in which it was noticed; nothing is left of the attempt."""
    source = HttpSource(url, Settings(source=url), Limits(total=TOTAL, read=0.8, backoff=0.01))
    source.client.session.verify = verify or True
    threads, began = set(threading.enumerate()), time.monotonic()
    with pytest.raises(errors.TimeLimitExceeded) as raised:
        source.fetch(ENDPOINTS["cores"], RawLake(Folder(folder)))
    assert TOTAL - 0.1 < time.monotonic() - began < TOTAL + 0.5
    assert not [thread for thread in set(threading.enumerate()) - threads if isinstance(thread, threading.Timer)]
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    return str(raised.value)


@pytest.mark.parametrize(
    ("begin", "drop", "words"),
    [
        (OK + b"X-Slow: ", b"x", "the head of an answer had not come, status 200, attempt 1 of 3"),
        (b"HTTP/1.1 304 Not Modified\r\nX-Slow: ", b"x", "the head of an answer had not come, status 304"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "the head of an answer had not come"),
        (OK + b"Content-Length: 1000000\r\n\r\n[", b" ", "bytes of the body had come, status 200, attempt 1 of 3"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n", "bytes of the body had come"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n5;", b"x", "1 bytes of the body had come"),
        (OK + b"\r\n[", b" ", "bytes of the body had come"),
        (OK + b"\r\n[]", b" ", r"The body begins: '[]"),
    ],
    ids=[
        "header",
        "header of a 304",
        "hundreds",
        "length",
        "chunks",
        "chunk head",
        "until the end",
        "complete but for the end",
    ],
)
def test_a_source_that_drips_is_given_up_at_the_time_limit(
    tmp_path: Path, begin: bytes, drop: bytes, words: str
) -> None:
    with dripping(begin, drop) as port:
        said = given_up(f"http://127.0.0.1:{port}", tmp_path)
    assert words in said
    assert "did not end within 1 s" in said
    assert "raise SPACEX_ENDPOINT_TIME_LIMIT" in said


def test_an_error_whose_body_drips_is_named_with_what_came_of_it(tmp_path: Path) -> None:
    begin = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100000\r\n\r\nbusy"
    with dripping(begin, b"!") as port:
        said = given_up(f"http://127.0.0.1:{port}", tmp_path)
    assert "answered with an error, status 503, attempt 1 of 3" in said
    assert "The body begins: 'busy!" in said


def test_the_time_limit_holds_on_an_encrypted_connection(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for begin in (OK + b"X-Slow: ", OK + b"\r\n["):
        with dripping(begin, b" ", lambda plain: context.wrap_socket(plain, server_side=True)) as port:
            given_up(f"https://127.0.0.1:{port}", tmp_path / "lake", str(certificate))


def test_a_deadline_leaves_alone_what_ended_in_time() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Deadline(60.0):
            answer_awaited(ours)
        assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
        theirs.sendall(b"later")
        assert ours.recv(5) == b"later"
        with Deadline(0.0) as passed:
            answer_awaited(ours)
            assert (ours.recv(5), passed.passed) == (b"", True)
