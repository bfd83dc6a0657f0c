"""Which endpoint a step of the graph is about, by the step's key."""

import re

_LAYER = re.compile(r"^(raw__|typed_|guard_|spacex_|check_)")


def endpoint_of_step(step_key: str) -> str:
    """The endpoint; the key itself for a step of none."""
    return _LAYER.sub("", step_key)
