"""The client for many small objects: obstore, which takes a tenth of boto3's processor time. It never explains a failure;
boto3 is asked about what failed."""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from avtech_controller.stores._attempts import AgainError, RefusedError
from avtech_controller.stores._port import ETag, Stored, StoreError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Credential

Credentials = Callable[[], tuple[str, str, str | None]]
"""Access key, secret key and session token, as of now."""

_SECONDS = 60
"""How long one request may take in all; the largest object is a bin or a manifest of a few megabytes."""
_RENEWED_AFTER = timedelta(minutes=2)
_STATUS = re.compile(r"status code: (\d{3})")
_PASSING = {408, 409, 429}
_PANICS = {"pyo3_async_runtimes", "pyo3_runtime"}
_CERTIFICATE = re.compile(r"[Cc]ertificate|UnknownIssuer")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is: what both clients must agree about. `authorities` are certificates in PEM."""

    bucket: str
    endpoint: str
    region: str
    path_style: bool
    authorities: bytes


class FastClient:
    """Requests for single objects. A failure is an `AgainError` or a `RefusedError`."""

    def __init__(self, place: Place, credentials: Credentials) -> None:
        def provide() -> "S3Credential":
            access, secret, token = credentials()
            return {
                "access_key_id": access,
                "secret_access_key": secret,
                "token": token,
                "expires_at": datetime.now(UTC) + _RENEWED_AFTER,
            }

        client: ClientConfig = {
            "allow_http": place.endpoint.startswith("http://"),
            "connect_timeout": "5s",
            "timeout": f"{_SECONDS}s",
            "user_agent": "avtech",
        }
        if place.authorities:
            client["root_certificate"] = place.authorities
        self._store = S3Store(
            place.bucket,
            endpoint=place.endpoint if place.path_style else _virtual(place),
            region=place.region,
            virtual_hosted_style_request=not place.path_style,
            conditional_put="etag",
            checksum_algorithm="SHA256",
            credential_provider=provide,
            client_options=client,
            retry_config={"max_retries": 0},
        )

    async def create(self, key: str, data: bytes) -> bool:
        """Write an object unless there is one; whether it was written."""
        with _judging():
            try:
                await obstore.put_async(self._store, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    async def size(self, key: str) -> int | None:
        """An object's size; None says that it is said not to exist."""
        found = await self._head(key)
        return found and found[0]

    async def etag(self, key: str) -> ETag | None:
        """An object's ETag; None says that it is said not to exist."""
        found = await self._head(key)
        return found and found[1]

    async def _head(self, key: str) -> tuple[int, ETag] | None:
        with _judging():
            try:
                found = await obstore.head_async(self._store, key)
            except FileNotFoundError:
                return None
        if found["e_tag"] is None:
            raise RefusedError("the answer has no ETag: it is no object store's")
        return found["size"], ETag(found["e_tag"])

    async def get(self, key: str, limit: int) -> Stored | StoreError | None:
        """Read an object; None says that it surely does not exist, an error that it is larger than `limit` bytes."""
        with _judging():
            try:
                found = await obstore.get_async(self._store, key)
                size, etag = found.meta["size"], found.meta["e_tag"]
                if etag is None:
                    raise RefusedError("the answer has no ETag: it is no object store's")
                if size > limit:
                    return StoreError(f"{key} is larger than the {limit} bytes that are read")
                data = (await found.bytes_async()).to_bytes()
            except FileNotFoundError as error:
                if "<Code>NoSuchKey</Code>" in str(error):  # a bare 404 may come from something that is no store at all
                    return None
                raise RefusedError("a bare 404") from error
        if len(data) != size:
            raise AgainError("the answer was cut short")
        return Stored(data, ETag(etag))


def _virtual(place: Place) -> str:
    parts = urlsplit(place.endpoint)
    return f"{parts.scheme}://{place.bucket}.{parts.netloc}"


@contextmanager
def _judging() -> Generator[None]:
    """Turns what obstore raises into an `AgainError` or a `RefusedError`; a panic of its Rust, too, which nobody can import."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise _judged(error) from error
    except BaseException as error:
        if type(error).__module__ not in _PANICS:
            raise
        raise RefusedError("no request can be made of the address and the credentials") from error


def _judged(error: Exception) -> AgainError | RefusedError:
    """Whether a failure may pass: what a server answers passes if it says so, and silence may always pass."""
    text = str(error)
    told = text.partition("\n")[0][:300]
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | FileNotFoundError | ValueError):
        return RefusedError(told)
    if status := _STATUS.search(text):
        code = int(status[1])
        return AgainError(told) if code >= 500 or code in _PASSING else RefusedError(told)
    if _CERTIFICATE.search(text) or "MissingEtag" in text:
        return RefusedError(told)
    return AgainError(told)
