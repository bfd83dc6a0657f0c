"""Starts, finds and stops the embedded PostgreSQL; any number of processes may do so at once.

The server outlives its starter. A process is taken for the server only if it works in our data folder, so a pid that
was given to somebody else is never mistaken, nor harmed.
"""

import fcntl
import os
import secrets
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
from urllib.parse import quote

import psycopg2
from psycopg2.sql import SQL, Identifier

from spacex_assets.embedded.errors import EmbeddedPostgresError
from spacex_assets.embedded.place import Place

USER = "spacex"
HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int
    data: Path
    binaries: Path
    password: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"postgresql+psycopg2://{USER}:{quote(self.password)}@{HOST}:{self.port}/{quote(database)}"

    def libpq_environment(self, database: str) -> dict[str, str]:
        """What psql and its kin have to be given, so that no password stands in a process list."""
        return {
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": self.password,
            "PGDATABASE": database,
        }

    def ensure_database(self, name: str) -> None:
        """Creates a database unless it is there."""
        connection = psycopg2.connect(self._dsn)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(hashtext('ensure_database'))")
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
                if cursor.fetchone() is None:
                    cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether it accepts connections with our password."""
        try:
            psycopg2.connect(self._dsn, connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    @property
    def _dsn(self) -> str:
        return f"host={HOST} port={self.port} user={USER} password={self.password} dbname=postgres"


@dataclass(frozen=True)
class EmbeddedPostgres:
    """The embedded PostgreSQL of one home folder."""

    home: Path

    @cached_property
    def place(self) -> Place:
        """Where it lives."""
        return Place(self.home.absolute())

    def start(self) -> Server:
        """The running server; started, and its cluster created, if need be. Raises :class:`EmbeddedPostgresError`."""
        running = self.running()
        if running is not None:
            return running
        self.place.home.mkdir(parents=True, exist_ok=True)
        with self._lock():
            running = self.running()
            if running is not None:
                return running
            self._begin_anew()
            self.place.prepare()
            self._end_leftovers()
            if not (self.place.data / "PG_VERSION").exists():
                self._create_cluster()
            return self._launch()

    def running(self) -> Server | None:
        """The server if it runs and answers."""
        if not (self.home / "password").exists():
            return None
        server = self._recorded()
        return server if server is not None and server.answers() else None

    def stop(self) -> bool:
        """Ends the server, letting it finish cleanly; whether there was one."""
        if not self.home.exists():
            pids = _working_in(self.place.home / "data") | _working_in(self.place.outside / "data")
            for pid in pids:
                _signal(pid, signal.SIGQUIT)
            return bool(pids)
        with self._lock():
            server = self._recorded()
            if server is None:
                return False
            for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5.0)):
                _signal(server.pid, how)
                if _gone(self.place.data, seconds):
                    return True
            raise EmbeddedPostgresError(f"PostgreSQL (pid {server.pid}) does not stop; see {self._log}.")

    def binary(self, name: str) -> Path:
        """A program of the same installation, such as psql or pg_dump."""
        return self.place.installation / "bin" / name

    @property
    def _log(self) -> Path:
        return self.home / "server.log"

    def _recorded(self) -> Server | None:
        """The server that the data folder's pid file names, if that process really works in the data folder."""
        data = self.place.data
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
            password = (self.home / "password").read_text()
        except (OSError, ValueError, IndexError):
            return None
        return Server(port, pid, data, self.place.installation, password) if pid in _working_in(data) else None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.place.home / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _begin_anew(self) -> None:
        """If the home is a new one, ends and removes what an earlier home of the same path left outside."""
        outside, name = self.place.outside, self.place.home_id()
        record = outside / "id"
        if outside.exists() and (not record.exists() or record.read_text() != name):
            for pid in _working_in(outside / "data"):
                _signal(pid, signal.SIGQUIT)
            _gone(outside / "data", 10.0)
            shutil.rmtree(outside)
        if self.place.base == outside:
            outside.mkdir(mode=0o755, exist_ok=True)
            record.write_text(name)
        (self.home / "location").write_text(f"data: {self.place.data}\nbinaries: {self.place.installation}\n")

    def _end_leftovers(self) -> None:
        """Ends what still works in our data folder without being a server, and removes a pid file of the past."""
        data = self.place.data
        for how in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
            if _gone(data, 0.0):
                break
            for pid in _working_in(data):
                _signal(pid, how)
            _gone(data, 10.0)
        (data / "postmaster.pid").unlink(missing_ok=True)
        for secret in self.place.base.glob("data.new-*.password"):
            secret.unlink()
        for partial in self.place.base.glob("data.new-*"):
            for pid in _working_in(partial):
                _signal(pid, signal.SIGKILL)
            _gone(partial, 10.0)
            shutil.rmtree(partial)

    def _create_cluster(self) -> None:
        """Creates the cluster beside its place and renames it, so that an interrupted creation leaves none."""
        password = self._password()
        partial = self.place.base / f"data.new-{os.getpid()}"
        partial.mkdir(mode=0o700)
        secret = self.place.base / f"data.new-{os.getpid()}.password"
        try:
            secret.touch(mode=0o600)
            secret.write_text(password)
            if self.place.user is not None:
                shutil.chown(partial, self.place.user)
                shutil.chown(secret, self.place.user)
            command = [
                *(str(self.binary("initdb")), "--pgdata", str(partial), "--username", USER, "--pwfile", str(secret)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
                # Checksums would log every hint bit, 800 MB for the first re-run after a million rows.
                *(["--no-data-checksums"] if self.place.installation.name.endswith("18") else []),
            ]
            done = subprocess.run(
                command,
                cwd=partial,
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
                **self.place.identity,
            )
        finally:
            secret.unlink(missing_ok=True)
        if done.returncode != 0:
            raise EmbeddedPostgresError(f"initdb failed in {partial}: {done.stderr.strip() or done.stdout.strip()}")
        partial.rename(self.place.data)

    def _password(self) -> str:
        file = self.home / "password"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
        return file.read_text()

    def _launch(self) -> Server:
        data, port = self.place.data, self._port()
        settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "100",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with self._log.open("a") as log:
            process = subprocess.Popen(
                [str(self.binary("postgres")), "-D", str(data), "-p", str(port), *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=_environment(),
                **self.place.identity,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            server = self.running()
            if server is not None:
                return server
            time.sleep(0.03)
        last = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
        raise EmbeddedPostgresError(
            f"PostgreSQL did not start on {data} (port {port}). The end of {self._log}:\n{last}\n"
            f"`make stop` and removing the local folder give a clean start."
        )

    def _port(self) -> int:
        """The port of last time if it is free, so that a running UI finds its database again."""
        file = self.home / "port"
        wanted = int(file.read_text()) if file.exists() else 0
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


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _working_in(data: Path) -> set[int]:
    """The processes whose working folder is the data folder, or was until it was deleted: PostgreSQL's own."""
    ours = {str(data), f"{data} (deleted)"}
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str((process / "cwd").readlink()) in ours:
                    found.add(int(process.name))
            except OSError:
                continue  # gone meanwhile, or another user's
    return found


def _gone(data: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _working_in(data):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.03)
    return True


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
