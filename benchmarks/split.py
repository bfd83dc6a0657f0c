"""Where the time of a run goes: `python -m benchmarks.split`, in the environment of `make shell`."""

import time
from typing import Any

began = time.perf_counter()

import dagster as dg  # noqa: E402

from spacex_assets.config import Settings  # noqa: E402
from spacex_assets.definitions import build_defs  # noqa: E402

LAYERS = {"raw__": "extract", "typed_": "transform", "spacex_": "load", "guard_": "checks", "check_": "checks"}


class Timed:
    """A method of which the seconds inside it are counted, nested calls once."""

    def __init__(self, method: Any) -> None:
        self.method, self.seconds, self.depth = method, 0.0, 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.depth += 1
        began = time.perf_counter()
        try:
            return self.method(*arguments, **named)
        finally:
            self.depth -= 1
            if not self.depth:
                self.seconds += time.perf_counter() - began


def main() -> None:
    job = build_defs(Settings()).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        events = Timed(instance.handle_new_event)
        instance.handle_new_event = events  # type: ignore[method-assign]
        start = time.perf_counter() - began
        result = job.execute_in_process(instance=instance, run_config={"loggers": {"progress": {}}})
        whole = time.perf_counter() - began
    parts = dict.fromkeys(LAYERS.values(), 0.0)
    for event in result.all_events:
        if event.is_step_success:
            layer = next(name for prefix, name in LAYERS.items() if (event.step_key or "").startswith(prefix))
            parts[layer] += event.step_success_data.duration_ms / 1000
    steps = sum(parts.values())
    print(
        f"start and imports {start:.2f} s, the run {whole - start:.2f} s, of it recording events {events.seconds:.2f} s"
    )
    print(f"steps {steps:.2f} s, events included: " + ", ".join(f"{name} {took:.2f} s" for name, took in parts.items()))


if __name__ == "__main__":
    main()
