"""Where the steps of a run are executed, by one setting: in its process, in processes of their own, or in pods.

All state that steps share is in the lake, the warehouse and Dagster's storage, so the choice changes no result.
"""

import dagster as dg

from spacex_assets.config import Executor
from spacex_assets.errors import PlatformError


class ExecutorMissing(PlatformError):
    """The executor that SPACEX_EXECUTOR names is not installed."""


def executor(kind: Executor) -> dg.ExecutorDefinition:
    """The executor of all asset jobs. Raises :class:`ExecutorMissing`."""
    match kind:
        case Executor.IN_PROCESS:
            return dg.in_process_executor
        case Executor.MULTIPROCESS:
            # Dagster lets the server from which steps are forked import this package once, for all of them.
            return dg.multiprocess_executor.configured({"start_method": {"forkserver": {}}})
        case Executor.K8S:
            try:
                from dagster_k8s import k8s_job_executor
            except ImportError as error:
                raise ExecutorMissing(
                    f"SPACEX_EXECUTOR=k8s: expected dagster-k8s to be installed, but: {error}. Use the image of "
                    f"deploy/kubernetes, install spacex-assets[kubernetes], or set in_process or multiprocess."
                ) from error
            configured: dg.ExecutorDefinition = k8s_job_executor
            return configured
