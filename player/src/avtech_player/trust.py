"""What the release is: what signed metadata says of this screen, asked for as seldom as its signatures allow."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tuf.api.metadata import TargetFile

from avtech_player import metadata
from avtech_player.clock import TrustedClock, parse_instant
from avtech_player.floor import Floor, RollbackError
from avtech_player.metadata import TIMESTAMP_LIMIT, ExpiredError, MetadataClient
from avtech_player.store import NotModified, Store, Stored, StoreError
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import ClientId, ScreenId, Sha256, commit_id, screen_id, sha256
from avtech_schema.layout import TIMESTAMP_KEY, target_path
from avtech_schema.report import ReleaseRef

__all__ = ["ExpiredError", "Refusal", "Trust", "Unchanged", "Verified"]

RELEASE_FIELD = "x-avtech-release"
SIGNED_FIELD = "x-avtech-signed"
_FULL_REFRESH_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Verified:
    """What signed metadata says: this screen's release, or None when the repository has nothing for this screen."""

    ref: ReleaseRef | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing was signed since the last look; what that said is still valid."""

    ref: ReleaseRef | None


@dataclass(frozen=True, slots=True)
class _Look:
    """The last complete look: the timestamp's ETag and expiry, when it was (monotonic seconds), and what it said.

    `length` is the signed size of the manifest, in bytes.
    """

    etag: str
    expiry: datetime
    at: float
    ref: ReleaseRef | None
    length: int


class Refusal(StrEnum):
    """Why metadata were refused; each is a label of a metric."""

    EXPIRED = "expired"
    """Publishing, or renewing, has stopped; or somebody keeps it from this player."""
    OLDER = "older"
    """They are older than what this player has seen: a replay, or a store put back from a backup."""
    OTHER = "other"
    """A signature, a hash or a field does not hold."""


class Trust:
    """Learns the release from the store, and believes nothing else. Not for two threads at once.

    `directory` is the state directory: the floor lies in it, python-tuf's files in `trust/` below it.
    """

    def __init__(
        self,
        directory: Path,
        store: Store,
        clock: TrustedClock,
        *,
        root: bytes,
        client: ClientId,
        screen: ScreenId,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._metadata = MetadataClient(directory / "trust", directory, store, root=root)
        self._screen = screen
        self._path = target_path(client, screen)
        self._monotonic = monotonic
        self._look: _Look | None = None
        self.refusals: Counter[Refusal] = Counter()
        """How often metadata were refused since the start, by why."""
        if self.floor.signed is not None:
            clock.signed(self.floor.signed, expiry=self.floor.expiry)

    @property
    def floor(self) -> Floor:
        """The highest versions and signed time that were accepted."""
        return self._metadata.floor

    def signed_length(self, digest: Sha256) -> int | None:
        """How many bytes a manifest has, by the signature of the last complete look; None when that named another."""
        look = self._look
        return look.length if look is not None and look.ref is not None and look.ref.digest == digest else None

    def check(self) -> Verified | Unchanged:
        """Look whether there is a new release: by one conditional request, unless a day has passed or this is the first.

        Raises:
            StoreError: the store failed.
            TrustError: what it offers does not hold, is older than what was seen (RollbackError), or expired (ExpiredError).
            DiskError: the disk refused.
        """
        try:
            return self._check()
        except TrustError as error:
            self.refusals[_refusal(error)] += 1
            raise

    def _check(self) -> Verified | Unchanged:
        known = self._fresh_look()
        found = self._store.read(TIMESTAMP_KEY, limit=TIMESTAMP_LIMIT, if_none_match=known.etag if known else "")
        if known is not None and isinstance(found, NotModified):
            return Unchanged(known.ref)
        if not isinstance(found, Stored):
            raise StoreError(
                f"{self._store.url} holds no {TIMESTAMP_KEY}", hint="nothing was published there yet, or it is another place"
            )
        return self._refresh(found)

    def _fresh_look(self) -> _Look | None:
        look = self._look
        if look is None or not look.etag or self._monotonic() - look.at > _FULL_REFRESH_SECONDS:
            return None
        return look if self._clock.now() < look.expiry else None

    def _refresh(self, timestamp: Stored) -> Verified:
        found = self._metadata.walk([self._path], now=self._clock.now(), at_hand={TIMESTAMP_KEY: timestamp.data})
        signed = _signed_time(found)
        target = found.targets[self._path]
        ref = None if target is None else _release(target, self._screen)
        self._metadata.accept(found, signed=signed)
        if self.floor.signed is not None:
            self._clock.signed(self.floor.signed, expiry=found.expiry)
        self._look = _Look(timestamp.etag, found.expiry, self._monotonic(), ref, target.length if target else 0)
        return Verified(ref)


def _refusal(error: TrustError) -> Refusal:
    match error:
        case ExpiredError():
            return Refusal.EXPIRED
        case RollbackError():
            return Refusal.OLDER
        case _:
            return Refusal.OTHER


def _signed_time(verified: metadata.Verified) -> datetime | None:
    """When the timestamp was signed. It cannot raise the floor beyond what the offline keys vouch for."""
    repeated, released = (signed.unrecognized_fields.get(RELEASE_FIELD) for signed in (verified.timestamp, verified.snapshot))
    for field in ("sequence", "commit"):
        if isinstance(repeated, dict) and isinstance(released, dict) and repeated.get(field) != released.get(field):
            raise TrustError(f"timestamp and snapshot name different releases ({field})")
    text = verified.timestamp.unrecognized_fields.get(SIGNED_FIELD)
    if text is None:
        return None
    try:
        signed = parse_instant(text)
    except (TypeError, ValueError) as error:
        raise TrustError(f"the timestamp's time of signing is not a time ({error})") from error
    if signed > min(verified.timestamp.expires, verified.root.expires).replace(tzinfo=UTC):
        raise TrustError("the timestamp was signed after it expired")
    return signed


def _release(target: TargetFile, screen: ScreenId) -> ReleaseRef:
    """Which release a target is, from its hash and its `custom` field; it must name this screen."""
    try:
        fields = Fields(target.custom, "the target's custom field")
        named = fields.one("screen", screen_id)
        ref = ReleaseRef(
            fields.integer("release", low=1),
            fields.one("commit", commit_id),
            sha256(target.hashes.get("sha256", "")),
        )
    except (FieldsError, ValueError) as error:
        raise TrustError(f"the release of {screen} is not described ({error})") from error
    if named != screen:
        raise TrustError(f"the release names another screen, {named}")
    return ref
