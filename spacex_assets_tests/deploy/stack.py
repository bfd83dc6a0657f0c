"""The deployed stack as the tests see it: docker compose, the webserver's GraphQL, processes inside containers."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("postgres", "code", "webserver", "daemon")

LAUNCH = """mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
EVERYTHING = {
    "selector": {
        "repositoryLocationName": "spacex_assets",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
    },
    "runConfigData": {},
}


@dataclass(frozen=True)
class Stack:
    """A compose project of its own, with secrets and a port of its own."""

    name: str
    secrets: Path
    port: int

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SPACEX_")}
        environment |= {
            "SPACEX_SECRETS": str(self.secrets),
            "SPACEX_UI_PORT": str(self.port),
            "SPACEX_VERSION": "test",
            "SPACEX_AUTOMATION": "false",
            "DOCKER_BUILDKIT": "1",
        }
        done = subprocess.run(
            ["docker", "compose", "--project-name", self.name, "--progress", "quiet", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def up(self) -> None:
        self.compose("up", "--detach", "--build", "--wait")

    def inside(self, service: str, script: str) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", service, "bash", "-c", script, check=False)

    def sql(self, role: str, statement: str) -> subprocess.CompletedProcess[str]:
        """As a role with its password over TCP, in the warehouse of the simulated world."""
        login = f"PGPASSWORD=$(cat /run/secrets/{role}_password) psql -h 127.0.0.1 -U spacex_{role}"
        return self.inside("postgres", f'{login} -d spacex_simulated -qAt -v ON_ERROR_STOP=1 -c "{statement}"')

    def inspect(self, service: str, template: str) -> str:
        container = self.compose("ps", "--all", "--quiet", service).stdout.strip()
        call = ["docker", "inspect", "--format", template, container]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    def kill(self, service: str) -> None:
        """As a crash does it; `docker kill` would count as the wish that it stays down."""
        os.kill(int(self.inspect(service, "{{.State.Pid}}")), signal.SIGKILL)

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
