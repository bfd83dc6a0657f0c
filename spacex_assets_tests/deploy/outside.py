"""A host outside of the stack that answers who reaches it: a network namespace that knows no way back but the asker's.

So it is reached as the world is: only through the machine's own address. Needs root and `ip`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

HERE, THERE = "198.51.100.1", "198.51.100.2"
PORT = 9000
SERVE = f"""
import socket
tcp = socket.create_server(("{THERE}", {PORT}))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("{THERE}", {PORT}))
print("ready", flush=True)
while True:
    print(udp.recv(100).decode(), flush=True)
"""


def unavailable() -> str | None:
    if os.geteuid() or shutil.which("ip") is None:
        return "a host outside, a network namespace, needs root and the command ip"
    return None


@dataclass(frozen=True)
class Outside:
    """Takes connections and datagrams."""

    log: Path
    address: str = THERE
    port: int = PORT

    def heard(self) -> set[str]:
        """The datagrams that came."""
        return set(self.log.read_text().split()) - {"ready"}


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    name = f"out-{uuid4().hex[:8]}"
    here, there = f"h{name}", f"t{name}"

    def call(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    log = folder / "heard"
    server: subprocess.Popen[bytes] | None = None
    call("netns", "add", name)
    try:
        call("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        call("address", "add", f"{HERE}/30", "dev", here)
        call("link", "set", here, "up")
        call("-n", name, "address", "add", f"{THERE}/30", "dev", there)
        call("-n", name, "link", "set", there, "up")
        with log.open("wb") as output:
            server = subprocess.Popen(["ip", "netns", "exec", name, sys.executable, "-c", SERVE], stdout=output)
        while "ready" not in log.read_text():
            assert server.poll() is None
        yield Outside(log)
    finally:
        if server is not None:
            server.kill()
            server.wait()
        subprocess.run(["ip", "link", "delete", here], capture_output=True, check=False)
        call("netns", "delete", name)
