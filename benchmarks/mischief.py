"""What happens to a source and to a warehouse over the days, at random but the same for the same seed.

Documents are corrected, added, deleted, broken and mended; responses go wrong; somebody edits a table by hand; a
connection is cut, the process of a run killed. What does not belong here: what the platform makes of it (``soak.py``).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import psutil
import sqlalchemy as sa

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.compare import quoted
from spacex_assets.simulator.content import Content, Document
from spacex_assets.simulator.faults import Fault
from spacex_assets.simulator.server import RunningSimulator

OBSERVER = "soak"
"""The application_name of those who look on, whose connections are not cut."""

SHRINKS_BY = 2
"""Documents that may vanish before the next load; the volume guard lets fewer than three go."""


@dataclass
class Mischief:
    """One life's trouble; ``done`` counts it by kind. ``workers`` are the processes of runs."""

    random: Random
    source: RunningSimulator
    engine: sa.Engine
    workers: Callable[[], list[psutil.Process]] | None = None
    done: Counter[str] = field(default_factory=Counter)
    broken: dict[tuple[str, str], str] = field(default_factory=dict)
    vanished: Counter[str] = field(default_factory=Counter)

    @property
    def content(self) -> Content:
        """What the source serves."""
        return self.source.content

    def at_the_source(self) -> None:
        """Some documents change."""
        for _ in range(self.random.randint(1, 6)):
            kind = self.random.choices(("correct", "add", "delete", "break", "mend"), (6, 2, 2, 1, 2))[0]
            endpoint = ENDPOINTS[self.random.choice(list(ENDPOINTS))]
            getattr(self, f"_{kind}")(endpoint)

    def on_the_way(self) -> None:
        """Some of the next responses go wrong."""
        for _ in range(self.random.choice((0, 0, 1, 2))):
            kind = self.random.choice(("status", "reset", "truncated", "html", "error", "slow", "body"))
            endpoint = self.random.choice([None, *ENDPOINTS])
            self.source.faults.add(
                Fault(
                    kind=kind,
                    endpoint=endpoint,
                    times=self.random.randint(1, 3),
                    status=self.random.choice((429, 500, 502, 503, 404)),
                    bytes_per_second=400_000,
                    body=self.random.choice(("", "[]", '[{"id": 1}', "\x00")),
                )
            )
            self.done[f"response: {kind}"] += 1

    def by_hand(self) -> None:
        """Somebody edits or deletes a row of a table."""
        if self.random.random() < 0.7:
            return
        layout = ENDPOINTS[self.random.choice(list(ENDPOINTS))].layouts[0]
        table, column = quoted("spacex", layout.name), _text_column(ENDPOINTS[layout.name])
        with self.engine.begin() as connection:
            changed = connection.exec_driver_sql(
                f"UPDATE {table} SET {quoted(column)} = 'by hand' WHERE id = (SELECT min(id) FROM {table})"
            )
            self.done["row: edited by hand"] += changed.rowcount

    @contextmanager
    def in_the_middle(self) -> Iterator[None]:
        """Perhaps the warehouse's connections are cut or a run is killed, some time after the block began."""
        if self.random.random() < 0.7:
            yield
            return
        ended = threading.Event()
        harm = self._kill if self.workers is not None and self.random.random() < 0.5 else self._cut
        harming = threading.Thread(target=harm, args=(self.random.uniform(0.1, 2.0), ended))
        harming.start()
        try:
            yield
        finally:
            ended.set()
            harming.join()

    def loaded(self, endpoint: str) -> None:
        """Says that what the endpoint has now was loaded."""
        del self.vanished[endpoint]

    def end(self) -> None:
        """No more trouble: the responses are right again and every broken document is mended."""
        self.source.faults.clear()
        for endpoint, _ in list(self.broken):
            self._mend(ENDPOINTS[endpoint])

    def _cut(self, seconds: float, ended: threading.Event) -> None:
        deadline = time.monotonic() + seconds
        while not ended.wait(0.01):
            if time.monotonic() < deadline:
                continue
            with self.engine.connect() as connection:
                cut = connection.exec_driver_sql(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    f"WHERE datname = current_database() AND application_name <> '{OBSERVER}' "
                    "AND backend_type = 'client backend'"
                ).scalar_one()
            if cut:
                self.done["connection: cut"] += cut
                return

    def _kill(self, seconds: float, ended: threading.Event) -> None:
        while not ended.wait(0.1):
            if self.workers is not None and (workers := self.workers()):
                ended.wait(seconds)
                with suppress(psutil.NoSuchProcess):
                    workers[0].kill()
                    self.done["run: killed"] += 1
                    return

    def _correct(self, endpoint: Endpoint) -> None:
        document = self._whole_document(endpoint)
        if document is not None:
            text = f"corrected {self.random.randint(0, 3)}"
            self._edit(endpoint, document["id"], {_text_column(endpoint): text}, "corrected")

    def _add(self, endpoint: Endpoint) -> None:
        document = self._whole_document(endpoint)
        if document is not None and not endpoint.single:
            new = {**document, "id": f"{self.random.getrandbits(96):024x}"}
            self._edit(endpoint, new["id"], new, "added")

    def _delete(self, endpoint: Endpoint) -> None:
        document = self._whole_document(endpoint)
        if document is None or endpoint.single or self.vanished[endpoint.name] >= SHRINKS_BY:
            return
        if len(list(self.content.documents(endpoint.name))) > 2:
            self.vanished[endpoint.name] += 1
            self._edit(endpoint, document["id"], None, "deleted")

    def _break(self, endpoint: Endpoint) -> None:
        document = self._whole_document(endpoint)
        if document is not None:
            self.broken[endpoint.name, document["id"]] = _text_column(endpoint)
            self._edit(endpoint, document["id"], {_text_column(endpoint): [{"not": "a text"}]}, "broken")

    def _mend(self, endpoint: Endpoint) -> None:
        for name, document_id in list(self.broken):
            if name == endpoint.name:
                column = self.broken.pop((name, document_id))
                self._edit(endpoint, document_id, {column: "mended"}, "mended")

    def _edit(self, endpoint: Endpoint, document_id: str, change: Document | None, how: str) -> None:
        self.content.edit(endpoint.name, document_id, change)
        self.done[f"document: {how}"] += 1

    def _whole_document(self, endpoint: Endpoint) -> Document | None:
        documents = [
            document
            for document in self.content.documents(endpoint.name)
            if (endpoint.name, document["id"]) not in self.broken
        ]
        return self.random.choice(documents) if documents else None


def _text_column(endpoint: Endpoint) -> str:
    """A field of plain text, which is also the name of its column."""
    return next(
        column.name
        for column in endpoint.layouts[0].columns
        if column.kind is kinds.TEXT and column.path == (column.name,)
    )
