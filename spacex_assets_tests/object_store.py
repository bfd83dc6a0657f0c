"""An object store on this machine: moto's S3 server, over HTTP on 127.0.0.1."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from spacex_assets.extract.bucket import Bucket


@dataclass(frozen=True)
class ObjectStore:
    """A running server, and the environment in which its buckets are found and may be used."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def bucket(self) -> str:
        """A new bucket; its name."""
        name = f"lake-{uuid4().hex[:12]}"
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(name, "us-east-1")
        return name

    def store(self, folder: Path, bucket: str | None = None) -> Bucket:
        """A lake in a bucket, a new one by default."""
        options = {"endpoint_url": self.endpoint, "key": "test", "secret": "test"}
        return Bucket.at(f"s3://{bucket or self.bucket()}/lake/real", options, folder)

    def date(self, bucket: str, key: str, moment: datetime) -> None:
        """Makes an object of another age."""
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key).last_modified = moment.replace(tzinfo=None)


@contextmanager
def running() -> Iterator[ObjectStore]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield ObjectStore(f"http://{host}:{port}")
    finally:
        server.stop()
