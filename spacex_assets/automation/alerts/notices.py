"""A notice: what a destination is told at once, as text and as JSON.

Incidents of one kind that one run met are one notice, for they mostly have one cause. What does not belong here: how a
notice travels (``destinations.py``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from spacex_assets.automation.alerts.advice import ADVICE, Advice, place
from spacex_assets.load.incidents import Incident, Kind

SHOWN = 20
"""How many incidents of one notice are told in words."""
ERROR_SHOWN = 600
"""How many characters of an error are told."""


@dataclass(frozen=True)
class Links:
    """Where the UI and the runbook are."""

    ui: str
    runbook: str


@dataclass(frozen=True)
class Notice:
    """Incidents of one kind that began, or that are over."""

    kind: Kind
    over: bool
    incidents: tuple[Incident, ...]
    links: Links

    @property
    def advice(self) -> Advice:
        """What is said about this kind."""
        return ADVICE[self.kind]

    @property
    def title(self) -> str:
        """What happened to what, on one line."""
        names = [one.subject for one in self.incidents]
        rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"{'RECOVERED' if self.over else 'ALERT'}: {self.advice.title}: {', '.join(names[:SHOWN])}{rest}"

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join([self.title, *self._incidents(), *self._next()])

    @property
    def payload(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "event": "recovery" if self.over else "alert",
            "kind": self.kind.value,
            "title": self.title,
            "text": self.text,
            "next_step": self.advice.next_step,
            "runbook": self.runbook,
            "incidents": [
                {
                    "id": one.id,
                    "subject": one.subject,
                    "endpoint": one.endpoint,
                    "since": one.opened_at.isoformat(),
                    "until": one.closed_at.isoformat() if one.closed_at else None,
                    "runs": one.runs,
                    "run_id": one.run_id,
                    "last_error": one.last_error,
                    "link": self.links.ui + place(one),
                }
                for one in self.incidents
            ],
        }

    @property
    def runbook(self) -> str:
        """Where to read on."""
        return f"{self.links.runbook}#{self.advice.anchor}"

    def _incidents(self) -> Iterable[str]:
        for one in self.incidents[:SHOWN]:
            until = f" until {one.closed_at:%Y-%m-%d %H:%M:%S}" if one.closed_at and self.over else ""
            met = "ticks" if one.kind is Kind.AUTOMATION_FAILED else "runs"
            count = f", {one.runs} {met if one.runs != 1 else met[:-1]}" if one.run_id or met == "ticks" else ""
            yield f"\n{one.subject}: since {one.opened_at:%Y-%m-%d %H:%M:%S}{until} UTC{count}"
            error = " ".join(one.last_error.split())
            error = error if len(error) <= ERROR_SHOWN else f"{error[:ERROR_SHOWN]}…"
            yield f"  Last error: {error}" if self.over else f"  {error}"
            yield f"  {self.links.ui}{place(one)}"

    def _next(self) -> Iterable[str]:
        if not self.over:
            yield f"\nNext: {self.advice.next_step}"
            yield f"Runbook: {self.runbook}"


def notices(incidents: Iterable[Incident], links: Links, *, over: bool) -> list[Notice]:
    """One notice per kind and run; what is over, per kind."""
    order = [*Kind]

    def together(one: Incident) -> tuple[int, str]:
        return order.index(one.kind), "" if over else one.run_id or ""

    return [
        Notice(kind=order[index], over=over, incidents=tuple(group), links=links)
        for (index, _), group in groupby(sorted(incidents, key=together), key=together)
    ]
