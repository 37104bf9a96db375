"""The object store as a player sees it: bounded, timed, mostly reading, over `file://`, `s3://`, `https://`."""

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from avtech_player._store_clients import check_address, connect, proxy_words
from avtech_player._store_failures import FailureKind, busy_address, diagnose, is_panic, is_web_page, may_pass
from avtech_player._transfer import SLOWEST_RATE, Pace, Patience, Tally
from avtech_schema.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, PutMode
    from obstore.store import HTTPStore, LocalStore, S3Store

__all__ = [
    "SLOWEST_RATE",
    "FailureKind",
    "NotModified",
    "OtherObjectError",
    "Pace",
    "Patience",
    "RangeRefusedError",
    "Store",
    "StoreDeniedError",
    "StoreError",
    "Stored",
    "Tally",
    "open_store",
]
T = TypeVar("T")
_CHUNK = 1 << 20
_SMALL = 1 << 16
_REJECTED_SECONDS = 3600.0
_SOON_SECONDS = 10.0
_PATIENT = Patience()
_STRANGE = FailureKind.STRANGE


class StoreError(EnvironmentFailedError):
    """The store did not answer, or answered with a failure; nothing is concluded from that."""

    hint = "the player keeps playing and tries again"

    def __init__(self, message: str, *, kind: FailureKind = FailureKind.OTHER, hint: str = "") -> None:
        super().__init__(message, **({"hint": hint} if hint else {}))
        self.kind = kind


class StoreDeniedError(StoreError):
    """The store does not let this player do that."""

    hint = "check the player's credentials for the store"


class _TakenError(StoreError):
    """An object that was to be created is there already."""


class RangeRefusedError(StoreError):
    """The store does not hold, or does not serve, the part of the object that was asked for."""


class OtherObjectError(StoreError):
    """The store holds an object of another size under this name, or one that was rejected before."""

    hint = "upload the clip again with `avtech content add`"


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
    tally: Tally
    """What came of asking it since the start."""

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        """Read an object of at most `limit` bytes; None says that the store answered that it does not exist.

        Raises:
            StoreError: the store failed, or the object is larger.
        """
        ...

    def stream(self, key: str, *, offset: int, size: int | None = None) -> Iterator[bytes]:
        """An object's bytes from an offset, as they arrive; given up when they arrive too slowly.

        Raises:
            RangeRefusedError: the store does not serve that part.
            OtherObjectError: the object does not have `size` bytes in all, or it was rejected; told before the first byte.
            StoreError: the store failed; also in the middle.
        """
        ...

    def reject(self, key: str) -> None:
        """What was streamed under a key is not what it should be: as long as it stays the same it is not streamed again."""
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


def open_store(url: str, environment: Mapping[str, str], *, patience: Patience = _PATIENT) -> Store:
    """Open a store by its address; it is first asked when it is first used, so that a player starts without it.

    Raises:
        ConfigurationError: the address is wrong.
    """
    check_address(url, environment)
    return _Store(url, environment, patience)


class _Store:
    """A store through obstore: one client for small objects, one for clips, made when first used."""

    def __init__(self, url: str, environment: Mapping[str, str], patience: Patience) -> None:
        self.url = url.partition("?")[0]
        self.tally = Tally()
        self._address = url
        self._environment = environment
        self._patience = patience
        self._through = proxy_words(url, environment)
        self._opened: dict[bool, LocalStore | S3Store | HTTPStore] = {}
        self._streamed: tuple[str, str] = ("", "")
        self._rejected: dict[str, tuple[str, float]] = {}

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        options: GetOptions = {"if_none_match": if_none_match} if if_none_match else {}
        with self._failures(f"reading {key}"):
            try:
                result = self._get(key, options, long=limit > _SMALL)
            except NotModifiedError as error:
                if if_none_match:
                    return NotModified()
                raise self._unasked(key) from error
            except FileNotFoundError:
                return None
            data = bytearray()
            for chunk in self._body(key, result):
                data += chunk
                if len(data) > limit:
                    raise StoreError(f"{self.url}: {key} is larger than the {limit} bytes that are read", kind=_STRANGE)
            return Stored(bytes(data), result.meta["e_tag"] or "")

    def stream(self, key: str, *, offset: int, size: int | None = None) -> Iterator[bytes]:
        with self._failures(f"fetching {key}"):
            result = self._part(key, offset)
            found = result.meta["size"]
            if size is not None and found != size and not self._is_page(result):
                raise OtherObjectError(f"{self.url}: {key} has {found} bytes, not the {size} that were released", kind=_STRANGE)
            self._streamed = (key, result.meta["e_tag"] or "")
            self._rejected.pop(key, None)
            yield from self._body(key, result, whole=offset == 0)

    def reject(self, key: str) -> None:
        self.tally.failures[_STRANGE] += 1
        streamed, etag = self._streamed
        until = math.inf if etag else time.monotonic() + _REJECTED_SECONDS
        self._rejected[key] = (etag if streamed == key else "", until)

    def write(self, key: str, data: bytes) -> None:
        self._put(key, data, "overwrite")

    def create(self, key: str, data: bytes) -> bool:
        try:
            self._put(key, data, "create")
        except _TakenError:
            return False
        return True

    def _part(self, key: str, offset: int) -> "GetResult":
        """Ask for an object from an offset on, unless it is one that was rejected."""
        etag, until = self._rejected.get(key, ("", 0.0))
        rejected = OtherObjectError(f"{self.url}: {key} is still not the clip that was released", kind=_STRANGE)
        if not etag and time.monotonic() < until:
            raise rejected
        options: GetOptions = {"range": {"offset": offset}} if offset else {}
        if etag:
            options["if_none_match"] = etag
        try:
            return self._get(key, options, long=True)
        except NotModifiedError as error:
            raise rejected if etag else self._unasked(key) from error
        except FileNotFoundError as error:
            raise StoreError(f"{self.url}: {key} is not there", kind=FailureKind.MISSING) from error
        except BaseError as error:
            if offset and _speaks_of_range(error):
                raise RangeRefusedError(f"{self.url}: {key} is not served from byte {offset}", kind=_STRANGE) from error
            raise

    def _body(self, key: str, result: "GetResult", *, whole: bool = True) -> Iterator[bytes]:
        """What an answer brings, as it arrives, unless that is a page for people or comes too slowly."""
        if self._is_page(result):
            raise self._page(key)
        if (encoding := str(result.attributes.get("Content-Encoding", "identity"))) != "identity":
            raise StoreError(f"{self.url}: {key} comes encoded ({encoding:.20}), not as it is", kind=_STRANGE)
        pace = Pace(time.monotonic(), self._patience)
        first = whole
        for chunk in _chunks(result):
            if first and is_web_page("", chunk):
                raise self._page(key)
            first = False
            self.tally.received += len(chunk)
            yield chunk
            if pace.too_slow(time.monotonic(), len(chunk)):
                slowest = self._patience.slowest
                raise StoreError(f"{self.url}: {key} comes at less than {slowest} bytes a second", kind=FailureKind.SLOW)

    @staticmethod
    def _is_page(result: "GetResult") -> bool:
        return is_web_page(str(result.attributes.get("Content-Type", "")), b"")

    def _unasked(self, key: str) -> StoreError:
        return StoreError(f"{self.url}: {key} is said not to have changed, which was not asked", kind=_STRANGE)

    def _page(self, key: str) -> StoreError:
        hint = "is there a login page (a captive portal) or a filter between this device and the store?"
        return StoreError(f"{self.url}: a web page is answered in place of {key}", kind=_STRANGE, hint=hint)

    def _put(self, key: str, data: bytes, mode: "PutMode") -> None:
        with self._failures(f"writing {key}"):
            store = self._store(long=False)
            try:
                self._asked(lambda: obstore.put(store, key, data, mode=mode, use_multipart=False), again=mode == "overwrite")
            except AlreadyExistsError as error:
                raise _TakenError(f"{self.url}: {key} is there already") from error
            except (NotSupportedError, NotImplementedError) as error:
                raise StoreError(f"{self.url} cannot be written", hint="set reportStore", kind=FailureKind.DENIED) from error
            except FileNotFoundError as error:
                raise StoreError(f"{self.url} is not there", kind=FailureKind.MISSING) from error

    def _get(self, key: str, options: "GetOptions", *, long: bool) -> "GetResult":
        store = self._store(long=long)
        return self._asked(lambda: obstore.get(store, key, options=options), again=not long)

    def _asked(self, request: Callable[[], T], *, again: bool) -> T:
        """What comes of a request, which is made once more where that may well help."""
        self.tally.requests += 1
        began = time.monotonic()
        try:
            return request()
        except BaseError as error:
            if not again or time.monotonic() - began > _SOON_SECONDS or not may_pass(error):
                raise
        self.tally.requests += 1
        return request()

    def _store(self, *, long: bool) -> "LocalStore | S3Store | HTTPStore":
        if long not in self._opened:
            self._opened[long] = connect(self._address, self._environment, self._patience, long=long)
        return self._opened[long]

    @contextmanager
    def _failures(self, doing: str) -> Generator[None]:
        try:
            yield
            self.tally.busy_at = ""
        except _TakenError:
            raise
        except StoreError as error:
            self.tally.failures[error.kind] += 1
            raise
        except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
            self.tally.failures[FailureKind.DENIED] += 1
            raise StoreDeniedError(f"{self.url}: {doing}: access denied", kind=FailureKind.DENIED) from error
        except (BaseError, OSError, ValueError) as error:
            kind, words = diagnose(error)
            self.tally.failures[kind] += 1
            self.tally.busy_at = busy_address(error)
            raise StoreError(f"{self.url}: {doing}: {words}{self._through}", kind=kind) from error
        except BaseException as error:
            if not is_panic(error):
                raise
            self.tally.failures[FailureKind.OTHER] += 1
            told = f"{self.url}: {doing}: no request can be made ({diagnose(error)[1]})"
            raise StoreError(told, hint="check the store's address, the AWS variables and the proxy") from error


def _chunks(result: "GetResult") -> Iterator[bytes]:
    """As they arrive: a larger minimum would wait for a trickle until it is one chunk."""
    for chunk in result.stream(min_chunk_size=1):
        for start in range(0, len(chunk), _CHUNK):
            yield chunk[start : start + _CHUNK]


def _speaks_of_range(error: BaseError) -> bool:
    text = str(error).lower()
    return "non-partial" in text or "range" in text or "416" in text
