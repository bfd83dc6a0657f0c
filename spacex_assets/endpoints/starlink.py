"""Starlink satellites and their orbits (``/v4/starlink``); the orbits are CCSDS orbit mean-elements messages (OMM)."""

from typing import Annotated

from spacex_assets.endpoints.base import VOLATILE, Endpoint, OneOf, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import BigCount, Bit, CalendarDate, Count, Id, Measure, Text, UtcInstant
from spacex_assets.endpoints.promises import ECCENTRICITY, HALF_TURN, LATITUDE, LONGITUDE, NOT_NEGATIVE, TURN, UNIQUE

Moving = Annotated[Measure, VOLATILE]


class SpaceTrack(Record):
    """The satellite's entry in the catalogue of space-track.org."""

    ccsds_omm_vers: Annotated[Text, OneOf("2.0")] | None = optional(
        "Version of the message format.", alias="CCSDS_OMM_VERS"
    )
    comment: Text | None = optional("Where the message came from.", alias="COMMENT")
    creation_date: Annotated[UtcInstant, VOLATILE] | None = optional(
        "When the message was made, in UTC.", alias="CREATION_DATE"
    )
    originator: Text | None = optional("Who made the message.", alias="ORIGINATOR")
    object_name: Annotated[Text, UNIQUE] | None = optional("Name of the satellite.", alias="OBJECT_NAME")
    object_id: Text | None = optional(
        "International designator: year, number of the launch in it, piece.", alias="OBJECT_ID"
    )
    center_name: Annotated[Text, OneOf("EARTH")] | None = optional("What it orbits.", alias="CENTER_NAME")
    ref_frame: Annotated[Text, OneOf("TEME")] | None = optional("Reference frame of the elements.", alias="REF_FRAME")
    time_system: Annotated[Text, OneOf("UTC")] | None = optional("Time system of the message.", alias="TIME_SYSTEM")
    mean_element_theory: Annotated[Text, OneOf("SGP4")] | None = optional(
        "Theory that the elements are for.", alias="MEAN_ELEMENT_THEORY"
    )
    epoch: Annotated[UtcInstant, VOLATILE] | None = optional(
        "The instant, in UTC, at which the orbital elements hold; not that of latitude and longitude.", alias="EPOCH"
    )
    mean_motion: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Mean motion.", unit="revolutions per day", alias="MEAN_MOTION"
    )
    eccentricity: Annotated[Moving, ECCENTRICITY] | None = optional("Eccentricity.", alias="ECCENTRICITY")
    inclination: Annotated[Moving, HALF_TURN] | None = optional("Inclination.", unit="degrees", alias="INCLINATION")
    ra_of_asc_node: Annotated[Moving, TURN] | None = optional(
        "Right ascension of the ascending node.", unit="degrees", alias="RA_OF_ASC_NODE"
    )
    arg_of_pericenter: Annotated[Moving, TURN] | None = optional(
        "Argument of pericenter.", unit="degrees", alias="ARG_OF_PERICENTER"
    )
    mean_anomaly: Annotated[Moving, TURN] | None = optional("Mean anomaly.", unit="degrees", alias="MEAN_ANOMALY")
    ephemeris_type: Count | None = optional("Type of ephemeris.", alias="EPHEMERIS_TYPE")
    classification_type: Annotated[Text, OneOf("U")] | None = optional(
        "Classification; U is unclassified.", alias="CLASSIFICATION_TYPE"
    )
    norad_cat_id: Annotated[BigCount, UNIQUE] | None = optional("Catalogue number; unique.", alias="NORAD_CAT_ID")
    element_set_no: Annotated[Count, VOLATILE] | None = optional("Number of the element set.", alias="ELEMENT_SET_NO")
    rev_at_epoch: Annotated[Count, VOLATILE] | None = optional("Revolutions up to the epoch.", alias="REV_AT_EPOCH")
    bstar: Moving | None = optional("Drag term.", unit="per earth radius", alias="BSTAR")
    mean_motion_dot: Moving | None = optional(
        "First derivative of the mean motion, halved as in two-line elements.",
        unit="revolutions per day2",
        alias="MEAN_MOTION_DOT",
    )
    mean_motion_ddot: Moving | None = optional(
        "Second derivative of the mean motion, divided by six as in two-line elements.",
        unit="revolutions per day3",
        alias="MEAN_MOTION_DDOT",
    )
    semimajor_axis: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Semi-major axis.", unit="km", alias="SEMIMAJOR_AXIS"
    )
    period: Annotated[Moving, NOT_NEGATIVE] | None = optional("Time of one revolution.", unit="minutes", alias="PERIOD")
    apoapsis: Moving | None = optional("Height of the orbit's highest point.", unit="km", alias="APOAPSIS")
    periapsis: Moving | None = optional("Height of the orbit's lowest point.", unit="km", alias="PERIAPSIS")
    object_type: Annotated[Text, OneOf("PAYLOAD")] | None = optional("Kind of object.", alias="OBJECT_TYPE")
    rcs_size: Annotated[Text, OneOf("SMALL", "MEDIUM", "LARGE")] | None = optional(
        "Class of the radar cross-section: SMALL, MEDIUM or LARGE.", alias="RCS_SIZE"
    )
    country_code: Annotated[Text, OneOf("US")] | None = optional("Owner's country.", alias="COUNTRY_CODE")
    launch_date: CalendarDate | None = optional("Day of the launch, in UTC.", alias="LAUNCH_DATE")
    site: Annotated[Text, OneOf("AFETR", "AFWTR")] | None = optional(
        "Code of the launch site: AFETR (Cape Canaveral) or AFWTR (Vandenberg).", alias="SITE"
    )
    decay_date: CalendarDate | None = optional("Day on which it re-entered.", alias="DECAY_DATE")
    decayed: Bit | None = optional("Whether it has re-entered.", alias="DECAYED")
    file: Annotated[BigCount, VOLATILE] | None = optional("Number of the file with the elements.", alias="FILE")
    gp_id: Annotated[BigCount, VOLATILE] | None = optional("Number of the element set in the catalogue.", alias="GP_ID")
    tle_line0: Text | None = optional("Name line of the two-line elements.", alias="TLE_LINE0")
    tle_line1: Annotated[Text, VOLATILE] | None = optional(
        "First line of the two-line elements; holds the epoch as year and day, less exactly than the epoch column.",
        alias="TLE_LINE1",
    )
    tle_line2: Annotated[Text, VOLATILE] | None = optional("Second line of the two-line elements.", alias="TLE_LINE2")


class Satellite(Record):
    """A Starlink satellite."""

    id: Id = required("The satellite's id.")
    version: Annotated[Text, OneOf("prototype", "v0.9", "v1.0", "v1.5")] | None = optional(
        "Version of the satellite: prototype, v0.9, v1.0 or v1.5; the source takes it from the mission or its date."
    )
    launch: Annotated[Id, Ref("launches")] | None = optional(
        "The launch, matched by the source: the first of the same day in UTC."
    )
    longitude: Annotated[Moving, LONGITUDE] | None = optional(
        "Longitude, east is positive, when the source last computed it; null once decayed.", unit="degrees"
    )
    latitude: Annotated[Moving, LATITUDE] | None = optional(
        "Latitude, north is positive, when the source last computed it; null once decayed.", unit="degrees"
    )
    height_km: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Height when the source last computed it; null once decayed.", unit="km"
    )
    velocity_kms: Annotated[Moving, NOT_NEGATIVE] | None = optional(
        "Speed when the source last computed it; null once decayed.", unit="km/s"
    )
    space_track: SpaceTrack = required("The catalogue entry.", alias="spaceTrack")


starlink = Endpoint("starlink", "starlink", "/v4/starlink", Satellite, mark=("spaceTrack", "COMMENT"))
