"""Examines keys, trust/ and what is released: what expires soon, what lacks signatures, what does not fit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tuf.api.metadata import Root, Snapshot, Targets

from avtech_controller.stores import ObjectStore
from avtech_controller.trust._ailments import Ailment, error, warning
from avtech_controller.trust._anchor import Anchor, anchor_of
from avtech_controller.trust._collect import Waiting, waiting_files
from avtech_controller.trust._folder import TRUST_FOLDER, read_folder, trust_file
from avtech_controller.trust._key_files import key_file_ailments
from avtech_controller.trust._metadata import (
    BINS_LIFETIME,
    ROOT_LIFETIME,
    SNAPSHOT_LIFETIME,
    TARGETS_LIFETIME,
    TIMESTAMP_LIFETIME,
    key_name,
)
from avtech_controller.trust._reader import ReleasedMetadata, read_released
from avtech_controller.trust._rotation import Duty, keys_for, root_problems
from avtech_controller.trust._stored import has_history, missing_roots
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.layout import TIMESTAMP_KEY

LATE_SHARE = 0.3
"""What has less than this share of its life left is late: it should have been signed anew before."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a role's metadata expires, and how long it lives when it is new."""

    what: str
    expires: datetime
    lifetime: timedelta
    where: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found: ailments, the anchor in force (None if trust/ does not hold), and when things expire."""

    ailments: tuple[Ailment, ...]
    anchor: Anchor | None
    expiries: tuple[Expiry, ...]
    waiting: tuple[Waiting, ...]


def examine(repo: Path, *, keys_dir: Path | None, store: ObjectStore | None, now: datetime) -> Diagnosis:
    """Examine trust/ of a repository, a directory of keys and a store, as far as they are given.

    Raises:
        StoreError, StoreConfigurationError: the store failed; nothing is concluded from that.
    """
    try:
        folder = read_folder(repo)
    except (TrustError, ConfigurationError) as failure:
        keys = tuple(key_file_ailments(keys_dir, None)) if keys_dir else ()
        return Diagnosis((error("trust", str(failure), f"{TRUST_FOLDER}/", failure.hint), *keys), None, (), ())
    anchor, waiting = anchor_of(folder), waiting_files(folder)
    expiries = list(_offline_expiries(anchor))
    ailments = [*_waiting_ailments(waiting), *_duty_ailments(anchor)]
    if store is not None:
        try:
            released = read_released(store, anchor)
            ailments += _store_ailments(store, anchor, released)
            expiries += _online_expiries(released)
        except TrustError as failure:
            ailments.append(error("store", str(failure), store.url, failure.hint))
    ailments += [found for expiry in expiries if (found := late(expiry, now))]
    if keys_dir is not None:
        ailments += key_file_ailments(keys_dir, anchor.root)
    return Diagnosis(tuple(ailments), anchor, tuple(expiries), waiting)


def late(expiry: Expiry, now: datetime) -> Ailment | None:
    """The ailment of what has expired, or has less than 30 % of its life left."""
    left = expiry.expires - now
    if left <= timedelta(0):
        message = f"the {expiry.what} metadata expired at {expiry.expires:%Y-%m-%d %H:%M} UTC"
    elif left < expiry.lifetime * LATE_SHARE:
        message = f"the {expiry.what} metadata expires at {expiry.expires:%Y-%m-%d %H:%M} UTC, in {_span(left)}"
    else:
        return None
    return error("expiry", message, expiry.where, expiry.remedy)


def _span(left: timedelta) -> str:
    return f"{left.days} days" if left.days > 1 else f"{left.total_seconds() / 3600:.0f} hours"


def _offline_expiries(anchor: Anchor) -> Iterator[Expiry]:
    targets = anchor.delegations[anchor.newest].targets
    for role, expires, lifetime, version in (
        (Root.type, anchor.root.expires, ROOT_LIFETIME, anchor.root.version),
        (Targets.type, targets.expires, TARGETS_LIFETIME, anchor.newest),
    ):
        remedy = f"`avtech keys rotate {role}` writes it anew for another year; its key holders sign"
        yield Expiry(role, expires, lifetime, trust_file(role, version), remedy)


def _online_expiries(released: ReleasedMetadata | None) -> Iterator[Expiry]:
    if released is None:
        return
    renew = "`avtech publish --renew` signs it anew; look why the scheduled job does not run"
    beat = "`avtech publish --heartbeat` signs it anew; look why the scheduled job does not run"
    yield Expiry("timestamp", released.timestamp.expires, TIMESTAMP_LIFETIME, TIMESTAMP_KEY, beat)
    yield Expiry("snapshot", released.snapshot.expires, SNAPSHOT_LIFETIME, f"{released.snapshot.version}.snapshot.json", renew)
    name, first = min(released.bins.items(), key=lambda item: (item[1].expires, item[0]))
    yield Expiry("bins", first.expires, BINS_LIFETIME, f"{first.version}.{name}.json", renew)


def _waiting_ailments(waiting: tuple[Waiting, ...]) -> Iterator[Ailment]:
    for one in waiting:
        for quorum in one.quorums:
            if quorum.missing:
                names = ", ".join(key_name(key) for key in quorum.unsigned)
                message = f"{len(quorum.signed)} of {quorum.threshold} signatures of {quorum.of}; it waits for {names}"
                yield error("signatures", message, one.file, "each key holder: avtech keys sign --key FILE, then commit")
        if one.complete:
            yield error("signatures", "signed, but it waits for the targets metadata that its keys must sign", one.file)


def _duty_ailments(anchor: Anchor) -> Iterator[Ailment]:
    where = trust_file(Root.type, anchor.root.version)
    for problem in root_problems(anchor.root):
        yield error("duties", problem, where)
    offline = {key.keyid for duty in (Duty.ROOT, Duty.TARGETS, Duty.HEARTBEAT) for key in keys_for(anchor.root, duty)}
    bins = set(anchor.bins(anchor.newest).keyids)
    targets_file = trust_file(Targets.type, anchor.newest)
    for keyid in sorted(bins & offline):
        yield error("duties", f"key {key_name(anchor.root.keys[keyid])} also signs the bins; these must be apart", targets_file)
    for key in anchor.keys_of(Snapshot.type):
        if key.keyid not in bins:
            message = f"publish key {key_name(key)} may sign the snapshot, but not the bins"
            yield error("duties", message, targets_file, "`avtech keys rotate targets` delegates to the keys of the root")
    if anchor.root.roles[Root.type].threshold == 1:
        yield warning("duties", "one stolen root key suffices to take the fleet over", where, "2 of 3 root keys are advised")


def _store_ailments(store: ObjectStore, anchor: Anchor, released: ReleasedMetadata | None) -> Iterator[Ailment]:
    missing = missing_roots(store, anchor)
    if released is None and has_history(store):
        message = f"it holds release records but no {TIMESTAMP_KEY}: the store is damaged, or was restored in part"
        yield error("store", message, store.url, "`avtech publish --repair` mends it: see docs/runbooks/store-damaged.md")
    if released is None:
        return
    bring = "`avtech publish` or `avtech publish --renew` brings it to players"
    for version in missing:
        yield error("store", f"{trust_file(Root.type, version)} is in force, but not published", store.url, bring)
    if released.targets_version != anchor.newest:
        yield error("store", f"{trust_file(Targets.type, anchor.newest)} is in force, but not published", store.url, bring)
    for role, current in (("timestamp", released.timestamp_current), ("snapshot", released.snapshot_current)):
        if not current:
            yield error("store", f"the released {role} is signed by keys that were replaced", store.url, bring)
