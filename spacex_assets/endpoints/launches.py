"""Launches, past and planned (``/v5/launches``), with their cores, crews, failures, payloads, ships and capsules."""

from typing import Annotated

from spacex_assets.endpoints.base import Bridge, Children, Endpoint, OneOf, Record, Ref, optional, required
from spacex_assets.endpoints.kinds import BigCount, Count, FilledText, Flag, Id, Instant, LocalInstant, Text, Texts
from spacex_assets.endpoints.promises import NOT_NEGATIVE, POSITIVE, UNIQUE


class Fairings(Record):
    """The two halves of the payload fairing; null for capsule missions."""

    reused: Flag | None = optional("Whether the fairing had flown before.")
    recovery_attempt: Flag | None = optional("Whether its recovery was attempted.")
    recovered: Flag | None = optional("Whether it was recovered.")
    ships: Annotated[list[Id], Bridge("ships", table="launch_fairing_ships", column="ship_id")] | None = optional(
        "Ships that were to recover the fairing."
    )


class Failure(Record):
    """What went wrong at a launch that failed."""

    time: Count | None = optional("Time after lift-off; negative before it.", unit="s")
    altitude: Annotated[Count, NOT_NEGATIVE] | None = optional("Altitude at the failure.", unit="km")
    reason: Text | None = optional("What failed.")


class CrewMember(Record):
    """A person aboard a launch."""

    crew: Annotated[Id, Ref("crew")] | None = optional("The person.")
    role: Text | None = optional("The person's role aboard.")


class Core(Record):
    """A first-stage core that flew on a launch, or is assigned to it."""

    core: Annotated[Id, Ref("cores")] | None = optional("The core; null while it is not assigned.")
    flight: Annotated[Count, POSITIVE] | None = optional("Which flight of the core this was, from 1.")
    gridfins: Flag | None = optional("Whether the core had grid fins.")
    legs: Flag | None = optional("Whether the core had landing legs.")
    reused: Flag | None = optional("Whether the core had flown before.")
    landing_attempt: Flag | None = optional("Whether a landing was attempted.")
    landing_success: Flag | None = optional(
        "Whether the core landed; null if not attempted or unknown, also when it was lost before the landing."
    )
    landing_type: Annotated[Text, OneOf("ASDS", "RTLS", "Ocean")] | None = optional(
        "ASDS (drone ship), RTLS (return to launch site) or Ocean."
    )
    landpad: Annotated[Id, Ref("landpads")] | None = optional("Where it landed or was to land; null for Ocean.")


class Patch(Record):
    """Mission patch images."""

    small: Text | None = optional("Address of the small patch image.")
    large: Text | None = optional("Address of the large patch image.")


class Reddit(Record):
    """Threads about the launch."""

    campaign: Text | None = optional("Address of the campaign thread.")
    launch: Text | None = optional("Address of the launch thread.")
    media: Text | None = optional("Address of the media thread.")
    recovery: Text | None = optional("Address of the recovery thread.")


class Flickr(Record):
    """Photographs."""

    small: Texts | None = optional("Addresses of small photographs; always empty so far.")
    original: Texts | None = optional("Addresses of photographs in original size.")


class Links(Record):
    """Where to read and see more."""

    patch: Patch
    reddit: Reddit
    flickr: Flickr
    presskit: Text | None = optional("Address of the press kit.")
    webcast: Text | None = optional("Address of the webcast.")
    youtube_id: Text | None = optional("The webcast's id at YouTube.")
    article: Text | None = optional("Address of an article.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")


class Launch(Record):
    """A launch, past or planned."""

    id: Id = required("The launch's id.")
    flight_number: Annotated[Count, POSITIVE] = required(
        "Number in the sequence of launches; not unique among upcoming ones, and with gaps."
    )
    name: Annotated[FilledText, UNIQUE] = required("Name of the mission; unique.")
    date_utc: Instant = required(
        "When it launched or is to launch, the date to rely on; whatever is finer than date_precision is filler."
    )
    date_unix: BigCount = required(
        "The date as the source counts it since 1970; known to disagree with date_utc.", unit="s"
    )
    date_local: LocalInstant = required(
        "The date as the source gives it in local time; known to disagree with date_utc."
    )
    date_precision: Annotated[FilledText, OneOf("half", "quarter", "year", "month", "day", "hour")] = required(
        "How exact the date is: half, quarter, year, month, day or hour."
    )
    static_fire_date_utc: Instant | None = optional("When the static fire test was.")
    static_fire_date_unix: BigCount | None = optional(
        "The static fire date, counted since 1970; known to disagree with it.", unit="s"
    )
    tbd: Flag | None = optional("Whether the date is still to be determined.")
    net: Flag | None = optional("Whether the date means 'no earlier than'.")
    window: Annotated[Count, NOT_NEGATIVE] | None = optional(
        "Length of the launch window; 0 for a single instant.", unit="s"
    )
    rocket: Annotated[Id, Ref("rockets")] | None = optional("The type of rocket.")
    success: Flag | None = optional(
        "Whether the launch succeeded; null while upcoming, and for a past launch that the source left open."
    )
    failures: Annotated[list[Failure], Children("launch_failures")] | None = optional("What went wrong.")
    upcoming: Flag = required(
        "Whether the source counts the launch as upcoming; stale since 2022, when the source was frozen."
    )
    details: Text | None = optional("What the launch was about.")
    fairings: Fairings | None = optional("The payload fairing.")
    crew: Annotated[list[CrewMember], Children("launch_crew")] | None = optional("The people aboard.")
    ships: Annotated[list[Id], Bridge("ships", table="launch_ships", column="ship_id")] | None = optional(
        "Ships that supported a launch."
    )
    capsules: Annotated[list[Id], Bridge("capsules", table="launch_capsules", column="capsule_id")] | None = optional(
        "Capsules that flew on a launch."
    )
    payloads: Annotated[list[Id], Bridge("payloads", table="launch_payloads", column="payload_id")] | None = optional(
        "Payloads that a launch carried; this side of the link is the authoritative one."
    )
    launchpad: Annotated[Id, Ref("launchpads")] | None = optional("Where it launched or is to launch.")
    cores: Annotated[list[Core], Children("launch_cores")] | None = optional("The first-stage cores.")
    links: Links
    auto_update: Flag | None = optional("Whether the source updates the launch by itself.")
    launch_library_id: Text | None = optional("The launch's id in The Space Devs' Launch Library.")


launches = Endpoint("launches", "launch", "/v5/launches", Launch, mark=("name",))
