"""The heartbeat: signs the timestamp anew, and nothing else, so that players know that what they have is the newest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from securesystemslib.signer import Signer
from tuf.api.metadata import Snapshot, Timestamp

from avtech_controller.stores import ObjectStore, PreconditionFailedError, StoreError
from avtech_controller.trust import (
    TIMESTAMP_LIFETIME,
    Anchor,
    ReleasedHead,
    expiry,
    missing_roots,
    read_released_head,
    sign_timestamp,
)
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.identifiers import ByteSize, CommitId
from avtech_schema.layout import TIMESTAMP_KEY

DUE_AFTER = timedelta(hours=3)
"""A timestamp younger than this is left alone: running twice, or right after a publication, costs players nothing."""
_MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Beat:
    """How a heartbeat ended: the timestamp's version and expiry now, and the release that it stands for."""

    outcome: Literal["renewed", "unchanged"]
    version: int
    expires: datetime
    sequence: int
    commit: CommitId
    bytes_written: ByteSize


def heartbeat(store: ObjectStore, anchor: Anchor, signer: Signer, clock: Callable[[], datetime]) -> Beat:
    """Sign the timestamp of the released snapshot anew, unless somebody did so within three hours.

    Raises:
        ConfigurationError: nothing is released.
        TrustError: the key may not, a signature does not hold, or what is released has expired otherwise.
        StoreError, StoreConfigurationError: the store failed; nothing was changed.
    """
    anchor.check_heartbeat(signer, clock())
    for _ in range(_MAX_ATTEMPTS):
        head = read_released_head(store, anchor)
        if head is None:
            raise ConfigurationError(
                f"nothing is released in {store.url}, or it lost {TIMESTAMP_KEY}",
                hint="the first `avtech publish` comes before; what was lost is mended by docs/runbooks/store-damaged.md",
            )
        if missing := missing_roots(store, anchor):
            raise TrustError(
                f"players do not have root version {missing[0]} of trust/ yet",
                hint="`avtech publish` brings it to them; the heartbeat changes nothing but the timestamp",
            )
        now = clock()
        timestamp = head.timestamp.signed
        if anchor.is_current(Timestamp.type, head.timestamp) and now - signed_at(timestamp) < DUE_AFTER:
            return _beat("unchanged", head, timestamp.version, timestamp.expires, 0)
        _check_snapshot(anchor, head, now)
        version = timestamp.version + 1
        data = sign_timestamp(head.snapshot.signed.version, version, head.pointer, now, signer)
        try:
            store.replace(TIMESTAMP_KEY, data, etag=head.etag)
        except PreconditionFailedError:
            continue  # Whoever won signed a timestamp too: most likely nothing is due any more.
        return _beat("renewed", head, version, expiry(now, TIMESTAMP_LIFETIME), len(data))
    raise StoreError(f"the timestamp in {store.url} changed {_MAX_ATTEMPTS} times meanwhile")


def signed_at(timestamp: Timestamp) -> datetime:
    """When a timestamp was signed, from its expiry."""
    return timestamp.expires - TIMESTAMP_LIFETIME


def _check_snapshot(anchor: Anchor, head: ReleasedHead, now: datetime) -> None:
    """A fresh timestamp over a snapshot that players refuse would only hide what is wrong."""
    hint = "`avtech publish --renew`, with the publish key, signs it anew"
    if not anchor.is_current(Snapshot.type, head.snapshot):
        raise TrustError("the released snapshot is signed by keys that have been replaced since", hint=hint)
    if head.snapshot.signed.expires <= now:
        raise TrustError(f"the released snapshot expired at {head.snapshot.signed.expires:%Y-%m-%d}", hint=hint)


def _beat(outcome: Literal["renewed", "unchanged"], head: ReleasedHead, version: int, expires: datetime, size: int) -> Beat:
    return Beat(outcome, version, expires, head.pointer.sequence, head.pointer.commit, ByteSize(size))
