"""A screen or playlist that was renamed where it stands, but not where it is named: the help is its new name."""

import subprocess
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import Loaded, load, open_source, past_of
from tests.controller.desired_files import MINIMAL, document, write

SCREEN = "fleet/CLI-A/screens/one.yaml"
NAMED = "fleet/CLI-A/schedule.yaml"
OTHERS = "---\n".join(document("Screen", f"SCR-A-{n}", "client: CLI-A\ntitle: another") for n in range(2, 9))
FILES = {
    **MINIMAL,
    "fleet/CLI-A/others.yaml": OTHERS,
    NAMED: document("Schedule", "s", "client: CLI-A\nscreens: {names: [SCR-A-1]}\nrules: [{play: house}]"),
    "fleet/CLI-A/all.yaml": document("Schedule", "all", "client: CLI-A\nscreens: {groups: [all]}\nrules: [{play: house}]"),
    "fleet/CLI-A/group.yaml": document(
        "Group", "all", f"client: CLI-A\nscreens: [{', '.join(f'SCR-A-{n}' for n in range(2, 9))}]"
    ),
}
ENTRANCE = MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-ENTRANCE")


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, timeout=30)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "all is well")
    return tmp_path


def checked(root: Path, commit: str | None = None) -> Loaded:
    return load(open_source(root, commit), past=past_of(root, commit))


def rename(root: Path, text: str, path: str = SCREEN) -> None:
    (root / SCREEN).unlink()
    write(root, {path: text})


@pytest.mark.parametrize("path", [SCREEN, "fleet/CLI-A/screens/entrance.yaml"], ids=["in its file", "with its file"])
@pytest.mark.parametrize("committed", [False, True])
def test_a_half_done_rename_is_told_with_the_new_name(root: Path, path: str, committed: bool) -> None:
    rename(root, ENTRANCE, path)
    if committed:
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "half done")
    for commit in (None, "HEAD") if committed else (None,):
        first, second = checked(root, commit).findings
        assert (first.code, first.help) == ("AVT202", 'did you mean "SCR-A-ENTRANCE"?')
        assert [(place.file, text) for place, text in first.related] == [(path, "it was renamed here")]
        assert (second.code, second.place.file) == ("AVT216", path)
        assert "write `moved: [{kind: Screen, from: SCR-A-1, to: SCR-A-ENTRANCE}]` in fleet.yaml" in second.help


def test_a_rename_that_changed_other_words_too_is_known_by_its_file(root: Path) -> None:
    rename(root, ENTRANCE.replace('floor: "1"', 'floor: "2"'))
    assert checked(root).findings[0].help == 'did you mean "SCR-A-ENTRANCE"?'


def test_a_declared_rename_needs_no_history_and_is_not_asked_about(tmp_path: Path) -> None:
    moved = document("Fleet", "fleet", "moved: [{kind: Screen, from: SCR-A-1, to: SCR-A-ENTRANCE}]")
    write(tmp_path, {**FILES, SCREEN: ENTRANCE, "fleet/fleet.yaml": moved})
    (finding,) = checked(tmp_path).findings
    assert (finding.code, finding.help) == ("AVT202", 'did you mean "SCR-A-ENTRANCE"?')
    assert run(cli, ["validate", str(tmp_path), "--fix"]) == 0
    assert "SCR-A-ENTRANCE" in (tmp_path / NAMED).read_text()


def test_a_screen_that_is_gone_is_not_taken_for_one_that_was_there_all_along(root: Path) -> None:
    (root / SCREEN).unlink()
    (finding,) = (found for found in checked(root).findings if found.code == "AVT202")
    assert all(text != "it was renamed here" for _, text in finding.related)


def test_a_renamed_playlist_is_told_with_its_new_name(root: Path) -> None:
    path = "fleet/CLI-A/playlists/house.yaml"
    write(root, {path: MINIMAL[path].replace("name: house", "name: welcome")})
    found = checked(root).findings
    assert {finding.code for finding in found} == {"AVT204"}
    assert {finding.help for finding in found} == {'did you mean "welcome"?'}


def test_what_changed_since_is_told_alike(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rename(root, ENTRANCE)
    for option in ([], ["--no-cache"], ["--changed-since", "HEAD"]):
        assert run(cli, ["validate", str(root), "--output", "concise", *option]) == 1
        out = capsys.readouterr().out
        assert [line.split("[")[1][:6] for line in out.splitlines()] == ["AVT202", "AVT216"]
