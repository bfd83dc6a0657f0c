"""What an alert says about each kind of incident: its title, the next step, where in the runbook to read on.

What does not belong here: when there is an incident (``problems.py``).
"""

from dataclasses import dataclass

from spacex_assets.load.incidents import Incident, Kind


@dataclass(frozen=True)
class Advice:
    """``title`` heads the section of docs/runbook.md, which also has the next step word for word."""

    title: str
    next_step: str

    @property
    def anchor(self) -> str:
        """The section's anchor."""
        return self.title.lower().replace(" ", "-")


ADVICE = {
    Kind.NOT_LOADED: Advice(
        "Endpoint not loaded",
        "Read the error: if the source was unreachable or overloaded, the next run repairs it; if a check or a "
        "contract withheld it, compare the source with the error, then correct it or let it pass once.",
    ),
    Kind.RUN_FAILED: Advice(
        "Run failed",
        "Open the run, read the last error in its log, and launch it again once the cause is gone.",
    ),
    Kind.CHECK_FAILED: Advice(
        "Check failed",
        "Open the check and read what it found; the tables are loaded, so tell their readers what is in doubt.",
    ),
    Kind.STALE: Advice(
        "Data stale",
        "Look at the Automation page whether the schedule is on and the daemon is running, then launch a run.",
    ),
    Kind.AUTOMATION_FAILED: Advice(
        "Sensor or schedule failed",
        "Open it on the Automation page and read the error of its last tick.",
    ),
    Kind.DESTINATION_DEAD: Advice(
        "Destination dead",
        "Correct its URL in SPACEX_ALERTS or bring it back; what it was to be told is kept and sent then.",
    ),
}


def place(incident: Incident) -> str:
    """The path in the Dagster UI where an incident is looked at."""
    match incident.kind:
        case Kind.STALE:
            return f"/assets/spacex/{incident.endpoint}"
        case Kind.CHECK_FAILED:
            return f"/assets/{incident.subject.partition(' ')[0]}?view=checks"
        case Kind.AUTOMATION_FAILED:
            return "/automation"
        case Kind.NOT_LOADED | Kind.RUN_FAILED if incident.run_id is not None:
            return f"/runs/{incident.run_id}"
    return "/overview"
