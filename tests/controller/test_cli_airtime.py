"""`avtech airtime`: the promised JSON, the spellings of an instant, and questions that have no answer."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.cli._main import cli, run
from tests.controller.desired_files import MINIMAL, document, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    schedule = document(
        "Schedule",
        "shop",
        """
        client: CLI-A
        screens: {names: [SCR-A-1]}
        rules:
          - {play: day, from: "09:00", until: "21:00", days: [mon, tue, wed, thu, fri]}
          - {play: house, from: "09:00", until: "12:00", days: [mon]}
        """,
    )
    day = document("Playlist", "day", "client: CLI-A\nitems: [{clip: VID-A-ONE}]")
    return write(tmp_path, {**MINIMAL, "fleet/CLI-A/s.yaml": schedule, "fleet/CLI-A/d.yaml": day})


@pytest.fixture
def ask(root: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def ask(*arguments: str) -> Any:
        assert run(cli, ["airtime", "SCR-A-1", "-C", str(root), "--output", "json", *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def test_an_instant_has_rules_clips_and_the_next_change(ask: Any) -> None:
    clip = {"clip": "VID-A-ONE", "schedule": "shop"}
    assert ask("--at", "2026-11-23T10:00") == {
        "screen": "SCR-A-1",
        "at": "2026-11-23T09:00:00Z",
        "rules": ["shop/1", "shop/2"],
        "clips": [{**clip, "rule": "shop/1", "playlist": "day"}, {**clip, "rule": "shop/2", "playlist": "house"}],
        "until": "2026-11-23T11:00:00Z",
    }


def test_the_fallback_has_no_rules(ask: Any) -> None:
    assert ask("--at", "2026-11-22T10:00") == {
        "screen": "SCR-A-1",
        "at": "2026-11-22T09:00:00Z",
        "rules": [],
        "clips": [{"clip": "VID-A-ONE", "rule": None, "schedule": None, "playlist": "house"}],
        "until": "2026-11-23T08:00:00Z",
    }


def test_without_another_change_until_is_null(root: Path, ask: Any) -> None:
    (root / "fleet/CLI-A/s.yaml").unlink()
    (root / "fleet/CLI-A/d.yaml").unlink()
    assert ask()["until"] is None


@pytest.mark.parametrize(
    "text", ["2026-11-23T10:00", "2026-11-23T10:00:00", "2026-11-23T09:00Z", "2026-11-23T10:00+01:00", "2026-11-23T04:00-05:00"]
)
def test_an_instant_has_several_spellings(ask: Any, text: str) -> None:
    assert ask("--at", text)["at"] == "2026-11-23T09:00:00Z"


def test_now_is_the_default(ask: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    at = datetime.fromisoformat(ask()["at"])
    assert before <= at <= datetime.now(UTC)


def test_a_stretch_is_a_list_without_gaps(ask: Any) -> None:
    found = ask("--from", "2026-11-23", "--until", "2026-11-25")
    assert [entry["at"] for entry in found] == [
        "2026-11-22T23:00:00Z",
        "2026-11-23T08:00:00Z",
        "2026-11-23T11:00:00Z",
        "2026-11-23T20:00:00Z",
        "2026-11-24T08:00:00Z",
        "2026-11-24T20:00:00Z",
    ]
    assert [entry["until"] for entry in found[:-1]] == [entry["at"] for entry in found[1:]]
    assert found[-1]["until"] == "2026-11-25T08:00:00Z"
    assert ask("--from", "2026-11-23") == found[:4]


def test_people_read_local_time_utc_and_titles(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["airtime", "SCR-A-1", "-C", str(root), "--at", "2026-11-23T10:00"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "SCR-A-1  Mon 2026-11-23 10:00:00 Europe/Madrid (2026-11-23T09:00:00Z)"
        "  until Mon 2026-11-23 12:00:00 Europe/Madrid (2026-11-23T11:00:00Z)",
        "  day  (rule shop/1, weight 1)",
        "    VID-A-ONE  5.0 s  one.mp4",
        "  house  (rule shop/2, weight 1)",
        "    VID-A-ONE  5.0 s  one.mp4",
    ]


def test_people_read_the_weight_of_an_item(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    playlist = root / "fleet/CLI-A/d.yaml"
    playlist.write_text(playlist.read_text().replace("{clip: VID-A-ONE}", "{clip: VID-A-ONE, weight: 3}"))
    assert run(cli, ["airtime", "SCR-A-1", "-C", str(root), "--at", "2026-11-23T10:00"]) == 0
    assert capsys.readouterr().out.count("(weight 3)") == 1


def test_people_read_whether_the_panel_is_on_and_programs_read_what_they_always_did(
    root: Path, ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ask("--at", "2026-11-23T23:30")
    screen = root / "fleet/CLI-A/screens/one.yaml"
    screen.write_text(screen.read_text() + '  display: {powerHours: {from: "07:00", until: "23:00"}}\n')
    for at, line in (
        ("2026-11-23T23:30", "  panel OFF until Tue 2026-11-24 07:00:00 Europe/Madrid (2026-11-24T06:00:00Z)"),
        ("2026-11-24T07:00", "  panel on until Tue 2026-11-24 23:00:00 Europe/Madrid (2026-11-24T22:00:00Z)"),
    ):
        assert run(cli, ["airtime", "SCR-A-1", "-C", str(root), "--at", at]) == 0
        assert capsys.readouterr().out.splitlines()[1] == line
    assert ask("--at", "2026-11-23T23:30") == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--at", "tomorrow"],
        ["--at", "2026-02-30"],
        ["--at", "2026-11-23T25:00"],
        ["--at", "2026-11-23T10:00+99:00"],
        ["--at", ""],
        ["--at", "0001-01-01"],
        ["--at", "9999-12-31"],
        ["--at", "0001-01-01T00:00+14:00"],
        ["--from", "2026-11-23", "--until", "2026-11-22"],
        ["--from", "2026-11-23", "--until", "2046-11-22"],
        ["--until", "2026-11-23"],
        ["--from", "2026-11-23", "--at", "2026-11-23"],
    ],
)
def test_what_is_no_instant_ends_with_2(root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(cli, ["airtime", "SCR-A-1", "-C", str(root), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert "internal" not in err


def test_an_unknown_screen_ends_with_2_and_the_nearest_name(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["airtime", "scr-a-2", "-C", str(root)]) == 2
    assert "did you mean SCR-A-1?" in capsys.readouterr().err
