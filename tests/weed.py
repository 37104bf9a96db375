"""A real S3 server for tests: one `weed server -s3` on loopback, shared by all workers of a run, stopped by its pid."""

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

ACCESS_KEY = "avtech-test"
SECRET_KEY = "avtech-test-secret"
READER_ACCESS_KEY = "avtech-reader"
READER_SECRET_KEY = "avtech-reader-secret"
_START_SECONDS = 90


@dataclass(frozen=True)
class S3Server:
    """A running server: where it answers, and a bucket that is there."""

    endpoint: str
    bucket: str

    def environment(self, *, reader: bool = False) -> dict[str, str]:
        """The standard AWS variables of somebody who may write, or only read."""
        return {
            "AWS_ACCESS_KEY_ID": READER_ACCESS_KEY if reader else ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": READER_SECRET_KEY if reader else SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def url(self, prefix: str = "") -> str:
        """The address of a store of its own in the bucket; a fresh prefix unless one is given."""
        return f"s3://{self.bucket}/{prefix or secrets.token_hex(8)}?endpoint={self.endpoint}&region=us-east-1"

    def client(self) -> Any:
        """A plain boto3 client that may do everything."""
        return _client(self.endpoint)


@contextmanager
def shared_server(directory: Path) -> Iterator[S3Server]:
    """Use the server of a run, whose workers share `directory`; the first to come starts it, the last to leave ends it."""
    directory.mkdir(parents=True, exist_ok=True)
    users = directory / "users.json"
    with _locked(directory):
        state = json.loads(users.read_text()) if users.exists() else None
        if state is None or not _alive(state["server"]):
            state = _start(directory)
        state["users"] = [pid for pid in state["users"] if _alive(pid)] + [os.getpid()]
        users.write_text(json.dumps(state))
    try:
        yield S3Server(state["endpoint"], state["bucket"])
    finally:
        with _locked(directory):
            state = json.loads(users.read_text())
            state["users"] = [pid for pid in state["users"] if pid != os.getpid() and _alive(pid)]
            users.write_text(json.dumps(state))
            if not state["users"]:
                _stop(state["server"])
                users.unlink()


def _start(directory: Path) -> dict[str, Any]:
    data = directory / secrets.token_hex(4)
    data.mkdir()
    identities = data / "identities.json"
    identities.write_text(json.dumps(_identities()))
    master, volume, filer, s3 = _free_ports(4)
    arguments = [
        str(Path(sys.executable).parent / "weed"),
        f"-logdir={data}",
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=100",
        "-volume.preStopSeconds=0",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={identities}",
        f"-s3.localSocket={data}/s3.sock",
    ]
    with (data / "log").open("wb") as log:
        actions = [(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)]
        pid = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions, setpgroup=0)
    endpoint = f"http://127.0.0.1:{s3}"
    try:
        bucket = _await_bucket(endpoint, pid, data / "log")
    except BaseException:
        _stop(pid)
        raise
    return {"server": pid, "endpoint": endpoint, "bucket": bucket, "users": []}


def _identities() -> dict[str, Any]:
    def identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, Any]:
        return {"name": name, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}

    return {
        "identities": [
            identity("writer", ACCESS_KEY, SECRET_KEY, ["Admin", "Read", "Write", "List", "Tagging"]),
            identity("reader", READER_ACCESS_KEY, READER_SECRET_KEY, ["Read", "List"]),
        ]
    }


def _await_bucket(endpoint: str, pid: int, log: Path) -> str:
    """Wait until the server really stores something: it answers long before that."""
    deadline = time.monotonic() + _START_SECONDS
    last: Exception | None = None
    client = _client(endpoint)
    while time.monotonic() < deadline:
        if not _alive(pid):
            raise RuntimeError(f"weed died: {log.read_text(errors='replace')[-2000:]}")
        try:
            with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket="avtech")
            client.put_object(Bucket="avtech", Key="ready", Body=b"ready")
            return "avtech"
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            last = error
            time.sleep(0.2)
    raise RuntimeError(f"weed did not answer within {_START_SECONDS} s: {last}")


def _client(endpoint: str) -> Any:
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=config,
    )


def _free_ports(count: int) -> list[int]:
    """Ports that are free together with their gRPC ports, 10,000 above."""
    found: list[int] = []
    while len(found) < count:
        port = 20_000 + secrets.randbelow(10_000)
        if port not in found and all(_is_free(candidate) for candidate in (port, port + 10_000)):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _stop(pid: int) -> None:
    """End the server at once: nobody needs its data, and asking politely takes half a minute."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
