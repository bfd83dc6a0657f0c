"""Misbehaviour on request, so that trouble can be rehearsed: the plan of which responses go wrong, and how."""

import threading
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from spacex_assets.endpoints.registry import ENDPOINTS


class Fault(BaseModel):
    """One kind of trouble. ``endpoint`` ``None``: all; ``times`` ``None``: for ever; ``seconds``: delay."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["status", "reset", "slow", "truncated", "html", "error", "body"]
    endpoint: str | None = None
    times: int | None = Field(1, ge=1)
    status: int = Field(503, ge=200, le=599)
    retry_after: str | None = None
    seconds: float = Field(0.0, ge=0)
    bytes_per_second: int | None = Field(None, ge=1)
    body: str = ""

    @field_validator("endpoint")
    @classmethod
    def _of_a_known_endpoint(cls, endpoint: str | None) -> str | None:
        if endpoint is not None and endpoint not in ENDPOINTS:
            raise ValueError(f"there is no endpoint {endpoint!r}; there are {', '.join(ENDPOINTS)}")
        return endpoint


@dataclass
class Faults:
    """The faults that are still to come."""

    planned: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, fault: Fault) -> None:
        """Plans a fault, after those that are planned already."""
        with self._lock:
            self.planned.append(fault)

    def clear(self) -> None:
        """Ends all trouble."""
        with self._lock:
            self.planned.clear()

    def next(self, endpoint: str) -> Fault | None:
        """The fault of the next response of an endpoint."""
        with self._lock:
            for index, fault in enumerate(self.planned):
                if fault.endpoint in (None, endpoint):
                    if fault.times is None:
                        return fault
                    if fault.times > 1:
                        self.planned[index] = fault.model_copy(update={"times": fault.times - 1})
                    else:
                        del self.planned[index]
                    return fault
        return None
