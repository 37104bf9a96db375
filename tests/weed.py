"""A real S3 server for tests: one `weed server -s3` on loopback, shared by all workers of a run, stopped by its pid."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtech_controller.demo import local_s3

WRITER = local_s3.Identity("writer", "avtech-test", "avtech-test-secret", ("Admin", "Read", "Write", "List", "Tagging"))
LIMITED_PREFIX = "limited"
LIMITED = local_s3.Identity(
    "limited",
    "avtech-limited",
    "avtech-limited-secret",
    tuple(f"{what}:avtech/limited/*" for what in ("Read", "Write", "List")),
)
"""A controller that may do everything below one prefix, and nothing elsewhere."""
DEVICE = local_s3.Identity(
    "device",
    "avtech-device",
    "avtech-device-secret",
    (
        "Read:avtech/limited/*",
        "Write:avtech/limited/reports/CLI-ACME/SCR-ACME-0001/*",
        "Write:avtech/limited/plays/CLI-ACME/SCR-ACME-0001/*",
    ),
)
"""A player that may read the store below that prefix, and write its own reports and plays alone."""
READER = local_s3.Identity("reader", "avtech-reader", "avtech-reader-secret", ("Read", "List"))


@dataclass(frozen=True)
class S3Server:
    """A running server: where it answers, and a bucket that is there."""

    endpoint: str
    bucket: str

    def environment(self, *, reader: bool = False) -> dict[str, str]:
        """The standard AWS variables of somebody who may write, or only read."""
        return (READER if reader else WRITER).environment()

    def url(self, prefix: str = "") -> str:
        """The address of a store of its own in the bucket; a fresh prefix unless one is given."""
        return local_s3.store_url(self.endpoint, self.bucket, prefix or secrets.token_hex(8))

    def client(self) -> Any:
        """A plain boto3 client that may do everything."""
        return local_s3.client(self.endpoint, WRITER.environment())


@contextmanager
def shared_server(directory: Path) -> Iterator[S3Server]:
    """Use the server of a run, whose workers share `directory`; the first to come starts it, the last to leave ends it."""
    directory.mkdir(parents=True, exist_ok=True)
    users = directory / "users.json"
    with _locked(directory):
        state = json.loads(users.read_text()) if users.exists() else None
        if state is None or not local_s3.alive(state["server"]):
            state = _start(directory)
        state["users"] = [pid for pid in state["users"] if local_s3.alive(pid)] + [os.getpid()]
        users.write_text(json.dumps(state))
    try:
        yield S3Server(state["endpoint"], state["bucket"])
    finally:
        with _locked(directory):
            state = json.loads(users.read_text())
            state["users"] = [pid for pid in state["users"] if pid != os.getpid() and local_s3.alive(pid)]
            users.write_text(json.dumps(state))
            if not state["users"]:
                local_s3.LocalS3(state["server"], state["endpoint"]).stop()
                users.unlink()


def _start(directory: Path) -> dict[str, Any]:
    server = local_s3.start(directory / secrets.token_hex(4), (WRITER, READER, LIMITED, DEVICE))
    return {"server": server.pid, "endpoint": server.endpoint, "bucket": server.bucket, "users": []}


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
