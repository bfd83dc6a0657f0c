"""Ships that tow, catch and support (``/v4/ships``)."""

from typing import Annotated

from spacex_assets.endpoints.base import VOLATILE, BackRefs, Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Count, FilledText, Flag, Id, Ids, Instant, Measure, Text, Texts


class Ship(Record):
    """A ship."""

    id: Id = required("The ship's id.")
    name: FilledText = required("Name.")
    legacy_id: Text | None = optional("Id in earlier versions of the API.")
    model: Text | None = optional("Model.")
    type: Text | None = optional("Kind of ship.")
    roles: Texts | None = optional("What it is used for, for example Support Ship or ASDS Tug.")
    active: Flag = required("Whether it is in use.")
    imo: BigCount | None = optional("Number of the International Maritime Organization.")
    mmsi: BigCount | None = optional("Maritime mobile service identity.")
    abs: BigCount | None = optional("Number of the American Bureau of Shipping.")
    class_: BigCount | None = optional("Class number.", alias="class")
    mass_kg: Measure | None = optional("Mass.", unit="kg")
    mass_lbs: Measure | None = optional("Mass.", unit="lb")
    year_built: Count | None = optional("Year in which it was built.")
    home_port: Text | None = optional("Home port.")
    status: Text | None = optional(
        "What it is doing; the source has only null or an empty text, which is stored as null."
    )
    speed_kn: Annotated[Measure, VOLATILE] | None = optional("Speed when its position was last received.", unit="knots")
    course_deg: Annotated[Measure, VOLATILE] | None = optional(
        "Course when its position was last received.", unit="degrees"
    )
    latitude: Annotated[Measure, VOLATILE] | None = optional("Latitude, north is positive.", unit="degrees")
    longitude: Annotated[Measure, VOLATILE] | None = optional("Longitude, east is positive.", unit="degrees")
    last_ais_update: Annotated[Instant, VOLATILE] | None = optional("When its position was last received.")
    link: Text | None = optional("Address of a page about it.")
    image: Text | None = optional("Address of a picture.")
    launches: Annotated[Ids, BackRefs("launches", column="launch_ids")] | None = optional(
        "Launches it supported, as the source derives them from past launches."
    )


ships = Endpoint("ships", "ship", "/v4/ships", Ship, mark=("name",))
