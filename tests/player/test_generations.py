"""What lies on the disk: complete, verified, in order of urgency, and never removed while it is needed."""

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.generations import IncompleteError, Library, fetch_order
from avtech_player.space import Limits, NoSpaceError
from avtech_player.store import open_store
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Item, Manifest, Rule
from avtech_schema.report import ReleaseRef
from tests.player.repository import asset_of, commit_of, manifest_of

RESERVE = Limits().min_free
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLIPS = {"VID-A": b"first clip", "VID-B": b"second clip"}


def release(manifest: Manifest, sequence: int = 1) -> ReleaseRef:
    return ReleaseRef(sequence, commit_of(sequence), sha256_hex(manifest.canonical()))


def store_with(root: Path, *clips: bytes) -> str:
    for clip in clips:
        path = root / asset_of(clip).key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip)
    return f"file://{root}"


def hold(library: Library, tmp_path: Path, clips: dict[str, bytes], sequence: int = 1) -> ReleaseRef:
    manifest = manifest_of({name: asset_of(clip) for name, clip in clips.items()})
    ref = release(manifest, sequence)
    library.hold(ref, manifest.canonical())
    store = open_store(store_with(tmp_path / "store", *clips.values()), {})
    library.fetch(manifest, store, keep=[], stop=threading.Event())
    return ref


def clip_path(tmp_path: Path, clip: bytes) -> Path:
    return tmp_path / "state" / "assets" / asset_of(clip).sha256


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "state")


def test_a_fetched_release_is_complete(library: Library, tmp_path: Path) -> None:
    generation = library.generation(hold(library, tmp_path, CLIPS))
    assert {video: path.read_bytes() for video, path in generation.files.items()} == CLIPS


def test_a_release_that_lacks_a_clip_is_incomplete_but_the_rest_can_be_salvaged(library: Library, tmp_path: Path) -> None:
    ref = hold(library, tmp_path, CLIPS)
    clip_path(tmp_path, CLIPS["VID-A"]).unlink()
    with pytest.raises(IncompleteError):
        library.generation(ref)
    salvaged = library.salvage(ref)
    assert salvaged is not None
    assert list(salvaged.files) == ["VID-B"]


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("damage", [b"", b"first clap", b"first clip and more", b"first"])
def test_a_clip_that_was_written_to_is_noticed_and_removed(tmp_path: Path, *, restart: bool, damage: bytes) -> None:
    library = Library(tmp_path / "state")
    ref = hold(library, tmp_path, CLIPS)
    path = clip_path(tmp_path, CLIPS["VID-A"])
    before = path.stat().st_mtime_ns
    path.write_bytes(damage)
    os.utime(path, ns=(before + 1, before + 1))
    with pytest.raises(IncompleteError):
        (Library(tmp_path / "state") if restart else library).generation(ref)
    assert not path.exists() or damage == b""


def test_a_clip_damaged_below_the_file_system_is_found_when_it_is_distrusted(library: Library, tmp_path: Path) -> None:
    ref = hold(library, tmp_path, CLIPS)
    path = clip_path(tmp_path, CLIPS["VID-A"])
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"X")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    library.generation(ref)
    assert library.distrust(asset_of(CLIPS["VID-A"]))
    assert not library.distrust(asset_of(CLIPS["VID-B"]))
    with pytest.raises(IncompleteError):
        library.generation(ref)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"a": 1}', b"[]", b"\xff"])
def test_without_stamps_the_clips_are_read_again(library: Library, tmp_path: Path, damage: bytes) -> None:
    ref = hold(library, tmp_path, CLIPS)
    (tmp_path / "state" / "verified.json").write_bytes(damage)
    assert Library(tmp_path / "state").generation(ref).files


def test_a_damaged_manifest_is_not_there(library: Library, tmp_path: Path) -> None:
    ref = hold(library, tmp_path, CLIPS)
    path = tmp_path / "state" / "generations" / ref.digest / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"1920", b"1921"))
    assert library.manifest(ref.digest) is None
    assert library.salvage(ref) is None


def test_a_shared_clip_is_fetched_once(library: Library, tmp_path: Path) -> None:
    hold(library, tmp_path, {"VID-A": b"same", "VID-B": b"same"})
    assert len(list((tmp_path / "state" / "assets").iterdir())) == 1


def test_the_proven_releases_that_are_complete_are_found_again_newest_first(library: Library, tmp_path: Path) -> None:
    refs = [hold(library, tmp_path, {"VID-A": f"clip {n}".encode()}, n) for n in (1, 2, 3, 4)]
    for ref in refs[:3]:
        library.prove(ref)
    clip_path(tmp_path, b"clip 2").unlink()
    (tmp_path / "state" / "generations" / "stranger").mkdir()
    assert Library(tmp_path / "state").proven() == [refs[2], refs[0]]


def test_cleaning_up_keeps_what_good_and_trial_need(library: Library, tmp_path: Path) -> None:
    keep = hold(library, tmp_path, {"VID-A": b"shared", "VID-B": b"only mine"}, 1)
    gone = hold(library, tmp_path, {"VID-A": b"shared", "VID-C": b"only theirs"}, 2)
    (tmp_path / "state" / "partial" / sha256_hex(b"half")).write_bytes(b"ha")
    library.clean([keep.digest], now=datetime.now(UTC))
    assert library.generation(keep).files
    assert library.manifest(gone.digest) is None
    assert clip_path(tmp_path, b"only theirs").exists(), "it may come back, and its space is not needed"
    assert list((tmp_path / "state" / "partial").iterdir()) == []
    library.clean([keep.digest], now=datetime.now(UTC) + timedelta(days=31))
    assert not clip_path(tmp_path, b"only theirs").exists()
    assert library.generation(keep).files


def test_space_is_made_from_what_no_kept_release_needs_the_oldest_first(tmp_path: Path) -> None:
    used = {"room": 0}

    def free(path: Path) -> int:
        return RESERVE + used["room"] - sum(file.stat().st_size for file in path.iterdir())

    library = Library(tmp_path / "state", free=free)
    used["room"] = 1000
    kept = hold(library, tmp_path, {"VID-A": b"k" * 300}, 1)
    for age, clip in ((3, b"o" * 200), (2, b"p" * 200)):
        hold(library, tmp_path, {"VID-A": clip}, age + 1)
        stamp = (NOW - timedelta(days=age)).timestamp()
        os.utime(clip_path(tmp_path, clip), (stamp, stamp))
    manifest = manifest_of({"VID-A": asset_of(b"n" * 450)})
    store = open_store(store_with(tmp_path / "store", b"n" * 450), {})
    library.fetch(manifest, store, keep=[kept.digest], stop=threading.Event())
    assert clip_path(tmp_path, b"k" * 300).exists()
    assert not clip_path(tmp_path, b"o" * 200).exists()
    assert clip_path(tmp_path, b"p" * 200).exists()


def test_a_release_that_does_not_fit_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    library = Library(tmp_path / "state", free=lambda _: RESERVE + 100)
    manifest = manifest_of({"VID-A": asset_of(b"n" * 450)})
    store = open_store(store_with(tmp_path / "store", b"n" * 450), {})
    with pytest.raises(
        NoSpaceError, match="needs 450 bytes more on the disk: 16000100 are free, of which 16000000 must stay free, and 0 could"
    ):
        library.fetch(manifest, store, keep=[], stop=threading.Event())
    assert library.content_bytes() == 0


def test_what_came_before_counts_towards_the_space(tmp_path: Path) -> None:
    library = Library(tmp_path / "state", free=lambda _: RESERVE + 100)
    asset = asset_of(b"n" * 450)
    (tmp_path / "state" / "partial" / asset.sha256).write_bytes(b"n" * 400)
    store = open_store(store_with(tmp_path / "store", b"n" * 450), {})
    library.fetch(manifest_of({"VID-A": asset}), store, keep=[], stop=threading.Event())
    assert library.content_bytes() == 450


def test_the_clips_of_an_emergency_are_fetched_first() -> None:
    manifest = manifest_of({f"VID-{name}": asset_of(name.encode()) for name in "ABCZ"})
    manifest = replace(
        manifest,
        rules=(Rule("fire/1", Slug("fire"), Slug("alarm"), emergency=True),),
        playlists={
            **manifest.playlists,
            Slug("alarm"): (Item(None, Slug("inner")),),
            Slug("inner"): (Item(VideoId("VID-Z"), None), Item(VideoId("VID-C"), None)),
        },
    )
    assert [asset.sha256 for asset in fetch_order(manifest)] == [asset_of(name).sha256 for name in (b"C", b"Z", b"A", b"B")]
