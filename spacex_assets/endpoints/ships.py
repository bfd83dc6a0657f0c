"""Ships that tow, catch and support (``/v4/ships``)."""

from typing import Annotated

from spacex_assets.endpoints.base import VOLATILE, BackRefs, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Count, FilledText, Flag, Id, Ids, Instant, Measure, Text, Texts
from spacex_assets.endpoints.promises import FLOWN, LATITUDE, LONGITUDE, NOT_NEGATIVE, TURN, UNIQUE, YEAR, Mirrors


class Ship(Record):
    """A ship."""

    id: Id = required("The ship's id.")
    name: Annotated[FilledText, UNIQUE] = required("Name.")
    legacy_id: Text | None = optional("Id in earlier versions of the API.")
    model: Text | None = optional("Model.")
    type: Annotated[Text, OneOf("Barge", "Cargo", "High Speed Craft", "Tug")] | None = optional("Kind of ship.")
    roles: Texts | None = optional("What it is used for, for example Support Ship or ASDS Tug.")
    active: Flag = required("Whether it is in use.")
    imo: BigCount | None = optional("Number of the International Maritime Organization.")
    mmsi: BigCount | None = optional("Maritime mobile service identity.")
    abs: BigCount | None = optional("Number of the American Bureau of Shipping.")
    class_: BigCount | None = optional("Class number.", alias="class")
    mass_kg: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass.", unit="kg")
    mass_lbs: Annotated[Measure, NOT_NEGATIVE] | None = optional("Mass.", unit="lb")
    year_built: Annotated[Count, YEAR] | None = optional("Year in which it was built.")
    home_port: Text | None = optional("Home port.")
    status: Text | None = optional(
        "What it is doing; the source has only null or an empty text, which is stored as null."
    )
    speed_kn: Annotated[Measure, VOLATILE, NOT_NEGATIVE] | None = optional(
        "Speed when its position was last received.", unit="knots"
    )
    course_deg: Annotated[Measure, VOLATILE, TURN] | None = optional(
        "Course when its position was last received.", unit="degrees"
    )
    latitude: Annotated[Measure, VOLATILE, LATITUDE] | None = optional("Latitude, north is positive.", unit="degrees")
    longitude: Annotated[Measure, VOLATILE, LONGITUDE] | None = optional("Longitude, east is positive.", unit="degrees")
    last_ais_update: Annotated[Instant, VOLATILE] | None = optional("When its position was last received.")
    link: Text | None = optional("Address of a page about it.")
    image: Text | None = optional("Address of a picture.")
    launches: (
        Annotated[Ids, BackRefs("launches", column="launch_ids"), Mirrors("launch_ships", "ship_id", among=FLOWN)]
        | None
    ) = optional("Launches it supported, as the source derives them from past launches.")


ships = Endpoint("ships", "ship", "/v4/ships", Ship, mark=("name",))
