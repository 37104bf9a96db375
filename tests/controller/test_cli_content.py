"""`avtech content` against real stores and real clips; a bad one leaves nothing half done."""

import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_schema.canonical import sha256_hex
from avtech_schema.resources import Video
from tests.clips import Clips, clips, undecodable
from tests.controller.counting import counting
from tests.weed import S3Server

pytestmark = pytest.mark.media
__all__ = ["clips"]

FLEET = "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: f}\nspec: {}\n"
CLIENT = """\
apiVersion: avtech/v1
kind: Client
metadata: {{name: {name}}}
spec: {{title: A client, storageQuotaBytes: {quota}}}
"""


@dataclass
class Desk:
    """An editor's repository and a store, and the command run in it."""

    repo: Path
    store: Path
    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def run(self, *arguments: str | Path, store: str | None = None) -> int:
        code = run(cli, ["content", *map(str, arguments), "--repo", str(self.repo), *self._store(arguments, store)])
        self.out, self.err = self.capture.readouterr()
        assert "Traceback" not in self.out + self.err
        return code

    def _store(self, arguments: tuple[str | Path, ...], store: str | None) -> list[str]:
        return [] if arguments[0] == "list" else ["--store", store or self.store.as_uri()]

    def json(self) -> Any:
        return json.loads(self.out)

    def entries(self) -> dict[str, Any]:
        found = sorted((self.repo / "content-index").rglob("*"))
        return {path.name: yaml.safe_load(path.read_text()) for path in found if path.is_file()}

    def objects(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.store)): p.read_bytes() for p in sorted(self.store.rglob("*")) if p.is_file()}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    repo, store = tmp_path / "repo", tmp_path / "store"
    (repo / "fleet").mkdir(parents=True)
    store.mkdir()
    (repo / "fleet/fleet.yaml").write_text(FLEET)
    (repo / "fleet/acme.yaml").write_text(CLIENT.format(name="CLI-ACME", quota=10_000_000))
    (repo / "fleet/small.yaml").write_text(CLIENT.format(name="CLI-SMALL", quota=1000))
    return Desk(repo, store, capsys)


def test_a_clip_is_uploaded_with_its_picture_and_then_written_into_the_index(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    data = clips["good.mp4"].read_bytes()
    video = Video.model_validate(desk.entries()["VID-ACME-GOOD.yaml"])
    assert video.spec.sha256 == sha256_hex(data)
    assert (video.spec.title, video.spec.duration_ms, video.spec.original_name) == ("Good", 2000, "good.mp4")
    assert video.spec.thumbnail
    objects = desk.objects()
    assert objects[f"content/CLI-ACME/{video.spec.sha256}"] == data
    picture = objects[f"thumbnails/CLI-ACME/{video.spec.thumbnail.sha256}.jpg"]
    assert sha256_hex(picture) == video.spec.thumbnail.sha256
    assert "added" in desk.out


def test_adding_the_same_file_again_changes_nothing_and_repairs_the_store(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", "--title", "First") == 0
    before, objects = desk.entries(), desk.objects()
    for path in (desk.store / "content/CLI-ACME").iterdir():
        path.unlink()
    assert desk.run("check") == 1
    assert "error[AVT424]: VID-ACME-GOOD: not in the store" in desk.err
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", "--output", "json") == 0
    assert [clip["state"] for clip in desk.json()["clips"]] == ["uploaded"]
    assert desk.entries() == before
    kept = desk.objects()
    assert kept.pop("gc/mark.json"), "what was there already is kept from collection"
    assert kept == objects
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert desk.out.startswith("present")


def test_a_damaged_object_of_a_clip_that_is_in_the_index_is_an_error(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME") == 0
    before = desk.entries()
    clip = desk.store / f"content/CLI-ACME/{before['VID-ACME-GOOD.yaml']['spec']['sha256']}"
    clip.chmod(0o644)
    clip.write_bytes(b"half")
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME") == 3
    assert [line.split()[0] for line in desk.out.splitlines()] == ["failed", "present"]
    assert "holds 4 bytes" in desk.err
    assert "remove that object, and run again" in desk.err
    assert desk.entries() == before
    clip.unlink()
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME") == 0
    assert [line.split()[0] for line in desk.out.splitlines()] == ["uploaded", "present"]


def test_an_entry_without_a_picture_gets_one_and_keeps_what_people_wrote(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    complete = entry.read_text()
    bare = re.sub(r"  thumbnail:\n(    .*\n)+", "", complete) + "# a remark\n"
    entry.write_text(bare)
    objects = desk.objects()
    shutil.rmtree(desk.store / "thumbnails")
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert "note: the picture of VID-ACME-GOOD was noted in" in desk.err
    assert entry.read_text() == complete + "# a remark\n"
    assert {key: data for key, data in desk.objects().items() if not key.startswith("gc/")} == objects


def other_picture(text: str) -> str:
    """An entry with the picture that another ffmpeg would have made."""
    return re.sub(r'(thumbnail:[ {\n]+sha256: )"[0-9a-f]{64}"(.*\n? +sizeBytes: )\d+', rf'\1"{"ab" * 32}"\g<2>777', text)


def test_a_picture_that_another_ffmpeg_made_is_replaced_where_the_store_lacks_it(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    complete = entry.read_text()
    entry.write_text("# ours\n" + other_picture(complete).replace("originalName:", "originalName:   # as it came\n   "))
    written = entry.read_text()
    assert "ab" * 32 in written
    shutil.rmtree(desk.store)
    desk.store.mkdir()
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert "note: the picture of VID-ACME-GOOD was noted in content-index/CLI-ACME/VID-ACME-GOOD.yaml; commit it" in desk.err
    assert desk.run("check", "--deep") == 0
    assert entry.read_text() == "# ours\n" + complete.replace("originalName:", "originalName:   # as it came\n   ")


def test_a_picture_that_another_ffmpeg_made_stays_where_the_store_holds_it(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    entry.write_text(other := other_picture(entry.read_text()))
    (desk.store / f"thumbnails/CLI-ACME/{'ab' * 32}.jpg").write_bytes(b"x" * 777)
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert (entry.read_text(), desk.err.count("note:")) == (other, 0)


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("picture", ["", "thumbnail: {sha256: '" + "ab" * 32 + "', sizeBytes: 777}"], ids=["none", "another's"])
def test_an_entry_among_others_in_one_file_gets_its_picture_too(desk: Desk, clips: Clips, ends: str, picture: str) -> None:
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME") == 0
    folder = desk.repo / "content-index/CLI-ACME"
    good, second = ((folder / f"VID-ACME-{name}.yaml") for name in ("GOOD", "OTHER"))
    complete = good.read_text()
    bare = re.sub(r"  thumbnail:\n(    .*\n)+", f"  {picture}  # a picture\n" if picture else "", complete)
    text = f"# all of them\n---\n---\n{second.read_text()}# between\n---\n{bare}# the end".replace("\n", ends)
    good.unlink()
    second.unlink()
    (folder / "all.yaml").write_bytes(text.encode())
    shutil.rmtree(desk.store / "thumbnails")
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME") == 0
    assert desk.err == "note: the picture of VID-ACME-GOOD was noted in content-index/CLI-ACME/all.yaml; commit it\n"
    assert desk.run("check", "--deep") == 0
    after = (folder / "all.yaml").read_bytes().decode()
    assert re.sub(r"\s+thumbnail:.*?sizeBytes: \d+\}?", "", after, flags=re.DOTALL) == re.sub(
        r"\s+thumbnail:.*?sizeBytes: \d+\}?", "", text, flags=re.DOTALL
    )
    found = {document["metadata"]["name"]: document["spec"] for document in yaml.safe_load_all(after) if document}
    assert found["VID-ACME-GOOD"]["thumbnail"] == yaml.safe_load(complete)["spec"]["thumbnail"]


def test_an_entry_that_cannot_be_edited_safely_is_left_alone_and_said(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    one_text_in_two_places = re.sub(r"title: .*", f'title: &same "{"ab" * 32}"', other_picture(entry.read_text()))
    entry.write_text(shared := one_text_in_two_places.replace(f'sha256: "{"ab" * 32}"', "sha256: *same"))
    shutil.rmtree(desk.store / "thumbnails")
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 1
    assert entry.read_text() == shared
    assert "content-index/CLI-ACME/VID-ACME-GOOD.yaml is not one that can be edited safely" in desk.err
    (facts,) = re.findall(r"help: write there, below spec of VID-ACME-GOOD: thumbnail: (.*)", desk.err)
    entry.write_text(re.sub(r"thumbnail:\n(    .*\n)+", f"thumbnail: {facts}\n", shared))
    assert desk.run("check", "--deep") == 0


def test_what_is_said_of_a_present_clip_is_not_silently_dropped(desk: Desk, clips: Clips) -> None:
    desk.run("add", clips["good.mp4"], "--client", "CLI-ACME")
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", "--rights-until", "2027-01-01") == 0
    assert "rights of VID-ACME-GOOD were left as they are; edit content-index/CLI-ACME/VID-ACME-GOOD.yaml" in desk.err


def test_a_given_name_title_and_rights_are_written(desk: Desk, clips: Clips) -> None:
    options = (
        "--name",
        "VID-ACME-SALE",
        "--title",
        "no: 22:30",
        "--rights-from",
        "2026-12-01",
        "--rights-until",
        "2026-12-24T18:30",
    )
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", *options) == 0
    spec = desk.entries()["VID-ACME-SALE.yaml"]["spec"]
    assert spec["title"] == "no: 22:30"
    assert spec["rights"] == {"from": "2026-12-01", "until": "2026-12-24T18:30:00"}


def test_the_name_is_made_from_the_files(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    clip = clips.copy("good.mp4", tmp_path / "Otoño — venta (2).mp4")
    assert desk.run("add", clip, "--client", "CLI-ACME") == 0
    entry = desk.entries()["VID-ACME-OTONO-VENTA-2.yaml"]
    assert entry["spec"]["originalName"] == clip.name


@pytest.mark.parametrize("stem", ["今日", "--", "x" * 60])
def test_a_file_name_that_gives_no_name_asks_for_one(desk: Desk, clips: Clips, tmp_path: Path, stem: str) -> None:
    assert desk.run("add", clips.copy("good.mp4", tmp_path / f"{stem}.mp4"), "--client", "CLI-ACME") == 1
    assert "error[AVT421]" in desk.err
    assert "--name VID-ACME-" in desk.err
    assert desk.objects() == {}


def test_a_name_that_is_anothers_is_refused_with_a_hint(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    desk.run("add", clips["good.mp4"], "--client", "CLI-ACME")
    before = desk.objects()
    other = clips.copy("other.mp4", tmp_path / "good.mp4")
    assert desk.run("add", other, "--client", "CLI-ACME") == 1
    assert "VID-ACME-GOOD is the name of another clip" in desk.err
    assert "--name" in desk.err
    assert desk.objects() == before


def test_an_entry_that_stands_in_another_place_is_found_by_its_name(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    desk.run("add", clips["good.mp4"], "--client", "CLI-ACME")
    (desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml").rename(desk.repo / "content-index/moved.yml")
    assert desk.run("add", clips.copy("other.mp4", tmp_path / "good.mp4"), "--client", "CLI-ACME") == 1
    assert "is the name of another clip" in desk.err


def test_two_files_of_one_name_are_refused_together(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = clips.copy("other.mp4", tmp_path / "b/good.mp4")
    assert desk.run("add", clips["good.mp4"], other, "--client", "CLI-ACME") == 1
    assert desk.entries() == desk.objects() == {}


def test_two_copies_of_one_clip_become_one_entry(desk: Desk, clips: Clips, tmp_path: Path) -> None:
    copy = clips.copy("good.mp4", tmp_path / "copy.mp4")
    assert desk.run("add", clips["good.mp4"], copy, clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert list(desk.entries()) == ["VID-ACME-GOOD.yaml"]


def test_two_clients_may_hold_the_same_file_each_under_its_own_prefix(desk: Desk, clips: Clips) -> None:
    (desk.repo / "fleet/small.yaml").write_text(CLIENT.format(name="CLI-SMALL", quota=10_000_000))
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-SMALL") == 0
    assert sum(key.startswith("content/") for key in desk.objects()) == 2


def test_every_problem_of_every_file_is_told_and_nothing_is_done(desk: Desk, clips: Clips) -> None:
    bad = [clips["20.2-seconds.mp4"], clips["text.mp4"], clips["truncated.mp4"]]
    assert desk.run("add", clips["good.mp4"], *bad, "--client", "CLI-ACME", "--output", "json") == 1
    assert [problem["code"] for problem in desk.json()["problems"]] == ["AVT404", "AVT402", "AVT403"]
    assert "nothing was uploaded or written: 3 problems" in desk.err
    assert desk.entries() == desk.objects() == {}


def test_a_quota_that_would_be_exceeded_stops_it_with_the_numbers(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-SMALL") == 1
    size = clips["good.mp4"].stat().st_size
    assert f"would hold {size:,} bytes of active clips, {size - 1000:,} more than its quota of 1,000" in desk.err
    assert desk.objects() == {}


def test_archived_clips_do_not_count_but_their_bytes_are_recognised(desk: Desk, clips: Clips) -> None:
    desk.run("add", clips["good.mp4"], "--client", "CLI-ACME")
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    entry.write_text(entry.read_text().replace("state: active", "state: archived"))
    (desk.repo / "fleet/acme.yaml").write_text(CLIENT.format(name="CLI-ACME", quota=clips["other.mp4"].stat().st_size))
    assert desk.run("add", clips["other.mp4"], "--client", "CLI-ACME") == 0
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 1
    assert "archived" in desk.err
    assert "set `state: active`" in desk.err


def test_an_unknown_client_names_the_known_ones(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACMEE") == 1
    assert "CLI-ACMEE is not a client; known: CLI-ACME, CLI-SMALL" in desk.err


def test_a_playlist_may_already_name_the_clip_and_other_files_may_be_broken(desk: Desk, clips: Clips) -> None:
    (desk.repo / "fleet/broken.yaml").write_text("kind: [unclosed\n")
    (desk.repo / "fleet/playlist.yaml").write_text(
        "apiVersion: avtech/v1\nkind: Playlist\nmetadata: {name: p}\nspec: {client: CLI-ACME, items: [{clip: VID-ACME-GOOD}]}\n"
    )
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 0


@pytest.mark.parametrize("text", ["kind: [unclosed\n", "kind: Video\n", "- a list\n", "\0", "a: &a [*a]\n"])
def test_a_broken_index_stops_it_for_what_is_there_cannot_be_told(desk: Desk, clips: Clips, text: str) -> None:
    (desk.repo / "content-index").mkdir()
    (desk.repo / "content-index/x.yaml").write_text(text)
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 1
    assert "content-index/x.yaml: not a valid entry" in desk.err
    assert desk.objects() == {}


def test_a_dry_run_measures_and_does_nothing_and_needs_no_store(desk: Desk, clips: Clips) -> None:
    missing = (desk.store / "not-there").as_uri()
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", "--dry-run", store=missing) == 0
    assert desk.out.startswith("would add VID-ACME-GOOD")
    assert desk.entries() == desk.objects() == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--client", "ACME"), "is not a client (CLI-…)"),
        (("--client", "CLI-ACME", "--name", "VID-acme"), "is not a clip (VID-…)"),
        (("--client", "CLI-ACME", "--rights-from", "tomorrow"), "a date like 2026-12-24"),
        (("--client", "CLI-ACME", "--rights-from", "2027-01-01", "--rights-until", "2026-01-01"), "the last after the first"),
    ],
)
def test_a_bad_option_is_a_usage_error(desk: Desk, clips: Clips, options: tuple[str, ...], words: str) -> None:
    assert desk.run("add", clips["good.mp4"], *options) == 2
    assert words in desk.err


def test_one_name_for_several_files_is_a_usage_error(desk: Desk, clips: Clips) -> None:
    assert desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME", "--name", "VID-ACME-X") == 2


def test_a_missing_store_is_one_line_and_leaves_the_index_alone(desk: Desk, clips: Clips) -> None:
    missing = (desk.store / "not-there").as_uri()
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", store=missing) == 2
    assert desk.err.startswith("error: ")
    assert desk.entries() == {}
    assert not (desk.store / "not-there").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB; needs root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("needs root and permission to mount")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_store_leaves_no_object_and_no_entry(desk: Desk, clips: Clips, small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"x" * 60_000)
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", store=small_disk.as_uri()) == 3
    assert desk.err.startswith("error: ")
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["ballast"]
    assert desk.entries() == {}


def test_a_read_only_store_leaves_no_entry(desk: Desk, clips: Clips, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", store=small_disk.as_uri()) in (2, 3)
    assert desk.err.startswith("error: ")
    assert desk.entries() == {}


def test_a_repository_that_fills_up_is_left_as_it_was(desk: Desk, clips: Clips, small_disk: Path) -> None:
    shutil.copytree(desk.repo, small_disk / "repo")
    desk.repo = small_disk / "repo"
    (small_disk / "ballast").write_bytes(b"x" * 4096 * (_free_pages(small_disk) - 2))
    added = desk.run("add", clips["good.mp4"], clips["other.mp4"], clips["portrait.mp4"], "--client", "CLI-ACME")
    assert added == 3
    assert "the index is as it was" in desk.err
    assert desk.entries() == {}


def _free_pages(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize // 4096


def test_check_finds_what_is_missing_or_shorter_and_deeply_what_differs(desk: Desk, clips: Clips) -> None:
    desk.run("add", clips["good.mp4"], clips["other.mp4"], clips["portrait.mp4"], "--client", "CLI-ACME")
    assert desk.run("check", "--deep") == 0
    content = desk.store / "content/CLI-ACME"
    objects = {name: content / sha256_hex(clips[f"{name}.mp4"].read_bytes()) for name in ("good", "other", "portrait")}
    objects["good"].write_bytes(undecodable(objects["good"].read_bytes()))
    objects["other"].write_bytes(objects["other"].read_bytes()[:-1])
    objects["portrait"].unlink()
    assert desk.run("check", "--output", "json") == 1
    assert [problem["code"] for problem in desk.json()["problems"]] == ["AVT425", "AVT424"]
    assert desk.run("check", "--deep") == 1
    assert "VID-ACME-GOOD: the store holds other bytes" in desk.err


def test_an_empty_index_and_a_wrong_directory_are_errors_never_nothing_wrong(desk: Desk, tmp_path: Path) -> None:
    assert desk.run("check") == 1
    assert "no active clip to check" in desk.err
    desk.repo = tmp_path / "elsewhere"
    desk.repo.mkdir()
    assert desk.run("check") == desk.run("list") == 1
    assert "holds neither fleet/ nor content-index/" in desk.err


def test_an_object_of_another_size_is_never_taken_for_the_clip(desk: Desk, clips: Clips) -> None:
    place = desk.store / f"content/CLI-ACME/{sha256_hex(clips['good.mp4'].read_bytes())}"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half")
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME") == 3
    assert "holds 4 bytes" in desk.err
    assert desk.entries() == {}


def test_one_clip_that_cannot_be_uploaded_holds_up_no_other(desk: Desk, clips: Clips) -> None:
    files = [clips["good.mp4"], clips["other.mp4"], clips["portrait.mp4"]]
    place = desk.store / f"content/CLI-ACME/{sha256_hex(files[1].read_bytes())}"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half")
    assert desk.run("add", *files, "--client", "CLI-ACME") == 3
    assert desk.err.startswith("error: other.mp4: file://")
    assert "1 of 3 clips could not be uploaded, and no entry" in desk.err
    assert [line.split()[0] for line in desk.out.splitlines()] == ["added", "failed", "added"]
    assert list(desk.entries()) == ["VID-ACME-GOOD.yaml", "VID-ACME-PORTRAIT.yaml"]
    assert desk.run("add", *files, "--client", "CLI-ACME", "--output", "json") == 3
    assert [clip["state"] for clip in desk.json()["clips"]] == ["present", "failed", "present"]
    (failed,) = desk.json()["failed"]
    assert failed["name"] == "VID-ACME-OTHER"
    assert failed["help"] == "remove that object, and run again"
    place.unlink()
    assert desk.run("add", *files, "--client", "CLI-ACME") == 0
    assert [line.split()[0] for line in desk.out.splitlines()] == ["present", "added", "present"]
    assert desk.run("check", "--deep") == 0


def test_on_a_terminal_progress_is_shown_and_elsewhere_none(desk: Desk, clips: Clips) -> None:
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("avtech")), "content", "add", str(clips["good.mp4"]), "--client", "CLI-ACME"]
    where = ["--repo", str(desk.repo), "--store", desk.store.as_uri()]
    with subprocess.Popen([*command, *where], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        screen = b""
        with suppress(OSError):  # the terminal ends with the process
            while chunk := os.read(ours, 65536):
                screen += chunk
        assert process.stdout
        out = process.stdout.read()
        assert process.wait() == 0, screen
    os.close(ours)
    assert b"measuring" in screen
    assert b"uploading" in screen
    assert out.startswith(b"added     VID-ACME-GOOD")
    assert desk.run("add", clips["other.mp4"], "--client", "CLI-ACME") == 0
    assert "ing" not in desk.err.partition("content-index")[0]


def many(folder: Path, clip: Path, count: int) -> list[Path]:
    """The same picture in files of different bytes: each has a box more that decoders skip."""
    files = [folder / f"clip-{number}.mp4" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(clip.read_bytes() + struct.pack(">I4sQ", 16, b"free", number))
    return files


@pytest.mark.s3
def test_an_addition_that_was_killed_is_finished_by_the_next_and_uploads_nothing_twice(
    desk: Desk, clips: Clips, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    files = many(tmp_path, clips["good.mp4"], 6)
    with counting(s3_server.endpoint, limit=2) as count:
        store = s3_server.url().replace(s3_server.endpoint, count.endpoint)
        command = [str(Path(sys.executable).with_name("avtech")), "content", "add", *map(str, files), "--client", "CLI-ACME"]
        with subprocess.Popen([*command, "--repo", str(desk.repo), "--store", store]) as killed:
            reached = count.reached.wait(60)
            killed.kill()
        assert reached
        assert desk.entries() == {}
        assert desk.run("add", *files, "--client", "CLI-ACME", store=store) == 0
        assert desk.run("check", "--deep", store=store) == 0
    assert len(desk.entries()) == 6
    uploaded = {path: times for path, times in count.written.items() if "/content/" in path}
    assert len(uploaded) == 6
    assert set(uploaded.values()) == {1}


def test_list_shows_the_clips_of_one_client(desk: Desk, clips: Clips) -> None:
    desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME")
    assert desk.run("list", "--client", "CLI-ACME") == 0
    assert [line.split()[0] for line in desk.out.splitlines()] == ["VID-ACME-GOOD", "VID-ACME-OTHER"]
    assert desk.run("list", "--client", "CLI-SMALL", "--output", "json") == 0
    assert desk.json()["clips"] == []
    assert desk.run("list", "--client", "CLI-NOBODY") == 2


def test_entries_keep_the_modeline_of_their_neighbours(desk: Desk, clips: Clips) -> None:
    desk.run("add", clips["good.mp4"], "--client", "CLI-ACME")
    entry = desk.repo / "content-index/CLI-ACME/VID-ACME-GOOD.yaml"
    entry.write_text("# yaml-language-server: $schema=../v.json\n# by hand\n" + entry.read_text())
    before = entry.read_text()
    desk.run("add", clips["good.mp4"], clips["other.mp4"], "--client", "CLI-ACME")
    assert entry.read_text() == before
    written = (desk.repo / "content-index/CLI-ACME/VID-ACME-OTHER.yaml").read_text()
    assert written.startswith("# yaml-language-server: $schema=../v.json\napiVersion: avtech/v1\n")


@pytest.mark.s3
def test_clips_go_to_a_real_s3_store_once(
    desk: Desk, clips: Clips, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    store = s3_server.url()
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", store=store) == 0
    assert desk.run("add", clips["good.mp4"], "--client", "CLI-ACME", store=store) == 0
    assert desk.out.startswith("present")
    assert desk.run("check", "--deep", store=store) == 0
