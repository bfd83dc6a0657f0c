"""Where data comes from: SPACEX_SOURCE as something that fetches snapshots.

No code behind a :class:`Source` may care which one it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from spacex_assets.config import Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.errors import ArchiveIncomplete
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.pace import Limits
from spacex_assets.extract.snapshot import Look, Snapshot

SIMULATOR_URL = "http://simulator.invalid"


class Source(Protocol):
    """Something that has the endpoints."""

    identity: str
    """Says which source it is, without credentials."""

    def fetch(self, endpoint: Endpoint, lake: RawLake, last_loaded: int | None = None) -> Snapshot:
        """The endpoint's present content, complete and checked, its body in the lake but not yet published.

        ``last_loaded`` is the number of documents that the volume guard compares with. Raises :class:`ExtractError`
        and :class:`WorldMismatch`.
        """

    def look(self, endpoint: Endpoint, lake: RawLake, before: Look | None = None) -> Look:
        """The endpoint's present content, of which nothing is checked or kept; cheap if it is as it was ``before``.

        Raises :class:`ExtractError`.
        """


@contextmanager
def open_source(settings: Settings, limits: Limits | None = None) -> Iterator[Source]:
    """The source that the settings name, with their limits or others."""
    from spacex_assets.extract.archive import ArchiveSource
    from spacex_assets.extract.http import HttpSource

    text = settings.source
    if text == "simulated" and settings.simulator_url is not None:
        text = settings.simulator_url
    if "://" in text or text == "simulated":
        source = HttpSource(SIMULATOR_URL if text == "simulated" else text, settings, limits)
        if text == "simulated":
            from spacex_assets.simulator.transport import SimulatorAdapter

            edits = settings.local.absolute() / "simulator" / "edits.json"
            source.client.session.mount(
                SIMULATOR_URL,
                SimulatorAdapter(seed=settings.simulated_seed, launches=settings.simulated_launches, edits=edits),
            )
        try:
            yield source
        finally:
            source.client.close()
    else:
        yield ArchiveSource(Path(text).absolute(), settings)


def require_source(settings: Settings) -> None:
    """Looks, before anything is made ready, whether there is anything to fetch: a folder has to be there.

    Raises :class:`ArchiveIncomplete`.
    """
    if settings.source == "simulated" or "://" in settings.source:
        return
    folder = Path(settings.source).absolute()
    if not any((folder / f"{name}.json").is_file() for name in ENDPOINTS):
        found = "none of them in it" if folder.is_dir() else "no such folder"
        raise ArchiveIncomplete(
            f"SPACEX_SOURCE: expected recorded responses such as launches.json in the folder {folder}, found {found}. "
            f"Nothing was done. Put them there, or give another folder, an http(s) base URL, or 'simulated'."
        )
