"""A real TUF repository in a directory, made with python-tuf alone: what a publisher leaves for players to find."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, DurationMs, ScreenId, Slug, VideoId
from avtech_schema.layout import content_key, manifest_key, metadata_key, target_path
from avtech_schema.manifest import Asset, Display, Item, Manifest, Orientation
from avtech_schema.report import ReleaseRef

ACME = ClientId("CLI-ACME")
LOBBY = ScreenId("SCR-ACME-0001")
OTHER = ScreenId("SCR-ACME-0002")
_COMPACT = JSONSerializer(compact=True)


def asset_of(data: bytes, client: ClientId = ACME, duration: int = 1000) -> Asset:
    digest = sha256_hex(data)
    return Asset(digest, ByteSize(len(data)), DurationMs(duration), content_key(client, digest))


def manifest_of(
    assets: Mapping[str, Asset], *, screen: ScreenId = LOBBY, client: ClientId = ACME, width: int = 1920
) -> Manifest:
    """A manifest that plays its clips in turn, always, as its fallback."""
    items = tuple(Item(VideoId(name), None) for name in sorted(assets))
    return Manifest(
        screen=screen,
        client=client,
        time_zone="Europe/Vienna",
        display=Display(width, 1080, Orientation.LANDSCAPE, None),
        rules=(),
        playlists={Slug("all"): items},
        fallback=Slug("all"),
        assets={VideoId(name): asset for name, asset in assets.items()},
    )


def commit_of(sequence: int) -> CommitId:
    return CommitId(hashlib.sha1(str(sequence).encode()).hexdigest())


def signer() -> CryptoSigner:
    return CryptoSigner(Ed25519PrivateKey.generate())


@dataclass
class Keys:
    root: CryptoSigner = field(default_factory=signer)
    targets: CryptoSigner = field(default_factory=signer)
    online: CryptoSigner = field(default_factory=signer)
    timestamp: CryptoSigner = field(default_factory=signer)


class Repository:
    """Publishes to `path` as a publisher would: the timestamp last. `now` is the time of signing."""

    def __init__(self, path: Path, *, now: datetime | None = None) -> None:
        self.path = path
        self.url = f"file://{path}"
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        self.keys = Keys()
        self.sequence = 0
        self.versions = {"root": 1, "targets": 1, "snapshot": 0, "timestamp": 0}
        self._released: dict[str, tuple[Manifest, int]] = {}
        self._custom: dict[str, Any] = {}
        self._bins: dict[str, int] = {}
        (path / "metadata").mkdir(parents=True, exist_ok=True)
        self._succinct = SuccinctRoles([self.keys.online.public_key.keyid], 1, 2, "bins")
        self._root = self._sign_root()
        self.root_bytes = (path / metadata_key("root", 1)).read_bytes()

    def put_clip(self, data: bytes, client: ClientId = ACME, *, duration: int = 1000) -> Asset:
        asset = asset_of(data, client, duration)
        self.write(asset.key, data)
        return asset

    def write(self, key: str, data: bytes) -> None:
        path = self.path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".new")
        temporary.write_bytes(data)
        temporary.replace(path)

    def publish(
        self,
        *manifests: Manifest,
        custom: Mapping[str, Any] | None = None,
        at: str | None = None,
        raw: bytes | None = None,
        lifetime: timedelta = timedelta(days=7),
        retry: bool = False,
    ) -> ReleaseRef:
        """Release manifests; returns the last one's reference. `raw` and `custom` let a publisher be wrong."""
        self.sequence += 1
        ref: ReleaseRef | None = None
        for manifest in manifests:
            data = raw if raw is not None else manifest.canonical()
            path = at or target_path(manifest.client, manifest.screen)
            before = self._released.get(path)
            changed = retry or before is None or self._custom[path]["raw"] != data
            release = self.sequence if changed or before is None else before[1]
            digest = sha256_hex(data)
            client, _, name = path.partition("/")
            self.write(manifest_key(ClientId(client), ScreenId(name.removesuffix(".json")), digest), data)
            self._released[path] = (manifest, release)
            self._custom[path] = {"raw": data, "more": dict(custom or {})}
            ref = ReleaseRef(release, commit_of(release), digest)
        self.sign(lifetime=lifetime)
        assert ref is not None
        return ref

    def withdraw(self, path: str) -> None:
        self.sequence += 1
        del self._released[path], self._custom[path]
        self.sign()

    def sign(self, *, lifetime: timedelta = timedelta(days=7)) -> None:
        """Sign bins, snapshot and timestamp anew."""
        targets = self._sign_targets()
        meta = {"targets.json": MetaFile(targets)}
        for name in self._succinct.get_roles():
            self._bins[name] = self._bins.get(name, 0) + 1
            bin_ = Targets(self._bins[name], expires=self.now + timedelta(days=365))
            for path, (manifest, release) in self._released.items():
                if self._succinct.get_role_for_target(path) == name:
                    bin_.targets[path] = self._target(path, manifest, release)
            self._write(name, bin_, self.keys.online)
            meta[f"{name}.json"] = MetaFile(bin_.version)
        pointer = {"sequence": self.sequence or 1, "commit": commit_of(self.sequence)}
        self.versions["snapshot"] += 1
        snapshot = Snapshot(self.versions["snapshot"], expires=self.now + timedelta(days=30), meta=meta)
        snapshot.unrecognized_fields["x-avtech-release"] = {**pointer, "digest": "0" * 64}
        self._write("snapshot", snapshot, self.keys.online)
        self.sign_timestamp(lifetime=lifetime)

    def sign_timestamp(self, *, lifetime: timedelta = timedelta(days=7), signed: datetime | None = None) -> None:
        self.versions["timestamp"] += 1
        timestamp = Timestamp(
            self.versions["timestamp"],
            expires=self.now + lifetime,
            snapshot_meta=MetaFile(self.versions["snapshot"]),
        )
        pointer = {"sequence": self.sequence or 1, "commit": commit_of(self.sequence)}
        timestamp.unrecognized_fields["x-avtech-release"] = pointer
        timestamp.unrecognized_fields["x-avtech-signed"] = (signed or self.now).isoformat().replace("+00:00", "Z")
        metadata = Metadata(timestamp)
        metadata.sign(self.keys.timestamp)
        self.write("metadata/timestamp.json", metadata.to_bytes(_COMPACT))

    def rotate(self, **keys: CryptoSigner) -> None:
        """A new root, signed by the old root key too, with new keys for some roles."""
        old = self.keys.root
        self.keys = replace(self.keys, **keys)
        self.versions["root"] += 1
        self._root = self._sign_root(old)

    def restart_versions(self, *roles: str) -> None:
        """Count some roles from 1 again, as after a rotation of their keys."""
        for role in roles:
            self.versions[role] = 0

    def _target(self, path: str, manifest: Manifest, release: int) -> TargetFile:
        target = TargetFile.from_data(path, self._custom[path]["raw"], ["sha256"])
        custom = {"screen": manifest.screen, "commit": commit_of(release), "release": release}
        target.unrecognized_fields["custom"] = {**custom, **self._custom[path]["more"]}
        return target

    def _sign_root(self, old: CryptoSigner | None = None) -> Root:
        root = Root(self.versions["root"], expires=self.now + timedelta(days=365), consistent_snapshot=True)
        for role, key in (
            ("root", self.keys.root),
            ("targets", self.keys.targets),
            ("snapshot", self.keys.online),
            ("timestamp", self.keys.timestamp),
        ):
            root.add_key(key.public_key, role)
        self._write("root", root, self.keys.root, *([old] if old else []))
        return root

    def _sign_targets(self) -> int:
        targets = Targets(self.versions["targets"], expires=self.now + timedelta(days=365))
        online = self.keys.online.public_key
        self._succinct = SuccinctRoles([online.keyid], 1, 2, "bins")
        targets.delegations = Delegations({online.keyid: online}, succinct_roles=self._succinct)
        self._write("targets", targets, self.keys.targets)
        return targets.version

    def _write(self, name: str, signed: Any, *signers: CryptoSigner) -> None:
        metadata: Metadata[Any] = Metadata(signed)
        for key in signers:
            metadata.sign(key, append=True)
        self.write(metadata_key(name, signed.version), metadata.to_bytes(_COMPACT))


__all__ = ["ACME", "LOBBY", "OTHER", "Repository", "asset_of", "manifest_of", "signer"]
