"""`avtech init`: what it makes is valid, is committed, and never replaces anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.media import measure
from avtech_schema import json_schemas
from avtech_schema.identifiers import VideoId

ROOT = Path(__file__).parents[2]


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


def test_keys_and_a_rollouts_revert_cannot_be_committed_by_mistake(made: Path) -> None:
    for name in ("keys/publish", "publish.pem", "rollout-12-revert.patch"):
        subprocess.run(["git", "check-ignore", "-q", name], cwd=made, check=True)


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


def files_below(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_a_new_repository_has_checks_for_pull_requests_if_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    target = tmp_path / "screens"
    assert run(cli, ["init", str(target), "--ci", kind]) == 0
    told = capsys.readouterr().err
    assert "it is validated without any setting" in told
    assert "what ci/README.md lists" in told
    tracked = subprocess.run(["git", "ls-files", "-s"], cwd=target, check=True, capture_output=True, text=True).stdout
    modes = {line.split("\t")[1]: line[:6] for line in tracked.splitlines()}
    ours = sorted(ROOT.glob("ci/github/*.yml")) if kind == "github" else [ROOT / "ci/gitlab/.gitlab-ci.yml"]
    for path in ours:
        there = f".github/workflows/{path.name}" if kind == "github" else path.name
        assert (target / there).read_bytes() == path.read_bytes(), f"copy ci/{kind} into the controller's templates/ci"
    for name in ("install", "publish", "comment"):
        assert modes[f"ci/{name}"] == "100755"
        assert (target / f"ci/{name}").read_bytes() == (ROOT / f"ci/{name}").read_bytes(), f"copy ci/{name} there, too"
    assert (target / "ci/requirements.txt").read_text().startswith("avtech-controller==")
    named = set(re.findall(r"(?:secrets|vars)\.([A-Z_]+)", "".join(path.read_text() for path in ours))) - {"AVTECH_INSTALL"}
    readme = (target / "ci/README.md").read_text()
    assert [name for name in sorted(named) if name not in readme] == []
    assert load(open_source(target)).findings == ()


def test_a_repository_that_is_there_gets_the_files_for_ci_and_nothing_else(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_below(made)
    capsys.readouterr()
    assert run(cli, ["init", str(made), "--ci", "github", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    after = files_below(made)
    assert told["files"] == sorted(after.keys() - before.keys())
    assert told["next"][0] == "commit these files and push them"
    assert {path: data for path, data in after.items() if path in before} == before
    assert {path.split("/")[0] for path in after.keys() - before.keys()} == {".github", "ci"}
    assert run(cli, ["init", str(made), "--ci", "github"]) == 0
    assert "has all files for CI already: nothing was written" in capsys.readouterr().out
    assert files_below(made) == after


def test_files_for_ci_that_people_changed_are_never_overwritten(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made / ".github/workflows").mkdir(parents=True)
    (made / ".github/workflows/avtech-publish.yml").write_text("mine")
    (made / "ci").mkdir()
    (made / "ci/comment").symlink_to("/etc/passwd")
    before = files_below(made)
    assert run(cli, ["init", str(made), "--ci", "github"]) == 2
    assert (
        ".github/workflows/avtech-publish.yml, ci/comment: there already, and not as these templates" in capsys.readouterr().err
    )
    assert files_below(made) == before


def test_a_second_init_says_that_there_is_nothing_to_make(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files_below(made)
    assert run(cli, ["init", str(made)]) == 2
    told = capsys.readouterr().err
    assert "is a desired-state repository already" in told
    assert "--ci github" in told
    assert files_below(made) == before


def test_ci_files_belong_to_the_root_of_a_git_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    inner = tmp_path / "inner"
    assert run(cli, ["init", str(inner), "--no-git"]) == 0
    assert run(cli, ["init", str(inner), "--ci", "gitlab"]) == 2
    assert f"lies within the Git repository {tmp_path}" in capsys.readouterr().err
    assert not (inner / ".gitlab-ci.yml").exists()


def test_a_directory_that_is_no_git_repository_is_told_to_become_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, ["init", str(tmp_path / "plain"), "--no-git"]) == 0
    assert run(cli, ["init", str(tmp_path / "plain"), "--ci", "gitlab"]) == 0
    out, err = capsys.readouterr()
    assert "wrote .gitlab-ci.yml" in out
    assert "git init, and commit everything: this is no Git repository yet" in err


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
