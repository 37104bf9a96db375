"""A small world to publish in: keys, trust metadata, manifests made directly, and a walk over the store as a TUF client."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning import Plan
from avtech_controller.publication import Head, Publication, Publisher, Wanted, read_head, release_chain
from avtech_controller.stores import NewObject, ObjectStore, PreconditionFailedError, Stored, StoreError
from avtech_controller.trust import Anchor, create_repository, load_anchor, load_signer
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, DurationMs, ScreenId, Slug, VideoId
from avtech_schema.layout import content_key, target_path
from avtech_schema.manifest import Asset, Display, Item, Manifest, Orientation, Rule, parse_manifest

CLIENT = ClientId("CLI-ACME")
CLIP = b"not really a clip, but bytes with a size and a digest"


def commit(number: int) -> CommitId:
    """The numbered commit of a linear history."""
    return CommitId(f"{number:040x}")


def descends(older: CommitId, newer: CommitId) -> bool:
    """Whether one numbered commit follows another; from 0xf000 on they are of another history."""
    return int(older, 16) <= int(newer, 16) < 0xF000


def asset(data: bytes = CLIP) -> Asset:
    digest = sha256_hex(data)
    return Asset(digest, ByteSize(len(data)), DurationMs(5000), content_key(CLIENT, digest))


def screen(name: str, **changes: Any) -> CompiledScreen:
    """A compiled screen with one rule and a fallback; `changes` replace fields of its manifest."""
    manifest = Manifest(
        screen=ScreenId(name),
        client=CLIENT,
        time_zone="Europe/Madrid",
        display=Display(1920, 1080, Orientation.LANDSCAPE, None),
        rules=(Rule("day/1", Slug("day"), Slug("main")),),
        playlists={Slug("main"): (Item(VideoId("VID-ACME-A"), None),)},
        fallback=Slug("main"),
        assets={VideoId("VID-ACME-A"): asset()},
    )
    manifest = replace(manifest, **changes)
    data = manifest.canonical()
    return CompiledScreen(manifest.screen, manifest.client, sha256_hex(data), data, manifest)


def screens(count: int, **changes: Any) -> dict[ScreenId, CompiledScreen]:
    found = [screen(f"SCR-ACME-{number:04}", **changes) for number in range(1, count + 1)]
    return {compiled.screen: compiled for compiled in found}


@dataclass(frozen=True)
class World:
    """A repository with trust/, its publish key, and a store that holds the clip."""

    repo: Path
    keys: Path
    store: ObjectStore
    anchor: Anchor
    signer: CryptoSigner

    def publisher(
        self, *, approve: Callable[[Plan], None] = lambda plan: None, now: datetime | None = None, store: Any = None
    ) -> Publisher:
        return Publisher(
            store or self.store,
            self.anchor,
            self.signer,
            descends,
            approve,
            (lambda: now) if now else (lambda: datetime.now(UTC)),
            lambda step, parts: lambda: None,
        )

    def publish(self, number: int, wanted: Mapping[ScreenId, CompiledScreen], **options: Any) -> Publication:
        return self.publisher(**options).publish(Wanted(commit(number), wanted, "tester"))

    def head(self) -> Head:
        head = read_head(self.store, self.anchor)
        assert head is not None
        return head

    def chain(self) -> list[CommitId]:
        """The commits of all releases, newest first; every record is verified on the way."""
        records = list(release_chain(self.store, self.head().metadata.pointer, self.anchor.publishers))
        assert [record.sequence for _, record in records] == list(range(len(records), 0, -1))
        return [record.commit for _, record in records]


def make_world(directory: Path, store: ObjectStore, *, number: int = 10) -> World:
    repo, keys = directory / "repo", directory / "keys"
    repo.mkdir()
    create_repository(repo, keys, roots=3, threshold=2, screens=number, passphrase=None, now=datetime.now(UTC))
    clip = directory / "clip"
    clip.write_bytes(CLIP)
    store.upload(asset().key, clip)
    return World(repo, keys, store, load_anchor(repo), load_signer(str(keys / "publish.pem")))


class Passing:
    """Stands before a real store; what a subclass makes of `create` holds for many objects too, one after the other."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, data: bytes) -> Any:
        return self._store.create(key, data)

    def create_all(self, objects: Sequence[NewObject], *, done: Callable[[], None] = lambda: None) -> list[bool]:
        written: list[bool] = []
        for entry in objects:
            try:
                self.create(entry.key, entry.load())
            except PreconditionFailedError:
                written.append(False)
            else:
                written.append(True)
            done()
        return written


class Dying(Passing):
    """A store whose machine loses power at the n-th write."""

    def __init__(self, store: Any, writes: int) -> None:
        super().__init__(store)
        self._left = writes

    def create(self, key: str, data: bytes) -> Any:
        self._spend()
        return super().create(key, data)

    def replace(self, *arguments: Any, **options: Any) -> Any:
        self._spend()
        return self._store.replace(*arguments, **options)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise StoreError("the power went off")


class StoreFetcher(FetcherInterface):
    """Lets python-tuf's own client read a store of ours."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def _fetch(self, url: str) -> Any:
        from tuf.api.exceptions import DownloadHTTPError

        found = self._store.get(url.removeprefix("store:///"), limit=50_000_000)
        if not isinstance(found, Stored):
            raise DownloadHTTPError("not there", 404)
        return iter([found.data])


def verify_store(world: World, directory: Path, wanted: Mapping[ScreenId, CompiledScreen] | None = None) -> dict[str, str]:
    """Walk the store as a player would and check one whole release: every target verifies, and its clips are there.

    Returns the digest of every screen's manifest.
    """
    local = directory / f"client-{os.urandom(4).hex()}"
    local.mkdir(parents=True)
    (local / "targets").mkdir()
    updater = Updater(
        str(local),
        "store:///metadata/",
        target_dir=str(local / "targets"),
        target_base_url="store:///targets/",
        fetcher=StoreFetcher(world.store),
        config=UpdaterConfig(prefix_targets_with_hash=True),
        bootstrap=(world.repo / "trust/1.root.json").read_bytes(),
    )
    updater.refresh()
    head = world.head()
    found: dict[str, str] = {}
    for name, released in head.released.screens.items():
        info = updater.get_targetinfo(target_path(released.client, name))
        assert info is not None
        custom = info.unrecognized_fields["custom"]
        assert custom == {"screen": name, "commit": released.commit, "release": released.release}
        data = Path(updater.download_target(info, str(local / "targets" / name))).read_bytes()
        manifest = parse_manifest(data)
        assert manifest.screen == name
        for clip in manifest.assets.values():
            assert world.store.size(clip.key) == clip.size
        found[name] = hashlib.sha256(data).hexdigest()
    assert len(world.chain()) == head.released.sequence
    if wanted is not None:
        assert found == {name: compiled.digest for name, compiled in wanted.items()}
    return found
