"""Types of rocket (``/v4/rockets``) with what each can carry where."""

from typing import Annotated

from spacex_assets.endpoints.base import Children, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.dragons import Length, Mass, Thrust
from spacex_assets.endpoints.kinds import BigCount, CalendarDate, Count, Flag, Id, Measure, Text, Texts
from spacex_assets.endpoints.promises import NOT_NEGATIVE, PERCENT, UNIQUE


class PayloadWeight(Record):
    """What a type of rocket can carry to an orbit."""

    id: Annotated[Text, OneOf("leo", "gto", "mars", "moon", "pluto")] | None = optional(
        "Short name of the orbit, for example leo or gto."
    )
    name: Text | None = optional("Name of the orbit.")
    kg: Measure | None = optional("Mass that it can carry there.", unit="kg")
    lb: Measure | None = optional("Mass that it can carry there.", unit="lb")


class FirstStage(Record):
    """The first stage."""

    reusable: Flag | None = optional("Whether the stage is reusable.")
    engines: Count | None = optional("Number of engines.")
    fuel_amount_tons: Measure | None = optional("Mass of the propellant.", unit="t")
    burn_time_sec: Measure | None = optional("Time of burning.", unit="s")
    thrust_sea_level: Thrust = required("Thrust of all engines of the stage together, at sea level.")
    thrust_vacuum: Thrust = required("Thrust of all engines of the stage together, in vacuum.")


class CompositeFairing(Record):
    """The payload fairing."""

    height: Length = required("Height of the payload fairing.")
    diameter: Length = required("Diameter of the payload fairing.")


class StagePayloads(Record):
    """What the second stage carries."""

    option_1: Text | None = optional("Kind of payload.")
    composite_fairing: CompositeFairing


class SecondStage(Record):
    """The second stage."""

    reusable: Flag | None = optional("Whether the stage is reusable.")
    engines: Count | None = optional("Number of engines.")
    fuel_amount_tons: Measure | None = optional("Mass of the propellant.", unit="t")
    burn_time_sec: Measure | None = optional("Time of burning.", unit="s")
    thrust: Thrust = required("Thrust of the second stage.")
    payloads: StagePayloads


class SpecificImpulse(Record):
    """The specific impulse of the engines."""

    sea_level: Measure | None = optional("Specific impulse at sea level.", unit="s")
    vacuum: Measure | None = optional("Specific impulse in vacuum.", unit="s")


class Engines(Record):
    """The engines of the first stage."""

    number: Count | None = optional("Number of engines.")
    type: Text | None = optional("Name of the engine.")
    version: Text | None = optional("Version of the engine.")
    layout: Text | None = optional("How the engines are arranged.")
    isp: SpecificImpulse
    engine_loss_max: Count | None = optional("Engines that may fail without loss of the mission.")
    propellant_1: Text | None = optional("Oxidizer.")
    propellant_2: Text | None = optional("Fuel.")
    thrust_sea_level: Thrust = required("Thrust of one engine at sea level.")
    thrust_vacuum: Thrust = required("Thrust of one engine in vacuum.")
    thrust_to_weight: Measure | None = optional("Thrust of one engine over its weight.")


class LandingLegs(Record):
    """The landing legs."""

    number: Count | None = optional("Number of landing legs.")
    material: Text | None = optional("Material of the landing legs.")


class Rocket(Record):
    """A type of rocket."""

    id: Id = required("The id of the type.")
    name: Annotated[Text, UNIQUE] | None = optional("Name of the type.")
    type: Annotated[Text, OneOf("rocket")] | None = optional("Kind of vehicle.")
    active: Flag | None = optional("Whether the type is in use.")
    stages: Count | None = optional("Number of stages.")
    boosters: Count | None = optional("Number of side boosters.")
    cost_per_launch: Annotated[BigCount, NOT_NEGATIVE] | None = optional(
        "Price of a launch, as the source lists it.", unit="USD"
    )
    success_rate_pct: Annotated[Measure, PERCENT] | None = optional(
        "Share of launches that succeeded, as the source counts past launches.", unit="percent"
    )
    first_flight: CalendarDate | None = optional("Day of the first flight; fictional for Starship.")
    country: Text | None = optional("Country of origin.")
    company: Text | None = optional("Maker.")
    height: Length = required("Height.")
    diameter: Length = required("Diameter.")
    mass: Mass = required("Mass at lift-off.")
    payload_weights: Annotated[list[PayloadWeight], Children("rocket_payload_weights")] | None = optional(
        "What it can carry where."
    )
    first_stage: FirstStage
    second_stage: SecondStage
    engines: Engines
    landing_legs: LandingLegs
    flickr_images: Texts | None = optional("Addresses of photographs.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    description: Text | None = optional("What it is.")


rockets = Endpoint("rockets", "rocket", "/v4/rockets", Rocket, mark=("name",))
