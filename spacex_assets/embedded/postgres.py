"""Starts, finds and stops the embedded PostgreSQL; any number of processes may do so at once.

The server outlives its starter. The one that the data folder's pid file names, and that works there, is alive, whatever
it answers: it is waited for, and never ended but by ``stop``. Whatever else works in the data folder is left over from
a server that was killed, or whose folder was deleted, and is ended before a new one starts.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from spacex_assets.embedded.cluster import create_cluster, remove_interrupted
from spacex_assets.embedded.errors import EmbeddedPostgresError
from spacex_assets.embedded.place import Place
from spacex_assets.embedded.processes import all_gone, end_all, send, works_in
from spacex_assets.embedded.server import HOST, Server

ANSWER_SECONDS = 60.0
STOP_SECONDS = 20.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The embedded PostgreSQL of one home folder."""

    home: Path

    @cached_property
    def place(self) -> Place:
        """Where it lives."""
        return Place(self.home.resolve())

    def start(self) -> Server:
        """The running server; started, and its cluster created, if need be. Raises :class:`EmbeddedPostgresError`."""
        server = self._awaited()
        if server is not None:
            return server
        self.place.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            server = self._awaited()
            if server is not None:
                return server
            self._begin_anew()
            self.place.prepare()
            self._end_leftovers()
            if not self.place.has_cluster:
                create_cluster(self.place)
            return self._launch()

    def running(self) -> Server | None:
        """The server if it runs and accepts connections."""
        server = self._living()
        return server if server is not None and server.refusal() is None else None

    def stop(self) -> bool:
        """Ends the server, letting it finish cleanly; whether there was one."""
        if not self.place.home.exists():
            ended = [end_all(base / "data", signal.SIGQUIT) for base in (self.place.home, self.place.outside)]
            return any(ended)
        with self._lock():
            recorded = self._recorded()
            if recorded is None:
                return False
            pid, _ = recorded
            for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)):
                send(pid, how)
                if all_gone(self.place.data, seconds):
                    return True
            raise EmbeddedPostgresError(f"PostgreSQL (pid {pid}) does not stop; see {self.log}.")

    def remove(self) -> None:
        """Ends whatever works in our data folder, and deletes the home and what lives outside for it."""
        self.stop()
        for folder in (self.place.outside, self.place.home):
            end_all(folder / "data", signal.SIGQUIT, signal.SIGKILL)
            if folder.exists():
                shutil.rmtree(folder)

    def serves(self, url: str, database: str) -> bool:
        """Whether the URL is that of a database of this server, on whatever port it listened then."""
        if not os.access(self.place.password, os.R_OK):
            return False  # whoever may not read the password was not given the URL
        ours = Server(0, 0, self.place.data, self.place.installation, self.place.password.read_text())
        return re.sub(r":\d+/", ":0/", url) == ours.url(database)

    def binary(self, name: str) -> Path:
        """A program of the same installation, such as psql or pg_dump."""
        return self.place.binary(name)

    @property
    def log(self) -> Path:
        """The file that the server writes its log to."""
        return self.place.home / "server.log"

    def _recorded(self) -> tuple[int, int] | None:
        """Pid and port that the data folder's pid file names, if that process really works in the data folder."""
        try:
            lines = (self.place.data / "postmaster.pid").read_text().splitlines()
            pid, port = abs(int(lines[0])), int(lines[3])  # a stand-alone backend writes its pid as a negative number
        except (OSError, ValueError, IndexError):
            return None
        return (pid, port) if works_in(pid, self.place.data) else None

    def _living(self) -> Server | None:
        if not self.place.password.exists():
            return None
        recorded = self._recorded()
        if recorded is None:
            return None
        pid, port = recorded
        return Server(port, pid, self.place.data, self.place.installation, self.place.password.read_text())

    def _awaited(self) -> Server | None:
        """The living server once it accepts connections; ``None`` if there is none, or when it has ended."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while (server := self._living()) is not None:
            refusal = server.refusal()
            if refusal is None:
                return server
            if time.monotonic() >= deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (pid {server.pid}) runs on {server.data}, but for {ANSWER_SECONDS:.0f} s it has not "
                    f"accepted a connection: {refusal}\nIt was left as it is. See {self.log}; close what holds its "
                    f"connections, or wait and try again, or end it with `make stop`."
                )
            time.sleep(0.03)
        return None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.place.home / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _begin_anew(self) -> None:
        """If the home is a new one, ends and removes what an earlier home of the same path left outside."""
        outside = self.place.outside
        if outside.exists() and not self.place.outside_is_ours():
            end_all(outside / "data", signal.SIGQUIT, signal.SIGKILL)
            shutil.rmtree(outside)

    def _end_leftovers(self) -> None:
        """Ends what works in our data folder without being its server, and removes a pid file of the past."""
        if self.place.has_cluster and not self.place.password.exists():
            raise EmbeddedPostgresError(
                f"{self.place.data} has a cluster, but its password is gone: there is no {self.place.password}. Put it "
                f"back, or `make stop` and remove {self.place.home} for a clean start."
            )
        end_all(self.place.data, signal.SIGQUIT, signal.SIGKILL)
        (self.place.data / "postmaster.pid").unlink(missing_ok=True)
        remove_interrupted(self.place)

    def _launch(self) -> Server:
        data, port = self.place.data, self._port()
        options = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [str(self.binary("postgres")), "-D", str(data), "-p", str(port), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=self.place.environment,
                **self.place.identity,
            )
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            server = self._awaited()
            if server is not None:
                return server
            time.sleep(0.03)
        last = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start on {data} (port {port}). The end of {self.log}:\n{last}\n"
            f"`make stop` and removing the local folder give a clean start."
        )

    def _port(self) -> int:
        """The port of last time if it is free, so that a running UI finds its database again."""
        file = self.place.home / "port"
        last = file.read_text() if file.exists() else ""
        wanted = int(last) if last.isdigit() else 0  # a power cut may have left the file empty
        for port in (wanted, 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                free = int(probe.getsockname()[1])
                file.write_text(str(free))
                return free
        raise EmbeddedPostgresError(f"There is no free port on {HOST}.")
