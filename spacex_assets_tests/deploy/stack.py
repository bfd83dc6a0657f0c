"""The deployed stack as the tests see it: docker compose, the webserver's GraphQL, processes inside containers."""

import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "code", "webserver", "daemon")

LAUNCH = """mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
SCHEDULED = """{ runsOrError(filter: { statuses: [SUCCESS] }) { ... on Runs { results { tags { key value } } } } }"""
EVERYTHING = {
    "selector": {
        "repositoryLocationName": "spacex_assets",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
    },
    "runConfigData": {},
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Stack:
    """A compose project of its own, with secrets, ports and addresses of its own; ``settings`` as in .env."""

    name: str
    secrets: Path
    port: int = field(default_factory=free_port)
    proxy_port: int = field(default_factory=free_port)
    addresses: str = field(default_factory=lambda: f"10.{random.randrange(128, 250)}.{random.randrange(1, 250)}")
    settings: dict[str, str] = field(default_factory=dict)

    def but(self, **settings: str) -> "Stack":
        """The same stack with these settings; `up` makes it so."""
        return replace(self, settings=self.settings | settings)

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = self._compose(arguments, None)
        text = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert not check or text.returncode == 0, text.stdout + text.stderr
        return text

    def compose_bytes(self, *arguments: str, given: bytes | None = None) -> bytes:
        """What a command answers to what it is given."""
        done = self._compose(arguments, given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _compose(self, arguments: Sequence[str], given: bytes | None) -> subprocess.CompletedProcess[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SPACEX_")}
        environment |= {
            "SPACEX_SECRETS": str(self.secrets),
            "SPACEX_UI_PORT": str(self.port),
            "SPACEX_PROXY_PORT": str(self.proxy_port),
            "SPACEX_UI_ADDRESSES": self.addresses,
            "SPACEX_VERSION": "test",
            "SPACEX_AUTOMATION": "false",
            "COMPOSE_PROFILES": "",
            "DOCKER_BUILDKIT": "1",
            **self.settings,
        }
        command = ["docker", "compose", "--project-name", self.name, "--progress", "quiet", *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, check=False)

    def up(self) -> None:
        self.compose("up", "--detach", "--build", "--wait")

    def inside(self, service: str, script: str) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, "bash", "-c", script, check=False)

    def sql(self, role: str, statement: str, database: str = "spacex_simulated") -> subprocess.CompletedProcess[str]:
        """As a role with its password over TCP, by default in the warehouse of the simulated world."""
        login = f"PGPASSWORD=$(cat /run/secrets/{role}_password) psql -h 127.0.0.1 -U spacex_{role}"
        return self.inside("postgres", f'{login} -d {database} -qAt -v ON_ERROR_STOP=1 -c "{statement}"')

    def address(self, service: str, network: str) -> str:
        template = f'{{{{(index .NetworkSettings.Networks "{self.name}_{network}").IPAddress}}}}'
        return self.inspect(service, template)

    def inspect(self, service: str, template: str) -> str:
        container = self.compose("ps", "--all", "--quiet", service).stdout.strip()
        call = ["docker", "inspect", "--format", template, container]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    def log(self, service: str) -> list[str]:
        """The lines of a service's log."""
        call = ["docker", "logs", self.inspect(service, "{{.Id}}")]
        done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        return done.stdout.splitlines()

    def kill(self, service: str) -> None:
        """As the kernel does it; `docker kill` would count as the wish that it stays down."""
        process = self.inspect(service, "{{.State.Pid}}")
        if os.geteuid() == 0:
            os.kill(int(process), signal.SIGKILL)
        else:
            others = ["docker", "run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "", "spacex-assets:test"]
            subprocess.run([*others, "bash", "-c", f"kill -KILL {process}"], check=True, capture_output=True)

    def await_return(self, service: str, restarts: int, seconds: float = 120) -> None:
        wanted = f"healthy {restarts}"
        deadline = time.monotonic() + seconds
        while (found := self.inspect(service, "{{.State.Health.Status}} {{.RestartCount}}")) != wanted:
            assert time.monotonic() < deadline, f"{service}: expected {wanted}, found {found}"
            time.sleep(1)

    def graphql(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["data"]

    def run_everything(self) -> str:
        """The status in which a run of every asset ends."""
        launched = self.graphql(LAUNCH, run=EVERYTHING)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status: str = self.graphql(STATUS, run=launched["run"]["runId"])["runOrError"]["status"]
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            time.sleep(0.5)
        raise AssertionError(f"the run is still {status}")

    def scheduled(self) -> set[str]:
        """The schedules of which a run succeeded."""
        runs = self.graphql(SCHEDULED)["runsOrError"]["results"]
        return {tag["value"] for run in runs for tag in run["tags"] if tag["key"] == "dagster/schedule_name"}
