"""The port: what the controller asks of an object store. Keys are relative to the store's prefix."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NewType, Protocol, TypeVar

from avtech_schema.errors import ConfigurationError, EnvironmentFailedError
from avtech_schema.identifiers import ByteSize, Sha256

ETag = NewType("ETag", str)
R = TypeVar("R")


class StoreError(EnvironmentFailedError):
    """The store did not answer, answered with a failure, or is full; nothing is concluded from that."""

    hint = "nothing visible was changed; run the same command again when the store answers"


class StoreConfigurationError(ConfigurationError):
    """The store's address or credentials are wrong: no such bucket or directory, access denied, an unknown scheme."""


class PreconditionFailedError(StoreError):
    """A conditional write lost: the object exists already (create), or is no longer the one that was read (replace)."""


class PartlyDoneError(StoreError):
    """Some of many objects failed. `failed` says why, by key; `done` is how many were dealt with, of `total`."""

    hint = "what was written stays and is not written again: run the same command again when the store answers"

    def __init__(self, message: str, *, failed: Mapping[str, str], done: int, total: int) -> None:
        super().__init__(message)
        self.failed = failed
        self.done = done
        self.total = total


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that is to be created; `load` gives its bytes when its turn comes."""

    key: str
    load: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read."""

    data: bytes
    etag: ETag


@dataclass(frozen=True, slots=True)
class NotModified:
    """The object is still the one with the ETag that was given."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing names it; `modified` is when it was written, in UTC."""

    key: str
    size: ByteSize
    modified: datetime


class ObjectStore(Protocol):
    """An object store below a prefix. Every read is bounded; absent and unreadable are never confused."""

    url: str
    """Where it is, without credentials, for messages."""

    def get(self, key: str, *, limit: int, if_none_match: ETag | None = None) -> Stored | NotModified | None:
        """Read an object of at most `limit` bytes; None says that it surely does not exist.

        Raises:
            StoreError: the store failed, or the object is larger than `limit`.
            StoreConfigurationError: the store is not there, or denies access.
        """
        ...

    def size(self, key: str) -> int | None:
        """An object's size in bytes; None says that it surely does not exist.

        Raises:
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def create(self, key: str, data: bytes) -> ETag:
        """Write an object that must not exist yet (If-None-Match: *), durably and whole or not at all.

        Raises:
            PreconditionFailedError: it exists.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def create_all(self, objects: Sequence[NewObject], *, done: Callable[[], None] = lambda: None) -> list[bool]:
        """Write many objects at once, each as `create` does; says of each whether it was written (False: one is there).

        `done` is called after each. What fails is tried again, and then told with the number of those that were written.

        Raises:
            PartlyDoneError: some could not be written; the others were, or were not tried.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def get_all(
        self,
        keys: Sequence[str],
        *,
        limit: int,
        take: Callable[[str, Stored | StoreError | None], R],
        done: Callable[[], None] = lambda: None,
    ) -> list[R]:
        """Read many objects at once, each as `get` does, and keep of each what `take` makes of it, in the keys' order.

        `take` is given a key and what was read, or the failure of an object that could not be read, which it may raise.

        Raises:
            PartlyDoneError: too many could not be read.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def sizes(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[int | None]:
        """The sizes of many objects, each as `size` tells it.

        Raises:
            PartlyDoneError: some could not be looked at.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def etags(self, keys: Sequence[str], *, done: Callable[[], None] = lambda: None) -> list[ETag | None]:
        """The ETags of many objects, each as `etag` tells it.

        Raises:
            PartlyDoneError: some could not be looked at.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def replace(self, key: str, data: bytes, *, etag: ETag) -> ETag:
        """Write an object that must still be the one with `etag` (If-Match).

        Raises:
            PreconditionFailedError: it is another one now, or gone.
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def upload(self, key: str, path: Path) -> None:
        """Write a content-addressed object from a file, durably; one that exists already is left alone.

        Raises:
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix that ends in `/`, in order.

        Raises:
            StoreError, StoreConfigurationError: as for `get`; also in the middle, and then nothing may be concluded.
        """
        ...

    def listing(self, prefix: str) -> Iterator[Listed]:
        """The objects below a prefix that ends in `/`, in order of their keys.

        Raises:
            StoreError, StoreConfigurationError: as for `keys`.
        """
        ...

    def etag(self, key: str) -> ETag | None:
        """An object's ETag; None says that it surely does not exist.

        Raises:
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def sha256(self, key: str, *, limit: int) -> Sha256 | None:
        """The SHA-256 of an object of at most `limit` bytes, read piece by piece; None says that it surely does not exist.

        Raises:
            StoreError, StoreConfigurationError: as for `get`.
        """
        ...

    def delete(self, key: str, *, etag: ETag) -> bool:
        """Remove an object that must still be the one with `etag` (If-Match); False says that there surely is none.

        Raises:
            PreconditionFailedError: another one is there.
            StoreError, StoreConfigurationError: as for `get`; it may be gone or not.
        """
        ...
