"""People who flew on Dragon (``/v4/crew``)."""

from typing import Annotated

from spacex_assets.endpoints.base import BackRefs, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import FilledText, Id, Ids, Text
from spacex_assets.endpoints.promises import FLOWN, Mirrors


class Person(Record):
    """A person who flew on Dragon."""

    id: Id = required("The person's id.")
    name: Text | None = optional("Name.")
    status: Annotated[FilledText, OneOf("active", "inactive", "retired", "unknown")] = required(
        "State: active, inactive, retired or unknown."
    )
    agency: Text | None = optional("The agency or company that the person flies for.")
    image: Text | None = optional("Address of a portrait.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launch_crew", "crew_id", among=FLOWN)] | None
    ) = optional("Launches the person was aboard, as the source derives them from past launches.")


crew = Endpoint("crew", "crew", "/v4/crew", Person, mark=("name",))
