"""Publishing: one whole release or none, in order, by one swap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, SuccinctRoles, Targets

from avtech_controller.publication import ContentMissingError
from avtech_controller.stores import StoreError, open_store
from avtech_controller.trust import generate_key, load_anchor, load_signer
from avtech_schema.errors import SupersededError, TrustError
from avtech_schema.identifiers import ScreenId
from avtech_schema.layout import TIMESTAMP_KEY
from tests.controller.publishing import Passing, World, commit, make_world, screen, screens, verify_store


@pytest.fixture
def world(tmp_path: Path) -> World:
    root = tmp_path / "store"
    root.mkdir()
    return make_world(tmp_path, open_store(f"file://{root}"))


def test_the_first_publication_makes_a_whole_release(world: World, tmp_path: Path) -> None:
    wanted = screens(5)
    done = world.publish(1, wanted)
    assert (done.outcome, done.sequence, done.attempts) == ("published", 1, 1)
    verify_store(world, tmp_path, wanted)


def test_an_unchanged_screen_keeps_its_commit_and_release(world: World, tmp_path: Path) -> None:
    wanted = screens(5)
    world.publish(1, wanted)
    third, first = ScreenId("SCR-ACME-0003"), ScreenId("SCR-ACME-0001")
    changed = wanted | {third: screen(third, time_zone="Asia/Tokyo")}
    done = world.publish(2, changed)
    assert [change.screen for change in done.plan.changes] == [third]
    verify_store(world, tmp_path, changed)
    released = world.head().released.screens
    assert (released[third].commit, released[third].release) == (commit(2), 2)
    assert (released[first].commit, released[first].release) == (commit(1), 1)


def test_publishing_the_released_commit_again_writes_nothing(world: World) -> None:
    world.publish(1, screens(3))
    before = sorted(world.store.keys("metadata/"))
    assert world.publish(1, screens(3)).outcome == "unchanged"
    assert sorted(world.store.keys("metadata/")) == before


def test_a_commit_that_changes_no_screen_still_becomes_the_released_head(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3))
    done = world.publish(2, screens(3))
    assert (done.outcome, done.sequence, done.plan.changes) == ("published", 2, ())
    verify_store(world, tmp_path, screens(3))
    with pytest.raises(SupersededError):
        world.publish(1, screens(2))


@pytest.mark.parametrize(("number", "words"), [(1, "older than"), (0xF001, "does not descend")])
def test_a_commit_that_does_not_descend_from_the_head_is_refused(world: World, number: int, words: str) -> None:
    world.publish(2, screens(3))
    before = world.store.get(TIMESTAMP_KEY, limit=10_000)
    with pytest.raises(SupersededError, match=words):
        world.publish(number, screens(4))
    assert world.store.get(TIMESTAMP_KEY, limit=10_000) == before


def test_missing_clips_are_named_before_anything_is_written(world: World) -> None:
    from avtech_schema.identifiers import VideoId
    from tests.controller.publishing import asset

    lacking = screens(2, assets={VideoId("VID-ACME-A"): asset(b"never uploaded")})
    with pytest.raises(ContentMissingError, match="VID-ACME-A"):
        world.publish(1, lacking)
    assert list(world.store.keys("targets/")) == []
    assert list(world.store.keys("metadata/")) == []


def test_removed_screens_are_no_longer_released(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(4))
    done = world.publish(2, screens(2))
    assert [change.kind.value for change in done.plan.changes] == ["removed", "removed"]
    assert set(verify_store(world, tmp_path)) == {"SCR-ACME-0001", "SCR-ACME-0002"}


def test_a_publisher_that_died_before_the_swap_leaves_no_visible_trace_and_is_overtaken(world: World, tmp_path: Path) -> None:
    class Dying:
        """A store whose machine loses power at the swap."""

        def __getattr__(self, name: str) -> object:
            return getattr(world.store, name)

        def replace(self, key: str, data: bytes, *, etag: object) -> None:
            raise StoreError("the power went off")

    world.publish(1, screens(3))
    moved = screens(3, time_zone="Asia/Tokyo")
    with pytest.raises(StoreError, match="power"):
        world.publish(2, moved, store=Dying())
    verify_store(world, tmp_path, screens(3))
    done = world.publish(3, moved)
    assert done.sequence == 2
    verify_store(world, tmp_path, moved)


def test_a_rerun_after_an_interruption_uploads_no_manifest_and_no_bin_twice(world: World, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    written: list[str] = []

    class Recording(Passing):
        def __init__(self, *, dies: bool) -> None:
            super().__init__(world.store)
            self.dies = dies

        def create(self, key: str, data: bytes) -> object:
            if self.dies and key == TIMESTAMP_KEY:
                raise StoreError("the power went off")
            etag = world.store.create(key, data)
            written.append(key)
            return etag

    with pytest.raises(StoreError):
        world.publish(1, screens(3), store=Recording(dies=True), now=now)
    written.clear()
    world.publish(1, screens(3), store=Recording(dies=False), now=now + timedelta(seconds=1))
    assert [key for key in written if "bins" in key or key.startswith("targets/")] == []
    verify_store(world, tmp_path, screens(3))


def test_bins_past_half_of_their_life_are_signed_anew(world: World) -> None:
    now = datetime.now(UTC)
    world.publish(1, screens(1), now=now)
    before = world.head().metadata
    world.publish(2, screens(1), now=now + timedelta(days=1))
    assert world.head().metadata.bins == before.bins
    later = now + timedelta(days=190)
    world.publish(3, screens(1), now=later)
    assert all(bin_.expires > later + timedelta(days=300) for bin_ in world.head().metadata.bins.values())


def test_a_store_that_lost_its_timestamp_is_not_taken_for_a_new_one(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(1))
    world.publish(2, screens(2))
    (tmp_path / "store" / TIMESTAMP_KEY).unlink()
    with pytest.raises(StoreError, match="damaged"):
        world.publish(3, screens(3))


def test_another_fleets_store_is_refused(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(1))
    (tmp_path / "other").mkdir()
    other = replace(make_world(tmp_path / "other", world.store), store=world.store)
    with pytest.raises(TrustError):
        other.publish(1, screens(1))


@pytest.mark.parametrize("role", ["timestamp", "1.snapshot", "1.bins-00", "record"])
def test_tampered_metadata_is_not_built_upon(world: World, tmp_path: Path, role: str) -> None:
    world.publish(1, screens(40))
    store = tmp_path / "store"
    path = next(store.glob("releases/*")) if role == "record" else next(store.glob(f"metadata/{role}.json"))
    data = path.read_bytes()
    middle = data.index(b'"version"') + 11 if role != "record" else 200
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    with pytest.raises(TrustError):
        world.publish(2, screens(41))


def test_publishing_the_released_commit_again_renews_what_is_past_half_of_its_life(world: World, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    world.publish(1, screens(2), now=now)
    assert world.publish(1, screens(2), now=now + timedelta(days=3)).outcome == "unchanged"
    before = world.head().metadata
    assert world.publish(1, screens(2), now=now + timedelta(days=4)).outcome == "renewed"
    after = world.head().metadata
    assert after.timestamp.expires == before.timestamp.expires + timedelta(days=4)
    assert (after.snapshot.version, after.pointer) == (before.snapshot.version, before.pointer)
    assert world.publish(1, screens(2), now=now + timedelta(days=17)).outcome == "renewed"
    renewed = world.head().metadata
    assert renewed.snapshot.version > after.snapshot.version
    assert renewed.bins == after.bins
    verify_store(world, tmp_path, screens(2))


def test_a_new_root_reaches_the_store_with_the_next_run(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(2))
    metadata: Metadata[Root] = Metadata.from_bytes((world.repo / "trust/1.root.json").read_bytes())
    metadata.signed.version = 2
    metadata.signatures.clear()
    for name in ("root-1", "root-2"):
        metadata.sign(load_signer(str(world.keys / f"{name}.pem")), append=True)
    (world.repo / "trust/2.root.json").write_bytes(metadata.to_bytes())
    renewed = replace(world, anchor=load_anchor(world.repo))
    assert renewed.publish(1, screens(2)).outcome == "renewed"
    assert world.store.size("metadata/2.root.json") == (world.repo / "trust/2.root.json").stat().st_size
    verify_store(renewed, tmp_path, screens(2))


def test_new_bins_take_over_every_screen(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(9))
    old = set(world.head().metadata.bins)
    metadata: Metadata[Targets] = Metadata.from_bytes((world.repo / "trust/1.targets.json").read_bytes())
    delegations = metadata.signed.delegations
    assert delegations is not None
    assert delegations.succinct_roles is not None
    delegations.succinct_roles = SuccinctRoles(delegations.succinct_roles.keyids, 1, 6, "bins")
    metadata.signed.version = 2
    metadata.sign(load_signer(str(world.keys / "targets.pem")))
    (world.repo / "trust/2.targets.json").write_bytes(metadata.to_bytes())
    rebinned = replace(world, anchor=load_anchor(world.repo))
    done = rebinned.publish(2, screens(9))
    assert (done.outcome, done.plan.changes) == ("published", ())
    after = rebinned.head().metadata
    assert len(after.bins) == 64 != len(old)
    assert {f"{name}.json" for name in old} <= after.snapshot.meta.keys(), "clients refuse a snapshot that forgets roles"
    verify_store(rebinned, tmp_path, screens(9))
    with pytest.raises(TrustError, match="trust/ does not have"):
        world.publish(2, screens(9))


def test_a_rotated_publish_key_takes_over(world: World, tmp_path: Path) -> None:
    world.publish(1, screens(3))
    fresh = CryptoSigner(generate_key())
    old = world.signer.public_key.keyid
    root: Metadata[Root] = Metadata.from_bytes((world.repo / "trust/1.root.json").read_bytes())
    root.signed.version = 2
    for role in ("snapshot", "timestamp"):
        root.signed.revoke_key(old, role)
        root.signed.add_key(fresh.public_key, role)
    root.signatures.clear()
    for name in ("root-1", "root-2"):
        root.sign(load_signer(str(world.keys / f"{name}.pem")), append=True)
    (world.repo / "trust/2.root.json").write_bytes(root.to_bytes())
    targets: Metadata[Targets] = Metadata.from_bytes((world.repo / "trust/1.targets.json").read_bytes())
    targets.signed.version = 2
    targets.signed.revoke_key(old)
    targets.signed.add_key(fresh.public_key)
    targets.sign(load_signer(str(world.keys / "targets.pem")))
    (world.repo / "trust/2.targets.json").write_bytes(targets.to_bytes())
    rotated = replace(world, anchor=load_anchor(world.repo), signer=fresh)
    with pytest.raises(TrustError, match="may not sign"):
        rotated.anchor.check_publisher(world.signer, datetime.now(UTC))
    rotated.anchor.check_publisher(fresh, datetime.now(UTC))
    assert rotated.publish(1, screens(3)).outcome == "renewed"
    verify_store(rotated, tmp_path, screens(3))
    rotated.publish(2, screens(4))
    verify_store(rotated, tmp_path, screens(4))
