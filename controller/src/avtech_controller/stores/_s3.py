"""The `s3://` store: any S3 that honours If-Match and If-None-Match on PUT (AWS S3, SeaweedFS, MinIO, R2)."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from avtech_controller.stores._attempts import attempt_all
from avtech_controller.stores._bulk import settle
from avtech_controller.stores._keys import check_key, check_prefix
from avtech_controller.stores._port import (
    ETag,
    Listed,
    NewObject,
    NotModified,
    PreconditionFailedError,
    Stored,
    StoreError,
)
from avtech_controller.stores._s3_failures import ABSENT, LOST, NO_STORE, failure, may_have_landed
from avtech_schema.identifiers import ByteSize, Sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, HeadObjectOutputTypeDef

    from avtech_controller.stores._fast import FastClient

R = TypeVar("R")
READ_SECONDS = 20
_MINIMUM_RATE = 50_000
"""A download slower than this many bytes a second, beyond its first seconds, is given up."""
_CHUNK = 1 << 18
_NO_CONTENT = 204


class Condition(TypedDict, total=False):
    """When a write counts: while nothing is there, or while one object is."""

    IfNoneMatch: str
    IfMatch: str


class S3Store:
    """A prefix of a bucket; ETags are the server's. A write whose answer was lost is settled by reading it again.

    boto3 serves single objects, and a faster client many at once; what that cannot do, boto3 does or explains.
    """

    def __init__(self, client: "S3Client", bucket: str, prefix: str, connect: "Callable[[], FastClient]") -> None:
        self._client = client
        self._connect = connect
        self._fast: FastClient | None = None
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

    def create_all(self, objects: Sequence[NewObject], *, done: Callable[[], None] = lambda: None) -> list[bool]:
        """Write many objects; see `ObjectStore.create_all`."""
        fast = self._many()

        async def create(entry: NewObject) -> bool:
            return await fast.create(self._key(entry.key), entry.load())

        def ask(entry: NewObject) -> bool:
            try:
                self.create(entry.key, entry.load())
            except PreconditionFailedError:
                return False
            return True

        outcome = asyncio.run(attempt_all(create, objects, done=done))
        return settle(outcome, objects, ask, key=lambda entry: entry.key, what=f"written to {self.url}", done=done)

    def get_all(
        self,
        keys: Sequence[str],
        *,
        limit: int,
        take: Callable[[str, Stored | StoreError | None], R],
        done: Callable[[], None] = lambda: None,
    ) -> list[R]:
        """Read many objects; see `ObjectStore.get_all`."""
        fast = self._many()

        async def read(key: str) -> R:
            return take(key, await fast.get(self._key(key), limit))

        def ask(key: str) -> R:
            found = self.get(key, limit=limit)
            return take(key, found if isinstance(found, Stored) else None)

        outcome = asyncio.run(attempt_all(read, keys, done=done))
        return settle(outcome, keys, ask, key=str, what=f"read from {self.url}", done=done, excuse=take)

    def sizes(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[int | None]:
        """The sizes of many objects; see `ObjectStore.sizes`."""
        return self._look_at(keys, self._many().size, self.size, done)

    def etags(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[ETag | None]:
        """The ETags of many objects; see `ObjectStore.etags`."""
        return self._look_at(keys, self._many().etag, self.etag, done)

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
            try:
                answer = self._client.delete_object(Bucket=self._bucket, Key=self._key(key), IfMatch=etag)
            except ClientError as error:
                if _code(error) in ABSENT | LOST and self._head(key) is None:
                    return False
                if _code(error) in LOST:
                    raise PreconditionFailedError(f"{key} in {self.url} was changed by somebody else") from error
                raise
            if answer["ResponseMetadata"]["HTTPStatusCode"] != _NO_CONTENT:  # a login page answers otherwise
                raise StoreError(f"removing {key} in {self.url}: the answer is no object store's", hint=NO_STORE)
        return True

    def _look_at(
        self,
        keys: Sequence[str],
        look: Callable[[str], Awaitable[R | None]],
        ask: Callable[[str], R | None],
        done: Callable[[], None],
    ) -> list[R | None]:
        outcome = asyncio.run(attempt_all(lambda key: look(self._key(key)), keys, done=done))
        absent = next((turn for turn, found in outcome.results.items() if found is None), None)
        if absent is not None:  # a 404 says nothing of why: one of them is asked about
            outcome.results[absent] = ask(keys[absent])
        return settle(outcome, keys, ask, key=str, what=f"looked at in {self.url}", done=done)

    def _many(self) -> "FastClient":
        if self._fast is None:
            with self._failures("connecting"):
                self._fast = self._connect()
        return self._fast

    def _head(self, key: str) -> "HeadObjectOutputTypeDef | None":
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=self._key(key))
        except ClientError as error:
            if _code(error) not in ABSENT:
                raise
        else:
            ETag(found["ETag"])  # what has none is the answer of something that is no store
            return found
        try:  # an absent object is only believed of a store that says so by name, which no answer to HEAD does
            self._client.get_object(Bucket=self._bucket, Key=self._key(key), Range="bytes=0-0")["Body"].close()
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                return None
            raise
        return self._client.head_object(Bucket=self._bucket, Key=self._key(key))  # it came at that moment

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
