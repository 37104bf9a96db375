"""`avtech import anthias` on real clips and a real repository: what is written validates, and nothing is overwritten."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.clips import Clips, clips
from tests.controller.test_importing import row

pytestmark = pytest.mark.media
__all__ = ["clips"]

FLEET = "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: f}\nspec: {}\n"


@dataclass
class Move:
    """A device's files, the repository they go to, and a store."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def device(self) -> Path:
        return self.folder / "lobby"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def offer(self, *rows: dict[str, Any]) -> None:
        (self.device / "assets.json").write_text(json.dumps(rows))

    def run(self, *options: str, client: str = "CLI-LOBBY", zone: str | None = "Europe/Madrid") -> int:
        zones = ["--time-zone", zone] if zone else []
        arguments = ["import", "anthias", str(self.device), "--client", client, *zones, "-C", str(self.repo), *options]
        code = run(cli, arguments)
        self.out, self.err = self.capture.readouterr()
        assert "Traceback" not in self.out + self.err
        return code

    def validate(self) -> int:
        code = run(cli, ["validate", str(self.repo)])
        self.out, self.err = self.capture.readouterr()
        return code

    def files(self) -> dict[str, str]:
        return {str(path.relative_to(self.repo)): path.read_text() for path in self.repo.rglob("*") if path.is_file()}

    def objects(self) -> list[str]:
        return sorted(path.relative_to(self.store).parts[0] for path in self.store.rglob("*") if path.is_file())


@pytest.fixture
def move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Move:
    for name in ("repo/fleet", "lobby/anthias_assets", "store"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "repo/fleet/fleet.yaml").write_text(FLEET)
    return Move(tmp_path, capsys)


def two(move: Move, clips: Clips) -> None:
    """A device with two clips, one of them at night only, and a web page."""
    clips.copy("good.mp4", move.device / "anthias_assets" / "1.mp4")
    clips.copy("other.mp4", move.device / "anthias_assets" / "2.mp4")
    move.offer(
        row(
            asset_id="1",
            name="Welcome | <b>all</b>.mp4",
            uri="/data/anthias_assets/1.mp4",
            duration=2,
            end_date="2090-01-01T00:00:00Z",
        ),
        row(
            asset_id="2",
            name="Otoño",
            uri="/data/anthias_assets/2.mp4",
            duration=9,
            end_date="9999-01-01T00:00:00Z",
            play_order=0,
            play_days=[5, 6],
            play_time_from="22:00:00",
            play_time_to="02:00:00",
        ),
        row(asset_id="3", name="Dashboard", mimetype="webpage", uri="https://example.com", end_date="2090-01-01T00:00:00Z"),
    )


def test_a_device_becomes_a_screen_that_validates_with_its_clips_in_the_store(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run("--store", move.store.as_uri(), "--output", "json") == 0
    told = json.loads(move.out)
    assert {one["clip"]: one["playlist"] for one in told["carried"]} == {
        "VID-LOBBY-OTONO": "anthias-fri-sat-2200-0200",
        "VID-LOBBY-WELCOME-B-ALL-B": "anthias-always",
    }
    assert [(one["name"], one["reason"]) for one in told["omitted"]] == [("Dashboard", "web-page")]
    assert any("9 s" in note for note in told["notes"])
    assert sorted(told["files"]) == sorted(move.files().keys() - {"fleet/fleet.yaml"})
    assert move.objects() == ["content", "content", "thumbnails", "thumbnails"]
    assert move.validate() == 0
    assert "error[" not in move.out
    page = move.files()["imports/anthias.md"]
    assert "Dashboard" in page
    assert "<b>" not in page


def test_a_dry_run_shows_the_same_and_changes_nothing(move: Move, clips: Clips) -> None:
    two(move, clips)
    before = move.files()
    assert move.run("--store", move.store.as_uri(), "--dry-run") == 0
    assert "would write fleet/CLI-LOBBY/schedules/anthias.yaml" in move.out
    assert move.files() == before
    assert move.objects() == []


def test_running_it_again_changes_nothing_and_uploads_what_is_missing(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run() == 0
    assert "in no store yet" in move.err
    before = move.files()
    assert move.run("--store", move.store.as_uri()) == 0
    assert "there already" in move.err
    assert move.files() == before
    assert move.objects() == ["content", "content", "thumbnails", "thumbnails"]


def test_what_an_editor_changed_is_not_overwritten(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run() == 0
    schedule = move.repo / "fleet/CLI-LOBBY/schedules/anthias.yaml"
    schedule.write_text(schedule.read_text() + "# mine\n")
    before = move.files()
    assert move.run() == 1
    assert "fleet/CLI-LOBBY/schedules/anthias.yaml" in move.err
    assert move.files() == before


def test_a_second_device_of_the_client_shares_the_clips_and_has_its_own_names(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run() == 0
    assert move.run("--name", "window", "--screen", "SCR-LOBBY-WINDOW") == 0
    assert len([name for name in move.files() if name.startswith("content-index/")]) == 2
    assert move.validate() == 0


def test_a_screen_that_is_there_is_used_as_it_is(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run() == 0
    assert move.run("--name", "more", "--screen", "SCR-LOBBY-ANTHIAS", zone=None) == 0
    assert "screens/" not in "".join(line for line in move.out.splitlines() if line.startswith("wrote"))
    assert move.run("--name", "more", "--screen", "SCR-LOBBY-ANTHIAS", zone="Asia/Kathmandu") == 2
    assert move.run("--name", "more", "--screen", "SCR-LOBBY-ANTHIAS", client="CLI-OTHER") == 2


def test_clips_that_may_not_become_one_are_told_with_the_reason(move: Move, clips: Clips) -> None:
    for number, name in enumerate(["good.mp4", "20.2-seconds.mp4", "hevc.mp4", "text.mp4"]):
        clips.copy(name, move.device / f"{number}.mp4")
    rows = [
        row(asset_id=f"{n}", name=f"clip {n}", uri=f"{n}.mp4", duration=2, end_date="2090-01-01T00:00:00Z") for n in range(5)
    ]
    move.offer(*rows)
    assert move.run("--output", "json") == 0
    omitted = {one["asset_id"]: one["reason"] for one in json.loads(move.out)["omitted"]}
    assert omitted == {"1": "too-long", "2": "refused", "3": "refused", "4": "missing-file"}
    assert move.validate() == 0


def test_names_that_give_none_or_are_taken_or_too_long_are_made_to_fit(move: Move, clips: Clips) -> None:
    clips.copy("good.mp4", move.device / "1.mp4")
    clips.copy("other.mp4", move.device / "2.mp4")
    clips.copy("portrait.mp4", move.device / "3.mp4")
    clips.copy("with-sound.mp4", move.device / "4.mp4")
    names = ["夏", "Same", "same.MP4", "a very long name " * 20]
    move.offer(
        *(row(asset_id=f"{n}", name=name, uri=f"{n}.mp4", end_date="2090-01-01T00:00:00Z") for n, name in enumerate(names, 1))
    )
    assert move.run("--output", "json") == 0
    made = [one["clip"] for one in json.loads(move.out)["carried"]]
    assert made[:3] == ["VID-LOBBY-1", "VID-LOBBY-SAME", "VID-LOBBY-SAME-2"]
    assert made[3].startswith("VID-LOBBY-A-VERY-LONG-NAME-")
    assert len(made[3]) <= 64
    assert move.validate() == 0


def test_two_assets_of_one_file_are_one_clip_with_two_turns(move: Move, clips: Clips) -> None:
    clips.copy("good.mp4", move.device / "1.mp4")
    clips.copy("good.mp4", move.device / "2.mp4")
    move.offer(*(row(asset_id=f"{n}", name=f"n{n}", uri=f"{n}.mp4", end_date="2090-01-01T00:00:00Z") for n in (1, 2)))
    assert move.run() == 0
    assert move.files()["fleet/CLI-LOBBY/playlists/anthias-always.yaml"].count("clip: VID-LOBBY-N1") == 2
    assert move.validate() == 0


def test_a_list_of_nothing_to_carry_is_an_error_and_writes_nothing(move: Move) -> None:
    before = move.files()
    for rows in ([], [row(mimetype="image")], [row(end_date="2090-01-01T00:00:00Z")]):
        move.offer(*rows)
        assert move.run() == 1
        assert "nothing was written" in move.err
    assert move.files() == before


def test_a_wrong_option_is_one_line(move: Move, clips: Clips) -> None:
    two(move, clips)
    assert move.run(zone=None) == 2
    assert move.run(zone="Europe/Madird") == 2
    assert move.run(client="ACME") == 2
    assert move.run("--screen", "lobby") == 2
    assert move.run("--name", "Not A Slug") == 2
    assert move.run("--store", "ftp://nowhere") == 2
    (move.device / "assets.json").write_text("{")
    assert move.run() == 2
    assert len(move.err.splitlines()) <= 2


def test_a_repository_with_errors_is_not_made_worse(move: Move, clips: Clips) -> None:
    two(move, clips)
    (move.repo / "fleet/broken.yaml").write_text("kind: Screen\n")
    before = move.files()
    assert move.run() == 1
    assert move.files() == before


def test_a_store_that_fails_leaves_the_repository_as_it_was(move: Move, clips: Clips) -> None:
    two(move, clips)
    (move.folder / "file").write_text("")
    before = move.files()
    assert move.run("--store", f"file://{move.folder}/file/store") in (2, 3)
    assert move.files() == before


def test_a_list_as_a_device_has_it_names_each_thing_that_is_not_carried(move: Move, clips: Clips) -> None:
    """Rows as version 2 of the API gives them, nulls and all, and as people leave them over the years."""
    base: dict[str, Any] = {
        "start_date": "2023-01-01T00:00:00Z",
        "end_date": "2099-12-31T23:59:00+01:00",
        "is_enabled": True,
        "is_active": True,
        "is_processing": None,
        "nocache": False,
        "skip_asset_check": False,
        "play_order": 0,
        "play_days": "[1, 2, 3, 4, 5, 6, 7]",
        "play_time_from": None,
        "play_time_to": None,
        "metadata": None,
        "md5": None,
    }
    clips.copy("good.mp4", move.device / "anthias_assets" / "a1b2.mp4")
    clips.copy("an-hour.mp4", move.device / "anthias_assets" / "c3d4.mp4")
    (move.device / "anthias_assets" / "e5f6.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    listed: list[tuple[str, dict[str, Any], str | None]] = [
        ("Welcome", {"uri": "/data/anthias_assets/a1b2.mp4", "mimetype": "video", "duration": 0}, None),
        ("Film", {"uri": "/data/anthias_assets/c3d4.mp4", "mimetype": "video", "duration": "45"}, "too-long"),
        ("Poster", {"uri": "/data/anthias_assets/e5f6.jpg", "mimetype": "image", "duration": 10}, "image"),
        ("Weather", {"uri": "https://weather.example/", "mimetype": "webpage", "duration": 20}, "web-page"),
        ("Traffic", {"uri": "rtsp://camera.example/1", "mimetype": "streaming", "duration": 30}, "stream"),
        ("Lost", {"uri": "/data/anthias_assets/gone.mp4", "mimetype": "video", "duration": 8}, "missing-file"),
        ("Odd", {"uri": "/data/anthias_assets/a1b2.mp4", "mimetype": None, "duration": None}, "unknown-type"),
        ("Off", {"uri": "/data/anthias_assets/a1b2.mp4", "mimetype": "video", "duration": 2, "is_enabled": 0}, "disabled"),
        ("Undated", {"uri": "/a1b2.mp4", "mimetype": "video", "duration": 2, "start_date": None, "end_date": None}, "no-dates"),
        ("Torn", {"uri": "/a1b2.mp4", "mimetype": "video", "duration": 2, "play_time_from": "soon"}, "unreadable"),
    ]
    move.offer(*({**base, "asset_id": f"id-{number}", "name": name, **row} for number, (name, row, _) in enumerate(listed)))
    assert move.run("--store", move.store.as_uri(), "--output", "json") == 0
    told = json.loads(move.out)
    assert {one["name"]: one["reason"] for one in told["omitted"]} == {name: why for name, _, why in listed if why}
    assert len(told["carried"]) == 1
    page = move.files()["imports/anthias.md"]
    assert [name for name, _, why in listed if why and name not in page] == []
    assert move.run("--store", move.store.as_uri()) == 0
    assert [name for name, _, why in listed if why and name not in move.out] == []
    assert move.validate() == 0
