"""Pictures of clips: from the store or from files beside the repository; what is missing is said."""

import hashlib
import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from avtech_controller.cli.init import write_example
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.preview._pictures import WIDTH, gather_pictures, shrink
from avtech_controller.stores import open_store
from avtech_schema.identifiers import ClientId, Sha256
from avtech_schema.layout import thumbnail_key
from avtech_schema.resources import Video
from tests.controller.repository import make_repository

EXAMPLE = Path(__file__).parents[2]


def jpeg(width: int = 320, height: int = 180) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#336699").save(out, "JPEG", exif=b"Exif\0\0secret")
    return out.getvalue()


def video(tmp_path: Path, thumbnail: bytes) -> Video:
    repository = make_repository(tmp_path)
    (found,) = require_state(load(open_source(repository.path))).videos.values()
    spec = found.spec
    picture = spec.thumbnail.model_copy(update={"sha256": hashlib.sha256(thumbnail).hexdigest()}) if spec.thumbnail else None
    return found.model_copy(update={"spec": spec.model_copy(update={"thumbnail": picture})})


def test_a_picture_becomes_small_and_holds_nothing_else() -> None:
    small = shrink(jpeg())
    assert small is not None
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (WIDTH, 90))
    assert b"secret" not in small
    assert shrink(jpeg()) == small


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"<svg onload=alert(1)>", jpeg()[:100], b"\x89PNG\r\n\x1a\n" + bytes(50)]
)
def test_what_is_no_whole_picture_is_none(data: bytes) -> None:
    assert shrink(data) is None


def test_a_huge_picture_is_not_decoded() -> None:
    assert shrink(jpeg(20000, 2000)) is None


def test_pictures_come_from_the_store_once(tmp_path: Path) -> None:
    data = jpeg()
    clip = video(tmp_path, data)
    store = open_store(f"file://{tmp_path / 'store'}")
    store.create(thumbnail_key(ClientId("CLI-ACME"), Sha256(hashlib.sha256(data).hexdigest())), data)
    cache: dict[str, bytes] = {}
    found = gather_pictures([clip], store, tmp_path, cache)
    assert (list(found.found.values()), found.notes) == ([shrink(data)], ())
    shutil.rmtree(tmp_path / "store")
    assert gather_pictures([clip], store, tmp_path, cache) == found


def test_a_picture_that_is_not_the_one_of_the_index_is_not_shown(tmp_path: Path) -> None:
    data = jpeg()
    clip = video(tmp_path, data)
    store = open_store(f"file://{tmp_path / 'store'}")
    store.create(thumbnail_key(ClientId("CLI-ACME"), Sha256(hashlib.sha256(data).hexdigest())), jpeg(64, 64))
    found = gather_pictures([clip], store, tmp_path, {})
    assert found.found == {}
    assert found.notes == ("1 of 1 clips are shown without a picture: the store does not hold them",)


def test_a_store_that_fails_is_said(tmp_path: Path) -> None:
    found = gather_pictures([video(tmp_path, jpeg())], open_store(f"file://{tmp_path / 'gone'}"), tmp_path, {})
    assert found.found == {}
    assert "1 of 1 clips are shown without a picture: the store could not be read (" in found.notes[0]
    (tmp_path / "other").mkdir()
    found = gather_pictures([video(tmp_path / "other", jpeg())], None, tmp_path, {})
    assert found.notes == ("1 of 1 clips are shown without a picture: no store is named",)


@pytest.mark.media
def test_files_beside_the_repository_give_pictures_without_a_store() -> None:
    state = require_state(load(open_source(EXAMPLE)))
    clips = [clip for name, clip in sorted(state.videos.items()) if name.startswith("VID-ACME")][:2]
    found = gather_pictures(clips, None, EXAMPLE, {})
    assert len(found.found) == 2
    assert found.notes == ()


@pytest.mark.media
def test_a_new_repository_has_a_picture_of_every_clip_without_a_store(tmp_path: Path) -> None:
    write_example(tmp_path / "new")
    clips = list(require_state(load(open_source(tmp_path / "new"))).videos.values())
    found = gather_pictures(clips, None, tmp_path / "new", {})
    assert (len(found.found), found.notes) == (2, ())
    (tmp_path / "new/clips/offer.mp4").write_bytes(bytes((tmp_path / "new/clips/offer.mp4").stat().st_size))
    assert len(gather_pictures(clips, None, tmp_path / "new", {}).found) == 1


@pytest.mark.parametrize("name", ["../a.mp4", "a/b.mp4", "..", "a\0.mp4"])
def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path: Path, name: str) -> None:
    clip = video(tmp_path, jpeg())
    moved = clip.model_copy(update={"spec": clip.spec.model_copy(update={"original_name": name})})
    assert gather_pictures([moved], None, tmp_path, {}).found == {}
