"""What a change brings about: findings of the files it touches, and those elsewhere that were not there before."""

import subprocess
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import load_change, open_source
from tests.controller.desired_files import MINIMAL, document, write

OLD = "fleet/old.yaml"
HOUSE = "fleet/CLI-A/playlists/house.yaml"


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, timeout=30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose last commit has one warning, in `OLD`."""
    empty = document("Group", "empty", "client: CLI-A\nmatchLabels: {no: body}")
    write(tmp_path, {**MINIMAL, OLD: empty})
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "begin")
    return tmp_path


def found(root: Path) -> list[tuple[str, str]]:
    change = load_change(open_source(root), open_source(root, "HEAD"))
    return [(finding.code, finding.place.file) for finding in change.loaded.findings]


def test_without_a_change_nothing_is_shown_however_much_is_wrong(root: Path) -> None:
    change = load_change(open_source(root), open_source(root, "HEAD"))
    assert (change.loaded.findings, change.files, change.earlier) == ((), frozenset(), 1)


def test_findings_of_other_files_are_left_out_and_those_of_the_changed_shown(root: Path) -> None:
    write(root, {"fleet/new.yaml": "kind: Screne\n"})
    assert found(root) == [("AVT120", "fleet/new.yaml")]


def test_what_a_change_breaks_elsewhere_is_shown_there(root: Path) -> None:
    (root / HOUSE).unlink()
    shown = found(root)
    assert ("AVT204", "fleet/CLI-A/client.yaml") in shown
    assert all(file != OLD for _, file in shown)


def test_all_findings_of_a_touched_file_are_shown(root: Path) -> None:
    (root / OLD).write_text("# touched\n" + (root / OLD).read_text())
    assert found(root) == [("AVT214", OLD)]


def test_of_equal_findings_only_those_beyond_the_base_are_new(root: Path) -> None:
    twice = document("Schedule", "s", "client: CLI-A\nscreens: {names: [SCR-A-1]}\nrules: [{play: gone}, {play: gone}]")
    write(root, {"fleet/s.yaml": twice})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "worse")
    assert found(root) == []
    write(root, {"fleet/s.yaml": twice + "# more\n"})
    assert found(root) == [("AVT204", "fleet/s.yaml")] * 2


def test_the_exit_code_speaks_of_the_change_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"fleet/bad.yaml": "kind: Screne\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "broken")
    assert run(cli, ["validate", str(root)]) == 1
    capsys.readouterr()
    assert run(cli, ["validate", str(root), "--changed-since", "HEAD"]) == 0
    assert capsys.readouterr() == ("", "no findings in 7 files; 1 screen; 0 files changed, 1 earlier finding left out\n")
    assert run(cli, ["validate", str(root), "--commit", "HEAD", "--changed-since", "HEAD~1", "--output", "concise"]) == 1
    assert capsys.readouterr().out.startswith("fleet/bad.yaml:1:7: error[AVT120]")
    assert run(cli, ["validate", str(root), "--changed-since", "nowhere"]) == 2
    assert "not a commit of this repository" in capsys.readouterr().err


def test_overlooked_files_are_told_unless_the_base_has_them(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"old.yaml": MINIMAL[HOUSE]})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "misplaced")
    write(root, {"fleet/new.yaml.txt": MINIMAL[HOUSE]})
    assert run(cli, ["validate", str(root), "--changed-since", "HEAD", "--output", "concise"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["fleet/new.yaml.txt"]
    assert run(cli, ["validate", str(root), "--changed-since", "HEAD~1", "--output", "concise"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["fleet/new.yaml.txt", "old.yaml"]


SCREEN = "fleet/CLI-A/screens/one.yaml"


def test_a_screen_that_seems_to_be_renamed_is_asked_about(root: Path) -> None:
    (root / SCREEN).write_text(MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-NEW"))
    assert found(root) == [("AVT216", SCREEN)]
    finding = load_change(open_source(root), open_source(root, "HEAD")).loaded.findings[0]
    assert finding.message == "SCR-A-NEW seems to be SCR-A-1 under a new name"
    moved = "{moved: [{kind: Screen, from: SCR-A-1, to: SCR-A-NEW}]}"
    assert moved[1:-1] in finding.help
    write(root, {"fleet/fleet.yaml": MINIMAL["fleet/fleet.yaml"].replace("{}", moved)})
    assert found(root) == []


def test_screens_that_are_not_alike_are_not_asked_about(root: Path) -> None:
    (root / SCREEN).write_text(MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-NEW").replace('"1"', '"2"'))
    assert found(root) == []
