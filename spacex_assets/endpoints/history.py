"""Milestones of the company (``/v4/history``)."""

from spacex_assets.endpoints.base import Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Id, Instant, Text


class HistoryLinks(Record):
    """Where to read more."""

    article: Text | None = optional("Address of an article.")


class Milestone(Record):
    """A milestone in the company's history."""

    id: Id = required("The milestone's id.")
    title: Text | None = optional("What was reached.")
    event_date_utc: Instant | None = optional("When it was reached; two milestones may share an instant.")
    event_date_unix: BigCount | None = optional("The same instant, counted since 1970.", unit="s")
    details: Text | None = optional("What happened.")
    links: HistoryLinks


history = Endpoint("history", "history", "/v4/history", Milestone, mark=("title",))
