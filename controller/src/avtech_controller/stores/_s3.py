"""The `s3://` store: any S3 that honours If-Match and If-None-Match on PUT (AWS S3, SeaweedFS, MinIO, R2)."""

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import SplitResult, parse_qsl, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from avtech_controller.stores._keys import check_key, check_prefix
from avtech_controller.stores._port import (
    ETag,
    Listed,
    NotModified,
    PreconditionFailedError,
    StoreConfigurationError,
    Stored,
    StoreError,
)
from avtech_controller.stores._s3_failures import ABSENT, LOST, NO_STORE, failure, may_have_landed
from avtech_schema.identifiers import ByteSize, Sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, HeadObjectOutputTypeDef

_CONNECTIONS = 32
_ATTEMPTS = 4
_CONNECT_SECONDS = 5
READ_SECONDS = 20
_MINIMUM_RATE = 50_000
"""A download slower than this many bytes a second, beyond its first seconds, is given up."""
_CHUNK = 1 << 18
_SETTINGS = {"endpoint", "region"}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_BUCKET_HINT = "3 to 63 letters, digits, hyphens and dots, a letter or digit first and last; for example s3://acme-signage/prod"


def open_s3(parts: SplitResult) -> "S3Store":
    """Open `s3://bucket/prefix?endpoint=…&region=…`; credentials and what is missing come from the standard AWS variables.

    Raises:
        StoreConfigurationError: the address or a setting is wrong.
    """
    query = dict(parse_qsl(parts.query))
    if unknown := query.keys() - _SETTINGS:
        raise StoreConfigurationError(f"an s3:// address has no setting {min(unknown)!r}", hint="endpoint and region are known")
    if not parts.netloc or "@" in parts.netloc or parts.fragment:
        raise StoreConfigurationError(
            "an s3:// address names a bucket and holds no credentials",
            hint="put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    prefix = unquote(parts.path).strip("/")
    if prefix:
        check_prefix(prefix + "/")
    if not _BUCKET.fullmatch(parts.netloc):
        raise StoreConfigurationError(f"{parts.netloc[:80]!r} cannot be the name of a bucket", hint=_BUCKET_HINT)
    endpoint = query.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = query.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    if endpoint and "@" in endpoint:
        raise StoreConfigurationError(
            "an endpoint holds no credentials", hint="put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    try:
        client = boto3.session.Session().client("s3", endpoint_url=endpoint, region_name=region, config=_config(endpoint))
    except (BotoCoreError, ValueError) as error:
        raise StoreConfigurationError(f"the S3 client cannot be set up: {error}") from error
    return S3Store(client, parts.netloc, f"{prefix}/" if prefix else "")


def _config(endpoint: str | None) -> Config:
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=_CONNECTIONS,
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
        user_agent_extra="avtech",
    )


class Condition(TypedDict, total=False):
    """When a write counts: while nothing is there, or while one object is."""

    IfNoneMatch: str
    IfMatch: str


class S3Store:
    """A prefix of a bucket; ETags are the server's. A write whose answer was lost is settled by reading it again."""

    def __init__(self, client: "S3Client", bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self.read_seconds: float = READ_SECONDS
        """How long a download may take, beyond what its size accounts for."""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")

    def get(self, key: str, *, limit: int, if_none_match: ETag | None = None) -> Stored | NotModified | None:
        """Read an object; see `ObjectStore.get`."""
        request: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": self._key(key)}
        if if_none_match:
            request["IfNoneMatch"] = if_none_match
        with self._failures(f"reading {key}"):
            try:
                answer = self._client.get_object(**request)
            except ClientError as error:
                if _code(error) == "NoSuchKey":  # a bare 404 may come from something that is no store at all
                    return None
                if _code(error) in {"304", "NotModified"}:
                    return NotModified()
                raise
            with answer["Body"] as body:
                etag = ETag(answer["ETag"])
                data = self._read(cast("HTTPResponse", body), limit, key, answer["ContentLength"])
                if len(data) != answer["ContentLength"]:
                    raise StoreError(f"reading {key} in {self.url}: the answer was cut short")
            return Stored(data, etag)

    def size(self, key: str) -> int | None:
        """An object's size; see `ObjectStore.size`."""
        with self._failures(f"looking for {key}"):
            found = self._head(key)
            return None if found is None else found["ContentLength"]

    def create(self, key: str, data: bytes) -> ETag:
        """Write an object that must not exist; see `ObjectStore.create`."""
        return self._write(key, data, lambda: self._put(key, data, {"IfNoneMatch": "*"}), "exists already")

    def replace(self, key: str, data: bytes, *, etag: ETag) -> ETag:
        """Write an object that must still be the one with `etag`; see `ObjectStore.replace`."""
        return self._write(key, data, lambda: self._put(key, data, {"IfMatch": etag}), "was changed by somebody else")

    def upload(self, key: str, path: Path) -> None:
        """Write a content-addressed object from a file; see `ObjectStore.upload`."""
        with self._failures(f"uploading {key}"):
            length = path.stat().st_size
            found = self.size(key)
            if found is None:
                with path.open("rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").digest()
                    stream.seek(0)
                    self._upload(key, stream, digest)
                found = self.size(key)
        if found != length:
            raise StoreError(f"{key} in {self.url} has another size than the file: it is damaged, or the file is changing")

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix; see `ObjectStore.keys`."""
        for entry in self._listed(prefix):
            yield entry.get("Key", "").removeprefix(self._prefix)

    def listing(self, prefix: str) -> Iterator[Listed]:
        """The objects below a prefix; see `ObjectStore.listing`."""
        for entry in self._listed(prefix):
            with self._failures(f"listing {prefix}"):
                key, modified = entry["Key"].removeprefix(self._prefix), entry["LastModified"].astimezone(UTC)
                found = Listed(key, ByteSize(entry["Size"]), modified)
            yield found

    def etag(self, key: str) -> ETag | None:
        """An object's ETag; see `ObjectStore.etag`."""
        with self._failures(f"looking for {key}"):
            found = self._head(key)
            return None if found is None else ETag(found["ETag"])

    def sha256(self, key: str, *, limit: int) -> Sha256 | None:
        """An object's SHA-256; see `ObjectStore.sha256`."""
        digest = hashlib.sha256()
        with self._failures(f"reading {key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(key))
            except ClientError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            with answer["Body"] as body:
                length, _ = 0, ETag(answer["ETag"])  # what has none is the answer of something that is no store
                for chunk in self._chunks(cast("HTTPResponse", body), limit, key, answer["ContentLength"]):
                    digest.update(chunk)
                    length += len(chunk)
            if length != answer["ContentLength"]:
                raise StoreError(f"reading {key} in {self.url}: the answer was cut short")
        return Sha256(digest.hexdigest())

    def delete(self, key: str, *, etag: ETag) -> bool:
        """Remove an object that must still be the one with `etag`; see `ObjectStore.delete`."""
        with self._failures(f"removing {key}"):
            if self._head(key) is None:
                return False
            try:
                self._client.delete_object(Bucket=self._bucket, Key=self._key(key), IfMatch=etag)
            except ClientError as error:
                if _code(error) in ABSENT or (_code(error) in LOST and self._head(key) is None):
                    return False
                if _code(error) in LOST:
                    raise PreconditionFailedError(f"{key} in {self.url} was changed by somebody else") from error
                raise
        return True

    def _head(self, key: str) -> "HeadObjectOutputTypeDef | None":
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
        except ClientError as error:
            if _code(error) not in ABSENT:
                raise
        else:
            ETag(found["ETag"])  # what has none is the answer of something that is no store
            return found
        self._client.head_bucket(Bucket=self._bucket)  # an absent object is only believed of a bucket that is there
        return None

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        with self._failures(f"listing {prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + check_prefix(prefix)
            )
            for page in pages:
                found = page.get("Contents", [])
                if not page.keys() >= {"Name", "IsTruncated"} or page.get("KeyCount", len(found)) != len(found):
                    raise StoreError(f"listing {prefix} in {self.url}: the answer is garbled")
                yield from cast("list[dict[str, Any]]", found)

    def _key(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _read(self, body: HTTPResponse, limit: int, key: str, length: int) -> bytes:
        return b"".join(self._chunks(body, limit, key, length))

    def _chunks(self, body: HTTPResponse, limit: int, key: str, length: int) -> Iterator[bytes]:
        left = limit
        deadline = time.monotonic() + self.read_seconds + min(length, limit) / _MINIMUM_RATE
        while chunk := body.read1(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise StoreError(f"{key} in {self.url} is larger than the {limit} bytes that are read")
            if time.monotonic() > deadline:
                raise StoreError(f"reading {key} in {self.url}: the store is too slow")
            yield chunk

    def _put(self, key: str, data: bytes, condition: Condition) -> ETag:
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        answer = self._client.put_object(
            Bucket=self._bucket,
            Key=self._key(key),
            Body=data,
            ChecksumSHA256=checksum,
            **condition,
        )
        return ETag(answer["ETag"])

    def _upload(self, key: str, stream: IO[bytes], digest: bytes) -> None:
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key(key),
                Body=stream,
                ChecksumSHA256=base64.b64encode(digest).decode(),
                IfNoneMatch="*",
            )
        except ClientError as error:
            if _code(error) not in LOST:
                raise

    def _write(self, key: str, data: bytes, put: Callable[[], ETag], lost: str) -> ETag:
        """Write under a condition. A refusal after a retry, or no answer at all, may hide that the write was done."""
        with self._failures(f"writing {key}"):
            try:
                return put()
            except (BotoCoreError, ClientError) as error:
                refused = isinstance(error, ClientError) and _code(error) in LOST
                if may_have_landed(error) and (landed := self._landed(key, data)) is not None:
                    return landed
                if refused:
                    raise PreconditionFailedError(f"{key} in {self.url} {lost}") from error
                raise

    def _landed(self, key: str, data: bytes) -> ETag | None:
        found = self.get(key, limit=max(len(data), 1))
        return found.etag if isinstance(found, Stored) and found.data == data else None

    @contextmanager
    def _failures(self, doing: str) -> Generator[None, None, None]:
        try:
            yield
        except (BotoCoreError, ClientError, HTTPError, OSError) as error:
            raise failure(error, f"{doing} in {self.url}") from error
        except KeyError as error:
            raise StoreError(
                f"{doing} in {self.url}: the answer lacks {error}: it is no object store's", hint=NO_STORE
            ) from error
        except RecursionError as error:  # botocore follows redirections by calling itself
            raise StoreError(f"{doing} in {self.url}: the endpoint redirects without end", hint=NO_STORE) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
