"""Types of Dragon (``/v4/dragons``) with their thrusters; the single vehicles are ``capsules``."""

from typing import Annotated

from spacex_assets.endpoints.base import Children, Endpoint, OneOf, Record, optional, required
from spacex_assets.endpoints.kinds import CalendarDate, Count, FilledText, Flag, Id, Measure, Text, Texts
from spacex_assets.endpoints.promises import NOT_NEGATIVE, UNIQUE


class HeatShield(Record):
    """The heat shield."""

    material: FilledText = required("Material of the heat shield.")
    size_meters: Measure = required("Diameter of the heat shield.", unit="m")
    temp_degrees: Measure | None = optional("Temperature that it withstands; the source states no scale.")
    dev_partner: Text | None = optional("Who developed it with the company.")


class Thrust(Record):
    """A force in two units."""

    kn: Measure | None = optional(unit="kN", alias="kN")
    lbf: Measure | None = optional(unit="lbf")


class Thruster(Record):
    """A kind of thruster of a type of Dragon."""

    type: Annotated[Text, OneOf("Draco", "SuperDraco")] | None = optional("Name of the thruster.")
    amount: Count | None = optional("How many there are.")
    pods: Count | None = optional("How many pods they are in.")
    fuel_1: Text | None = optional("First propellant.")
    fuel_2: Text | None = optional("Second propellant.")
    isp: Measure | None = optional("Specific impulse of one thruster.", unit="s")
    thrust: Thrust = required("Thrust of one thruster.")


class Mass(Record):
    """A mass in two units."""

    kg: Measure | None = optional(unit="kg")
    lb: Measure | None = optional(unit="lb")


class Volume(Record):
    """A volume in two units."""

    cubic_meters: Measure | None = optional(unit="m3")
    cubic_feet: Measure | None = optional(unit="ft3")


class Length(Record):
    """A length in two units."""

    meters: Measure | None = optional(unit="m")
    feet: Measure | None = optional(unit="ft")


class PressurizedCapsule(Record):
    """The pressurized part."""

    payload_volume: Volume = required("Volume of the pressurized part.")


class Cargo(Record):
    """What the trunk holds."""

    solar_array: Count | None = optional("Number of solar arrays.")
    unpressurized_cargo: Flag | None = optional("Whether it takes unpressurized cargo.")


class Trunk(Record):
    """The trunk below the capsule."""

    trunk_volume: Volume = required("Volume of the trunk.")
    cargo: Cargo


class Dragon(Record):
    """A type of Dragon."""

    id: Id = required("The id of the type.")
    name: Annotated[FilledText, UNIQUE] = required("Name of the type.")
    type: Annotated[FilledText, OneOf("capsule")] = required("Kind of vehicle.")
    active: Flag = required("Whether the type is in use.")
    crew_capacity: Annotated[Count, NOT_NEGATIVE] = required("People that fit in.")
    sidewall_angle_deg: Measure = required("Angle of the side wall.", unit="degrees")
    orbit_duration_yr: Measure = required("Time that it can stay in orbit.", unit="years")
    dry_mass_kg: Measure = required("Mass without propellant.", unit="kg")
    dry_mass_lb: Measure = required("Mass without propellant.", unit="lb")
    first_flight: CalendarDate | None = optional("Day of the first flight.")
    heat_shield: HeatShield
    thrusters: Annotated[list[Thruster], Children("dragon_thrusters")] | None = optional("Its thrusters.")
    launch_payload_mass: Mass = required("Mass of the payload that it can take up.")
    launch_payload_vol: Volume = required("Volume of the payload that it can take up.")
    return_payload_mass: Mass = required("Mass of the payload that it can bring back.")
    return_payload_vol: Volume = required("Volume of the payload that it can bring back.")
    pressurized_capsule: PressurizedCapsule
    trunk: Trunk
    height_w_trunk: Length = required("Height of the capsule with its trunk.")
    diameter: Length = required("Diameter of the capsule.")
    flickr_images: Texts | None = optional("Addresses of photographs.")
    wikipedia: Text | None = optional("Address of the Wikipedia article.")
    description: Text | None = optional("What it is.")


dragons = Endpoint("dragons", "dragon", "/v4/dragons", Dragon, mark=("name",))
