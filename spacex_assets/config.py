"""Every setting of the platform, read once from the environment (``SPACEX_*``), ``.env`` or files in ``/run/secrets``.

Nothing else in the package reads the environment. What belongs here: settings and what follows from them alone (the
world, the folders). What does not: connections, and anything that looks at the network.
"""

import re
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError
from sqlalchemy import make_url

from spacex_assets.errors import PlatformError

SECRETS = Path("/run/secrets")
"""Where a container finds its secrets, a file per setting: ``spacex_database_password``."""

OBJECT_STORES = ("s3", "gs", "az")
BASE_URL = "an http(s) base URL such as http://127.0.0.1:8080"


class SettingMissing(PlatformError):
    """A setting that is needed here is not set."""


class SettingWrong(PlatformError):
    """A setting has a value that it cannot have."""


class World(StrEnum):
    """Simulated and real data never share a warehouse, a lake folder or a Dagster storage."""

    SIMULATED = "simulated"
    REAL = "real"


class Executor(StrEnum):
    """Where the steps of a run are executed."""

    IN_PROCESS = "in_process"
    """One after the other, in the run's own process: the fastest while a run fits into one."""
    MULTIPROCESS = "multiprocess"
    """Each in a process of this machine, as many at once as it has cores."""
    K8S = "k8s"
    """Each in a pod."""


class ContractMode(StrEnum):
    """What becomes of fields and values that a record does not declare."""

    EVOLVE = "evolve"
    """Values are loaded, fields are kept in the column ``_extra`` until they are declared."""
    FREEZE = "freeze"
    """They break the record."""
    DISCARD = "discard"
    """Values are loaded, fields are left in the raw snapshot."""


class LogFormat(StrEnum):
    """How log lines are written."""

    AUTO = "auto"
    """For people on a terminal, as JSON elsewhere."""
    JSON = "json"
    CONSOLE = "console"


class Settings(BaseSettings):
    """The settings; each is the upper-case field name behind ``SPACEX_``."""

    model_config = SettingsConfigDict(
        env_prefix="SPACEX_",
        env_file=".env",
        env_ignore_empty=True,
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
    )

    source: str = Field(
        "simulated", repr=False, description="An http(s) base URL, a folder of recorded responses, or 'simulated'."
    )
    database_url: SecretStr | None = Field(
        None, description="The warehouse, '{world}' in it is replaced; unset: the embedded PostgreSQL."
    )
    database_password: SecretStr | None = Field(None, description="Its password, where the URL has none.")
    dagster_database_url: SecretStr | None = Field(
        None, description="Dagster's storage, likewise; unset: beside the warehouse, a database of its own."
    )
    dagster_database_password: SecretStr | None = Field(None, description="Its password, where the URL has none.")
    local: Path = Field(Path(".local"), description="The folder of everything that is kept on this machine.")
    lake: str | None = Field(
        None, description="The folder of raw and typed files, or its s3://, gs:// or az:// URL; unset: <local>/lake."
    )
    lake_options: dict[str, str] = Field(
        {}, description='Options of its file system, no secrets: {"endpoint_url": "http://127.0.0.1:9000"}.'
    )

    executor: Executor = Field(Executor.IN_PROCESS, description="in_process, multiprocess or k8s.")

    simulator_url: str | None = Field(
        None, description="URL of a running simulator that 'simulated' uses; unset: one answers inside the process."
    )
    simulated_launches: int = Field(205, ge=1, le=1_000_000, description="Size of the simulated fleet, in launches.")
    simulated_seed: int = Field(42, description="The same seed gives the same fleet.")

    http_attempts: int = Field(3, ge=1, description="Attempts per request.")
    http_rate: float = Field(5.0, gt=0, description="Requests per second, sustained.")
    http_burst: int = Field(14, ge=1, description="Requests that may be sent at once after a pause.")
    http_connect_timeout: float = Field(5.0, gt=0, description="Seconds to connect.")
    http_read_timeout: float = Field(20.0, gt=0, description="Seconds without a byte.")
    endpoint_time_limit: float = Field(60.0, gt=0, description="Seconds for one endpoint's fetch, attempts included.")
    body_limit_mib: int = Field(1024, ge=1, description="MiB of one endpoint's body, decompressed; more is refused.")
    document_limit_mib: int = Field(4, ge=1, description="MiB of one document in it; more is refused.")

    shrink_limit: float = Field(0.20, ge=0, le=1, description="Share of documents that may vanish between two loads.")
    shrink_minimum: int = Field(3, ge=1, description="Fewer vanished documents than this are never an error.")
    quarantine_limit: float = Field(0.05, ge=0, le=1, description="Share of an endpoint's documents in quarantine.")
    contract: dict[str, ContractMode] = Field(
        {}, description='Contract modes other than evolve, by endpoint: {"launches": "freeze"}.'
    )
    full_compare: bool = Field(
        False, description="Compare every row and every leaf by value, at any size; trust no row hash."
    )
    reconcile_documents: int = Field(
        10_000, ge=0, description="Endpoints with more documents are compared leaf by leaf only with full_compare."
    )
    fresh_hours: float = Field(
        24.0,
        ge=1 / 60,
        description="Hours without a load after which a table is late; after twice as many it is stale. Dagster's "
        "shortest window is a minute.",
    )
    source_silent_days: float = Field(
        30.0, gt=0, description="Days without a change at the source after which a check warns."
    )
    force: bool = Field(False, description="Load a snapshot even if a later one was loaded before.")

    keep_events_days: float = Field(30.0, ge=1, description="Days after which Dagster's runs and events go.")
    keep_snapshots_days: float = Field(90.0, ge=1, description="Days after which raw snapshots and their frames go.")
    keep_history_days: float | None = Field(
        None, ge=30, description="Days after which closed versions of rows go; unset: they stay for ever."
    )

    pg_bin: Path | None = Field(
        None, description="The folder of pg_dump and pg_restore; unset: PATH and the embedded PostgreSQL's."
    )

    automation: bool = Field(
        False, description="Whether schedules and sensors are on until somebody switches them in the UI."
    )
    cron: dict[str, str] = Field(
        {}, description='When, other than automation/schedules.py says, what is refreshed: {"fleet": "0 3 * * *"}.'
    )
    time_zone: str = Field("UTC", description="Time zone of SPACEX_CRON.")
    poll_seconds: int = Field(60, ge=1, description="Seconds between two looks at the source for a change.")

    ui_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI on 127.0.0.1.")
    ui_url: str | None = Field(
        None, description="Where people reach the UI, for links; unset: http://127.0.0.1:<ui_port>."
    )

    log_format: LogFormat = Field(LogFormat.AUTO, description="json, console, or auto: console on a terminal.")

    alerts: dict[str, SecretStr] = Field(
        {},
        description="Who is told of incidents, beside the log: a URL per name. slack+https://… and https://… are "
        "webhooks, smtp://, smtp+starttls:// and smtps://user:password@host:port?from=…&to=… are mail.",
    )
    alert_timeout: float = Field(10.0, gt=0, le=20, description="Seconds for each step of telling a destination.")
    runbook_url: str = Field("docs/runbook.md", description="Where people find docs/runbook.md, for links.")

    metrics_host: str = Field("127.0.0.1", description="Address on which the metrics are served.")
    metrics_port: int = Field(9464, ge=1, le=65535, description="Its port.")

    @field_validator("source")
    @classmethod
    def _of_known_kind(cls, source: str) -> str:
        """``simulated`` in any case, a URL that can be asked, or a folder, which may come and go."""
        if source.lower() == "simulated":
            return "simulated"
        if re.search(r"://|^(https?|file):|^//", source) and not _may_be_asked(source):
            raise ValueError(f"expected {BASE_URL}, the path of a folder of recorded responses, or 'simulated'")
        return source

    @field_validator("simulator_url")
    @classmethod
    def _of_a_server(cls, url: str | None) -> str | None:
        if url is not None and not _may_be_asked(url):
            raise ValueError(f"expected {BASE_URL}")
        return url

    @field_validator("contract")
    @classmethod
    def _of_known_endpoints(cls, contract: dict[str, ContractMode]) -> dict[str, ContractMode]:
        from spacex_assets.endpoints.registry import ENDPOINTS

        if unknown := sorted(contract.keys() - ENDPOINTS):
            raise ValueError(f"no endpoint is called {', '.join(unknown)}; there are {', '.join(ENDPOINTS)}")
        return contract

    @field_validator("lake")
    @classmethod
    def _of_known_scheme(cls, lake: str | None) -> str | None:
        scheme, separator, _ = (lake or "").partition("://")
        if separator and scheme not in OBJECT_STORES:
            raise ValueError(f"expected a folder or a URL that begins with {', '.join(OBJECT_STORES)} and ://")
        return lake

    @field_validator("alerts")
    @classmethod
    def _of_known_channels(cls, alerts: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if alerts:
            from spacex_assets.automation.alerts.destinations import destination

            for name, url in alerts.items():
                destination(name, url.get_secret_value())
        return alerts

    @property
    def fresh_windows(self) -> tuple[timedelta, timedelta]:
        """After how long without a load a table is late, and after how long it is stale."""
        return timedelta(hours=self.fresh_hours), timedelta(hours=2 * self.fresh_hours)

    @property
    def ui_shown(self) -> str:
        """The base of links into the Dagster UI."""
        return (self.ui_url or f"http://127.0.0.1:{self.ui_port}").rstrip("/")

    @property
    def source_shown(self) -> str:
        """The source without the credentials of its URL."""
        return without_credentials(self.source)

    @cached_property
    def world(self) -> World:
        """The world that the source belongs to."""
        return World.SIMULATED if self.source == "simulated" else World.REAL

    @property
    def warehouse_url(self) -> str:
        """The warehouse's URL. Raises :class:`SettingMissing` where none is set."""
        if self.database_url is None:
            raise SettingMissing(
                "SPACEX_DATABASE_URL is not set. `make shell`, `make run` and `make ui` set it to the embedded "
                "PostgreSQL; elsewhere set it to postgresql+psycopg2://user:password@host/database."
            )
        return self._complete(self.database_url, self.database_password)

    @property
    def dagster_url(self) -> str | None:
        """The URL of Dagster's storage, where one is set."""
        if self.dagster_database_url is None:
            return None
        return self._complete(self.dagster_database_url, self.dagster_database_password)

    @cached_property
    def lake_url(self) -> str | None:
        """Where this world's raw and typed files live, if that is an object store."""
        return f"{self.lake.rstrip('/')}/{self.world}" if self.lake and "://" in self.lake else None

    @cached_property
    def lake_folder(self) -> Path:
        """Where they live on this machine, or are on their way to and from the object store."""
        folder = self.local / "lake" if self.lake is None or self.lake_url else Path(self.lake)
        return folder.absolute() / self.world

    @cached_property
    def dagster_home(self) -> Path:
        """Where Dagster keeps this world's files."""
        return self.local.absolute() / "dagster" / self.world

    def _complete(self, url: SecretStr, password: SecretStr | None) -> str:
        """The URL with its driver, the world's database, and the password that it lacks."""
        text = with_driver(url.get_secret_value()).replace("{world}", self.world)
        if password is None or (parsed := make_url(text)).password:
            return text
        return parsed.set(password=password.get_secret_value().strip()).render_as_string(hide_password=False)


def settings(**instead: str) -> Settings:
    """The settings, some of them from elsewhere. Raises :class:`SettingWrong`, which names each that is wrong."""
    try:
        return Settings(**instead)  # type: ignore[arg-type]
    except SettingsError as error:
        raise SettingWrong(
            f"A setting cannot be read: {error}. Every setting is in spacex_assets/config.py."
        ) from error
    except ValidationError as error:
        wrong = [
            f"SPACEX_{'.'.join(map(str, one['loc'])).upper()}: {one['msg'].removeprefix('Value error, ')}, "
            f"found {_shown(one)}."
            for one in error.errors(include_url=False)
        ]
        raise SettingWrong("\n".join([*wrong, "Every setting is in spacex_assets/config.py."])) from error


def _shown(error: ErrorDetails) -> str:
    """The value that is wrong, unless it may be a secret."""
    setting = Settings.model_fields.get(str(error["loc"][0])) if error["loc"] else None
    if setting is None or "SecretStr" in str(setting.annotation):
        return "a secret"
    # Of what is no URL nobody knows where its password ends.
    return re.sub(r"(?<=://).*@", "", repr(error["input"]))


def without_credentials(text: str) -> str:
    """A source, or what names one, without the user and the password of its URL."""
    return re.sub(r"(?<=://)[^/]*@", "", text)


def _may_be_asked(url: str) -> bool:
    """Whether it is the URL of an HTTP server, however reachable."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
        )
    except ValueError:  # a port that is none, a bracket that does not close
        return False


def with_driver(url: str) -> str:
    """The URL with its driver spelled out: a bare ``postgresql://`` means another driver to SQLAlchemy 2.1."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in ("postgres", "postgresql") else url
