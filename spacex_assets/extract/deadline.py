"""A moment after which nothing more is waited for over the network: the connection in use is then cut.

Timeouts bound single reads only; a source that sends a byte now and then would hold a request for ever. What does not
belong here: what is said of a request that was cut (``client.py``).
"""

import socket
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Self

_IN_FORCE: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)


class Deadline:
    """Cuts, once its time is up, the connection by which the block waits for an answer."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds
        self._over = False
        self._in_use: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds that are left; negative afterwards."""
        return self.at - time.monotonic()

    @property
    def passed(self) -> bool:
        """Whether its time is up, and so perhaps why a connection broke."""
        return self._over or self.left <= 0

    def __enter__(self) -> Self:
        self._before = _IN_FORCE.set(self)
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()
        _IN_FORCE.reset(self._before)

    def _end(self) -> None:
        with self._lock:
            self._over = True
            self._cut()

    def _use(self, connection: socket.socket) -> None:
        with self._lock:
            self._in_use = connection
            if self.passed:
                self._cut()

    def _cut(self) -> None:
        if self._in_use is not None:
            with suppress(OSError):  # closed already
                # Of a TLS connection too: its own shutdown would take what the waiting thread reads from.
                socket.socket.shutdown(self._in_use, socket.SHUT_RDWR)


def answer_awaited(connection: socket.socket) -> None:
    """Says by which connection the answer is to come; the deadline in force, if any, may cut it."""
    deadline = _IN_FORCE.get()
    if deadline is not None:
        deadline._use(connection)
