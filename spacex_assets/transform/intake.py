"""What became of the documents of one snapshot: accepted, quarantined or collapsed; nothing else can happen to one.

And what they look like, for what drifts is told from that.
Data only, so that it can be stored beside the typed frames and be reconciled later. What does not belong here: how a
document is judged (``parse.py``, ``typed.py``).
"""

import re

from pydantic import BaseModel, ConfigDict

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.kinds import HEX_24
from spacex_assets.transform.profile import Profile


class Breach(BaseModel):
    """One way in which a document breaks its record: at a JSON path, what was expected and what was found."""

    model_config = ConfigDict(frozen=True)

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


class Rejected(BaseModel):
    """A document that goes to quarantine.

    ``key`` is what it has for an id or, where that is no short, readable text, names its content; ``documents`` counts
    the documents of the source that it stands for, more than one where differing copies share an id; ``text`` is
    exactly what the source sent, a JSON list of the copies where there are several.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    documents: int = 1
    text: str
    breaches: tuple[Breach, ...]

    @property
    def document_id(self) -> str | None:
        """Its id; ``None`` if what it has for one is none, so that it may be any document that is missing."""
        return self.key if re.fullmatch(HEX_24, self.key) else None

    def __str__(self) -> str:
        name = f"document {self.document_id}" if self.document_id else f"a document without a readable id ({self.key})"
        return f"{name}, " + "; ".join(map(str, self.breaches))


class Intake(BaseModel):
    """The documents of a snapshot: ``documents`` = ``accepted`` + ``quarantined`` + ``collapsed``.

    ``collapsed`` counts the further copies of documents that the source sent more than once, all alike. ``mode`` is
    the contract mode in which they were judged, ``refusal`` says why none of them may be loaded.
    """

    model_config = ConfigDict(frozen=True)

    accepted: int
    collapsed: int = 0
    rejected: tuple[Rejected, ...] = ()
    profile: Profile = ()
    mode: ContractMode = ContractMode.EVOLVE
    refusal: str | None = None

    @property
    def quarantined(self) -> int:
        """Documents of the source that are in quarantine."""
        return sum(rejected.documents for rejected in self.rejected)

    @property
    def documents(self) -> int:
        """Documents of the source."""
        return self.accepted + self.quarantined + self.collapsed
