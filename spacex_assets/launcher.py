"""Dagster's default launcher, which can also say whether a run still has a process: named by dagster.yaml.

The daemon asks every ``run_monitoring.poll_interval_seconds``, and ends a run whose process is gone. A run is executed
by a process of a code server, which is asked, or by a command such as `make run`, whose process says who it is in a tag
of the run. What does not belong here: what becomes of a run that was ended (``run_retries`` in dagster.yaml).
"""

import json
import time
from typing import Any

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import deserialize_value

from spacex_assets.processes import lives

PROCESS_TAG = "spacex/process"
"""The tag of a run with the process that executes it."""
ANSWER_SECONDS = 5
UNREACHABLE_SECONDS = 45.0
"""How long a code server may give no answer, as it does while it is restarted, before its runs count as dead."""


class WatchfulRunLauncher(DefaultRunLauncher):
    """Launches runs as the default one does, and knows whether they live."""

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._unreachable_since: dict[str, float] = {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes, which is what makes the daemon ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """RUNNING also while nobody can tell: the daemon ends every other run at once."""
        executes = self._executes(run)
        process = lives(run.tags[PROCESS_TAG]) if PROCESS_TAG in run.tags else None
        if executes or process:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        if executes is False:
            return CheckRunHealthResult(WorkerStatus.FAILED, "its code server does not execute it any more")
        if process is False:
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its process is gone: {run.tags[PROCESS_TAG]}")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def _executes(self, run: DagsterRun) -> bool | None:
        """Whether the run's code server executes it; ``None``: it has none, or gave no answer for a short while."""
        from dagster._grpc.client import DagsterGrpcClient
        from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult

        if GRPC_INFO_TAG not in run.tags:
            return None
        where = json.loads(run.tags[GRPC_INFO_TAG])
        client = DagsterGrpcClient(
            port=where.get("port"),
            socket=where.get("socket"),
            host=where.get("host"),
            use_ssl=bool(where.get("use_ssl")),
        )
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), ANSWER_SECONDS)
        except DagsterUserCodeUnreachableError:
            since = self._unreachable_since.setdefault(run.run_id, time.monotonic())
            return False if time.monotonic() - since > UNREACHABLE_SECONDS else None
        self._unreachable_since.pop(run.run_id, None)
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel
