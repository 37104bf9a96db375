"""The object store as a player sees it: bounded, timed, mostly reading, over `file://`, `s3://`, `https://`."""

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import HTTPStore, LocalStore, S3Store

from avtech_player._store_failures import plain
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, PutMode
    from obstore.store import ClientConfig, RetryConfig, S3Config

_READ_SECONDS = 30.0
_STALL = timedelta(seconds=20)
_CONNECT = timedelta(seconds=10)
_LONGEST_STREAM = timedelta(hours=1)
_CHUNK = 1 << 18
SLOWEST_RATE = 512
"""Bytes a second below which a transfer is given up, and resumed later."""
_GRACE_SECONDS = 20.0
_SETTINGS = ("endpoint", "region")


class StoreError(EnvironmentFailedError):
    """The store did not answer, or answered with a failure; nothing is concluded from that."""

    hint = "the player keeps playing and tries again"


class StoreDeniedError(StoreError):
    """The store does not let this player do that."""

    hint = "check the player's credentials for the store"


class _TakenError(StoreError):
    """An object that was to be created is there already."""


class RangeRefusedError(StoreError):
    """The store does not hold, or does not serve, the part of the object that was asked for."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read; `etag` is empty where the store has none."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class NotModified:
    """The object is still the one with the ETag that was given."""


class Store(Protocol):
    """What the player asks of a store; keys are relative to its prefix."""

    url: str
    """Where it is, for messages."""

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        """Read an object of at most `limit` bytes; None says that the store answered that it does not exist.

        Raises:
            StoreError: the store failed, or the object is larger.
        """
        ...

    def stream(self, key: str, *, offset: int) -> Iterator[bytes]:
        """An object's bytes from an offset, as they arrive; given up when they arrive too slowly.

        Raises:
            RangeRefusedError: the store does not serve that part.
            StoreError: the store failed; also in the middle.
        """
        ...

    def write(self, key: str, data: bytes) -> None:
        """Write an object whole, over what was there.

        Raises:
            StoreError: the store failed, or cannot be written.
        """
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Write an object whole unless there is one; whether it was written.

        Raises:
            StoreError: the store failed, or cannot be written; whether the object is there is not known then.
        """
        ...


def open_store(url: str, environment: Mapping[str, str]) -> Store:
    """Open a store by its address; it is first asked when it is first used, so that a player starts without it.

    Raises:
        ConfigurationError: the address is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        _s3_settings(url)
    elif parts.query or parts.fragment:
        raise ConfigurationError(f"{url[:200]}: only an s3:// address has settings")
    return _Store(url, environment)


class _Store:
    """A store through obstore: one client for small objects, one for clips, made when first used."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self.url = url.partition("?")[0]
        self._address = url
        self._environment = environment
        self._opened: dict[bool, LocalStore | S3Store | HTTPStore] = {}

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        options: GetOptions = {"if_none_match": if_none_match} if if_none_match else {}
        deadline = time.monotonic() + _READ_SECONDS
        with self._failures(f"reading {key}"):
            try:
                result = self._get(key, options, long=False)
            except NotModifiedError:
                return NotModified()
            except FileNotFoundError:
                return None
            data = bytearray()
            for chunk in _chunks(result):
                data += chunk
                if len(data) > limit:
                    raise StoreError(f"{self.url}: {key} is larger than the {limit} bytes that are read")
                if time.monotonic() > deadline:
                    raise StoreError(f"{self.url}: {key} took longer than {_READ_SECONDS:.0f} s")
            return Stored(bytes(data), result.meta["e_tag"] or "")

    def stream(self, key: str, *, offset: int) -> Iterator[bytes]:
        options: GetOptions = {"range": {"offset": offset}} if offset else {}
        with self._failures(f"fetching {key}"):
            try:
                result = self._get(key, options, long=True)
            except FileNotFoundError as error:
                raise StoreError(f"{self.url}: {key} is not there") from error
            except BaseError as error:
                if offset and _speaks_of_range(error):
                    raise RangeRefusedError(f"{self.url}: {key} is not served from byte {offset}") from error
                raise
            pace = Pace(time.monotonic())
            for chunk in _chunks(result):
                yield chunk
                if pace.too_slow(time.monotonic(), len(chunk)):
                    raise StoreError(f"{self.url}: {key} comes at less than {SLOWEST_RATE} bytes a second")

    def write(self, key: str, data: bytes) -> None:
        self._put(key, data, "overwrite")

    def create(self, key: str, data: bytes) -> bool:
        try:
            self._put(key, data, "create")
        except _TakenError:
            return False
        return True

    def _put(self, key: str, data: bytes, mode: "PutMode") -> None:
        with self._failures(f"writing {key}"):
            try:
                obstore.put(self._store(long=False), key, data, mode=mode, use_multipart=False)
            except AlreadyExistsError as error:
                raise _TakenError(f"{self.url}: {key} is there already") from error
            except (NotSupportedError, NotImplementedError) as error:
                raise StoreError(f"{self.url} cannot be written", hint="set reportStore") from error
            except FileNotFoundError as error:
                raise StoreError(f"{self.url} is not there") from error

    def _get(self, key: str, options: "GetOptions", *, long: bool) -> "GetResult":
        return obstore.get(self._store(long=long), key, options=options)

    def _store(self, *, long: bool) -> "LocalStore | S3Store | HTTPStore":
        if long not in self._opened:
            self._opened[long] = _connect(self._address, self._environment, long=long)
        return self._opened[long]

    @contextmanager
    def _failures(self, doing: str) -> Generator[None]:
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
            raise StoreDeniedError(f"{self.url}: {doing}: access denied") from error
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(f"{self.url}: {doing}: {plain(error)}") from error


class Pace:
    """Notices a transfer that trickles: less than `SLOWEST_RATE` over a window of twenty seconds."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._bytes = 0

    def too_slow(self, now: float, received: int) -> bool:
        """Count what came; `now` is monotonic, in seconds."""
        self._bytes += received
        passed = now - self._since
        if passed < _GRACE_SECONDS:
            return False
        slow = self._bytes < SLOWEST_RATE * passed
        self._since, self._bytes = now, 0
        return slow


def _chunks(result: "GetResult") -> Iterator[bytes]:
    """As they arrive: a larger minimum would wait for a trickle until it is one chunk."""
    for chunk in result.stream(min_chunk_size=1):
        for start in range(0, len(chunk), _CHUNK):
            yield bytes(chunk[start : start + _CHUNK])


def _connect(url: str, environment: Mapping[str, str], *, long: bool) -> LocalStore | S3Store | HTTPStore:
    parts = urlsplit(url)
    client: ClientConfig = {
        "connect_timeout": _CONNECT,
        "read_timeout": _STALL,
        "timeout": _LONGEST_STREAM if long else timedelta(seconds=_READ_SECONDS),
        "user_agent": "avtech-player",
        "allow_http": True,
    }
    retry: RetryConfig = {"max_retries": 0 if long else 1, "retry_timeout": timedelta(seconds=10)}
    match parts.scheme:
        case "file":
            return LocalStore(Path(unquote(parts.path)))
        case "s3":
            prefix = unquote(parts.path).strip("/")
            return S3Store(
                parts.netloc,
                prefix=prefix or None,
                config=_s3_config(_s3_settings(url), environment),
                client_options=client,
                retry_config=retry,
            )
        case _:
            client["allow_http"] = parts.scheme == "http"
            return HTTPStore(url.rstrip("/"), client_options=client, retry_config=retry)


def _s3_settings(url: str) -> dict[str, str]:
    query = dict(parse_qsl(urlsplit(url).query))
    if unknown := sorted(query.keys() - set(_SETTINGS)):
        raise ConfigurationError(f"an s3:// address has no setting {unknown[0]!r:.80}", hint=f"it has {', '.join(_SETTINGS)}")
    return query


def _s3_config(query: Mapping[str, str], environment: Mapping[str, str]) -> "S3Config":
    """Credentials and what is missing come from the standard AWS variables; without credentials requests are anonymous."""
    endpoint = query.get("endpoint") or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    region = query.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    config: S3Config = {"region": region}
    if endpoint:
        config["endpoint"] = endpoint
        config["virtual_hosted_style_request"] = False
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        config["access_key_id"], config["secret_access_key"] = key, secret
        if token := environment.get("AWS_SESSION_TOKEN"):
            config["session_token"] = token
    else:
        config["skip_signature"] = True
    return config


def _speaks_of_range(error: BaseError) -> bool:
    text = str(error).lower()
    return "non-partial" in text or "range" in text or "416" in text
