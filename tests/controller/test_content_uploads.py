"""Many clips are uploaded at once; what one of them meets, the others do not, and nothing is uploaded twice."""

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from avtech_controller.content import Addition, Offered, Upload, Wish, describe, raise_if_failed, upload_additions
from avtech_controller.content._uploads import AT_ONCE, MAX_FAILURES
from avtech_controller.media import Measured, MediaError
from avtech_controller.stores import ObjectStore, StoreConfigurationError, StoreError, open_store
from avtech_schema.identifiers import ByteSize, ClientId, DurationMs, Sha256, VideoId
from tests.controller.counting import counting
from tests.weed import S3Server

CLIENT = ClientId("CLI-ACME")


def additions(folder: Path, count: int) -> list[Addition]:
    """Clips as if they had been measured; each has its own bytes and its own picture."""
    folder.mkdir(exist_ok=True)
    return [addition(folder / f"clip-{number}.mp4", b"clip %d " % number * 1000) for number in range(count)]


def addition(path: Path, data: bytes) -> Addition:
    path.write_bytes(data)
    digest = Sha256(hashlib.sha256(data).hexdigest())
    measured = Measured(digest, ByteSize(len(data)), DurationMs(2000), "mp4", "h264", "yuv420p", 320, 180, "25/1", None)
    offered = Offered(path, measured, b"picture of " + path.name.encode())
    return Addition(offered, describe(VideoId(f"VID-ACME-{path.stem.upper()}"), Wish(CLIENT), offered), "new")


def states(uploads: tuple[Upload, ...]) -> list[str]:
    return [upload.state for upload in uploads]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def clip_place(root: Path, one: Addition) -> Path:
    return root / "content" / CLIENT / one.video.spec.sha256


@dataclass
class Meeting:
    """A store in which as many uploads as may run at once wait for each other."""

    store: ObjectStore
    together: threading.Barrier = field(default_factory=lambda: threading.Barrier(AT_ONCE))

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def upload(self, key: str, path: Path) -> None:
        self.together.wait(60)
        self.store.upload(key, path)


def test_clips_are_uploaded_at_once_and_found_there_by_the_next_run(root: Path, tmp_path: Path) -> None:
    store = open_store(root.as_uri())
    wanted, told = additions(tmp_path / "clips", 2 * AT_ONCE), list[None]()
    meeting: ObjectStore = Meeting(store)  # type: ignore[assignment]  # the rest is the store's own
    uploads = upload_additions(wanted, meeting, done=lambda: told.append(None))
    assert states(uploads) == ["uploaded"] * len(wanted)
    assert [upload.addition for upload in uploads] == wanted
    assert len(told) == len(wanted)
    assert all(clip_place(root, one).read_bytes() == one.offered.path.read_bytes() for one in wanted)
    assert states(upload_additions(wanted, store)) == ["there"] * len(wanted)


def test_one_that_fails_takes_no_other_with_it(root: Path, tmp_path: Path) -> None:
    wanted = additions(tmp_path / "clips", 12)
    clip_place(root, wanted[3]).mkdir(parents=True)  # nothing can be written there
    wanted[5].offered.path.write_bytes(b"changed since it was measured")
    wanted[7].offered.path.unlink()
    uploads = upload_additions(wanted, open_store(root.as_uri()))
    assert [turn for turn, upload in enumerate(uploads) if not upload.done] == [3, 5, 7]
    assert [type(uploads[turn].error) for turn in (3, 5)] == [StoreError, MediaError]
    assert all(str(uploads[turn].error).startswith(f"clip-{turn}.mp4: ") for turn in (3, 5, 7))
    clip_place(root, wanted[3]).rmdir()
    for turn in (5, 7):
        wanted[turn].offered.path.write_bytes(b"clip %d " % turn * 1000)
    again = upload_additions(wanted, open_store(root.as_uri()))
    assert [turn for turn, upload in enumerate(again) if upload.state == "uploaded"] == [3, 5, 7]
    raise_if_failed(again)
    with pytest.raises(StoreError, match=r"clip-3\.mp4"):
        raise_if_failed(uploads)


def test_a_store_that_fails_is_not_asked_for_every_clip(root: Path, tmp_path: Path) -> None:
    wanted = additions(tmp_path / "clips", 10 * MAX_FAILURES)
    for one in wanted:
        clip_place(root, one).mkdir(parents=True)
    found = states(upload_additions(wanted, open_store(root.as_uri())))
    assert MAX_FAILURES <= found.count("failed") < MAX_FAILURES + AT_ONCE
    assert found.count("untried") == len(wanted) - found.count("failed")


def test_a_store_that_is_not_there_uploads_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreConfigurationError, match="does not exist"):
        upload_additions(additions(tmp_path / "clips", 3), open_store((tmp_path / "nowhere").as_uri()))
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.s3
def test_a_server_that_is_overloaded_for_a_moment_gets_every_clip_once(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    wanted = additions(tmp_path / "clips", 12)
    with counting(s3_server.endpoint, failing=6) as count:
        store = open_store(s3_server.url().replace(s3_server.endpoint, count.endpoint))
        assert states(upload_additions(wanted, store)) == ["uploaded"] * 12
        assert states(upload_additions(wanted, store)) == ["there"] * 12
    objects = {path: times for path, times in count.written.items() if "/content/" in path or "/thumbnails/" in path}
    assert len(objects) == 24
    assert set(objects.values()) == {1}
