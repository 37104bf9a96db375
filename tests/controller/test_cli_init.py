"""`avtech init`: what it makes is valid, is committed, and never replaces anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.media import measure
from avtech_schema import json_schemas
from avtech_schema.identifiers import VideoId


@pytest.fixture
def made(tmp_path: Path) -> Path:
    target = tmp_path / "screens"
    assert run(cli, ["init", str(target)]) == 0
    return target


def test_the_example_is_valid_and_committed(made: Path) -> None:
    assert load(open_source(made)).findings == ()
    state = require_state(load(open_source(made, "HEAD")))
    assert (len(state.clients), len(state.screens), len(state.playlists), len(state.checks)) == (1, 2, 2, 2)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=made, check=True, capture_output=True, text=True)
    assert status.stdout == ""
    assert (made / ".gitignore").read_text().count("*.pem") == 1


def test_every_resource_names_a_schema_that_is_there_and_current(made: Path) -> None:
    for path in [*made.glob("fleet/**/*.yaml"), *made.glob("content-index/**/*.yaml")]:
        first = path.read_text().split("\n")[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (path.parent / first.partition("=")[2]).is_file()
    assert json_schemas.stale(made / "schema/json/v1") == []


@pytest.mark.media
@pytest.mark.parametrize("name", ["welcome", "offer"])
def test_the_index_tells_the_truth_about_the_clips(made: Path, name: str) -> None:
    state = require_state(load(open_source(made)))
    spec = state.videos[VideoId(f"VID-EXAMPLE-{name.upper()}")].spec
    measured = measure(made / f"clips/{name}.mp4")
    assert (spec.sha256, spec.size_bytes, spec.duration_ms) == (measured.sha256, measured.size, measured.duration_ms)
    assert (spec.media.container, spec.media.video_codec, spec.media.width) == ("mp4", "h264", measured.width)


@pytest.mark.media
def test_what_the_readme_says_can_be_run_as_it_stands(made: Path) -> None:
    """From the first check to a published release, line by line in a shell."""
    lines = [line for line in (made / "README.md").read_text().splitlines() if line.startswith("    ")]
    commands = {line.split()[1] for line in lines if line.startswith("    avtech ")}
    assert commands == {"validate", "airtime", "preview", "content", "keys", "plan", "publish", "status"}
    identity = {f"GIT_{who}_{what}": "eva@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **identity, "PATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((made.parent / "store/targets/CLI-EXAMPLE").iterdir())) == 2


def test_a_directory_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "note.txt").write_text("mine")
    assert run(cli, ["init", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    assert "not empty" in capsys.readouterr().err
    assert run(cli, ["init", str(tmp_path / "note.txt")]) == 2


def test_an_empty_directory_will_do_and_git_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "empty"
    target.mkdir()
    assert run(cli, ["init", str(target), "--no-git", "--output", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["commit"] is None
    assert "fleet/fleet.yaml" in result["files"]
    assert not (target / ".git").exists()
    assert load(open_source(target)).findings == ()


def test_somebody_git_does_not_know_gets_a_commit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    assert run(cli, ["init", str(tmp_path / "new")]) == 0
    author = subprocess.run(
        ["git", "log", "-1", "--format=%ae"], cwd=tmp_path / "new", check=True, capture_output=True, text=True
    )
    assert author.stdout.strip() == "avtech@localhost"


@pytest.mark.parametrize("target", ["/proc/new", "/dev/null/new"])
def test_a_place_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str], target: str) -> None:
    assert run(cli, ["init", target]) in (2, 3)
    assert "Traceback" not in capsys.readouterr().err


def test_the_commands_of_the_editors_guide_run(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    guide = (Path(__file__).parents[2] / "docs/guides/editors.md").read_text()
    commands = [line.strip() for line in guide.splitlines() if line.startswith("    avtech ") and " init " not in line]
    assert len(commands) == 5
    said = ""
    for command in commands:
        assert run(cli, [*map(str, command.split()[1:])]) == 0, command
        out, err = capsys.readouterr()
        said += out + err
    quoted = guide.split("The second answers:\n\n")[1].split("\n\n")[0]
    assert "\n".join(line.removeprefix("    ") for line in quoted.splitlines()) in said
    assert "no findings in 11 files; 2 screens" in said
