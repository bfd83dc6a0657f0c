"""The company itself, a single object (``/v4/company``)."""

from typing import Annotated

from spacex_assets.endpoints.base import Endpoint, Record, optional, required
from spacex_assets.endpoints.kinds import BigCount, Count, Id, Text
from spacex_assets.endpoints.promises import NOT_NEGATIVE, YEAR


class Headquarters(Record):
    """Where the company sits."""

    address: Text | None = optional("Street.")
    city: Text | None = optional("City.")
    state: Text | None = optional("State.")


class CompanyLinks(Record):
    """Where the company presents itself."""

    website: Text | None = optional("Address of the website.")
    flickr: Text | None = optional("Address of the photographs.")
    twitter: Text | None = optional("Address of the company's Twitter account.")
    elon_twitter: Text | None = optional("Address of the founder's Twitter account.")


class Company(Record):
    """The company; one row."""

    id: Id = required("The company's id.")
    name: Text | None = optional("Name.")
    founder: Text | None = optional("Founder.")
    founded: Annotated[Count, YEAR] | None = optional("Year of foundation.")
    employees: Annotated[Count, NOT_NEGATIVE] | None = optional("Number of employees.")
    vehicles: Annotated[Count, NOT_NEGATIVE] | None = optional("Number of vehicle types.")
    launch_sites: Annotated[Count, NOT_NEGATIVE] | None = optional("Number of launch sites.")
    test_sites: Annotated[Count, NOT_NEGATIVE] | None = optional("Number of test sites.")
    ceo: Text | None = optional("Chief executive officer.")
    cto: Text | None = optional("Chief technology officer.")
    coo: Text | None = optional("Chief operating officer.")
    cto_propulsion: Text | None = optional("Chief technology officer for propulsion.")
    valuation: BigCount | None = optional("Estimated value.", unit="USD")
    headquarters: Headquarters
    links: CompanyLinks
    summary: Text | None = optional("What the company does.")


company = Endpoint("company", "company", "/v4/company", Company, mark=("name",), single=True)
