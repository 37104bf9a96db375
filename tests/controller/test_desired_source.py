"""Reading a work tree and a commit: everything that is there, nothing that is not, and no surprises."""

import os
import subprocess
from pathlib import Path

import pytest

from avtech_controller.desired import SourceError, load, open_source
from avtech_controller.desired import _source as source_module
from avtech_controller.desired.history import commit_facts, has_changes, is_ancestor, resolve_commit
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import CommitId
from tests.controller.desired_files import MINIMAL, codes, loaded, write


def git(root: Path, *arguments: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "Eva", "GIT_AUTHOR_EMAIL": "eva@example.com"}
    committer = {"GIT_COMMITTER_NAME": "Eva", "GIT_COMMITTER_EMAIL": "eva@example.com"}
    done = subprocess.run(
        ["git", "-c", "commit.gpgsign=false", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **identity, **committer},
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = write(tmp_path / "repository", MINIMAL)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    return root


def test_a_commit_is_read_without_the_work_tree(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    for path in ("fleet/fleet.yaml", "fleet/CLI-A/client.yaml"):
        (repository / path).unlink()
    (repository / "fleet/CLI-A/screens/one.yaml").write_text("broken: [")
    before = git(repository, "status", "--porcelain")
    source = open_source(repository, "main")
    assert source.commit == first
    assert load(source).findings == ()
    assert git(repository, "status", "--porcelain") == before
    assert open_source(repository).commit is None
    assert load(open_source(repository)).state is None


def test_a_commit_and_its_work_tree_hold_the_same_files(repository: Path) -> None:
    tree = {file.path: file.data for file in open_source(repository).files()}
    commit = {file.path: file.data for file in open_source(repository, "HEAD").files()}
    assert tree == commit
    assert sorted(tree) == sorted(MINIMAL)


def test_a_folder_of_a_larger_repository_can_hold_the_desired_state(tmp_path: Path) -> None:
    root = tmp_path / "large"
    write(root / "signage", MINIMAL)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    assert load(open_source(root / "signage", "HEAD")).findings == ()
    assert "AVT207" in codes(load(open_source(root, "HEAD")))


def test_a_bare_repository_can_be_read(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    assert load(open_source(tmp_path / "bare.git", "main")).findings == ()


@pytest.mark.parametrize("revision", ["nope", "--help", "HEAD~5", "", "HEAD:fleet", "a\0b", "-"])
def test_a_revision_that_is_no_commit_is_one_line(repository: Path, revision: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(repository, revision)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_no_repository_is_one_line(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    with pytest.raises(SourceError, match="not in a Git repository"):
        open_source(tmp_path, "HEAD")
    with pytest.raises(SourceError, match="cannot read"):
        open_source(tmp_path / "missing")
    with pytest.raises(SourceError, match="is not there"):
        open_source(tmp_path / "missing", "HEAD")
    with pytest.raises(SourceError, match="not a directory"):
        open_source(tmp_path / "fleet/fleet.yaml")


def test_a_repository_without_commits_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(SourceError, match="no commit yet"):
        open_source(tmp_path, "HEAD")


def test_a_damaged_repository_is_an_error_not_an_empty_answer(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:fleet/CLI-A/client.yaml")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match="cannot be read whole"):
        load(open_source(repository, "HEAD"))


def test_a_shallow_clone_reads_its_commit_and_refuses_to_guess_about_others(repository: Path, tmp_path: Path) -> None:
    first = CommitId(git(repository, "rev-parse", "HEAD"))
    for number in range(3):
        git(repository, "commit", "--quiet", "--allow-empty", "--message", str(number))
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow")
    shallow = tmp_path / "shallow"
    assert load(open_source(shallow, "HEAD")).findings == ()
    with pytest.raises(SourceError) as caught:
        is_ancestor(shallow, first, resolve_commit(shallow, "HEAD"))
    assert "unshallow" in caught.value.hint
    with pytest.raises(SourceError):
        resolve_commit(shallow, first)


def test_history_knows_who_descends_from_whom(repository: Path) -> None:
    first = resolve_commit(repository, "HEAD")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "second: ü")
    second = resolve_commit(repository, "main")
    git(repository, "checkout", "--quiet", "-b", "side", first)
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "side")
    side = resolve_commit(repository, "side")
    assert is_ancestor(repository, first, second)
    assert is_ancestor(repository, second, second)
    assert not is_ancestor(repository, second, first)
    assert not is_ancestor(repository, side, second)
    assert commit_facts(repository, second).subject == "second: ü"
    assert commit_facts(repository, second).author == "Eva <eva@example.com>"
    with pytest.raises(SourceError):
        is_ancestor(repository, CommitId("0" * 40), second)


def test_changes_that_are_not_committed_are_seen(repository: Path) -> None:
    assert not has_changes(repository)
    (repository / "notes.txt").write_text("not part of the state")
    assert not has_changes(repository)
    (repository / "fleet/CLI-A/new.yaml").write_text("x")
    assert has_changes(repository)


def test_links_are_not_followed_but_reported(tmp_path: Path, repository: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: x")
    (repository / "fleet/link.yaml").symlink_to(secret)
    (repository / "fleet/CLI-B").symlink_to(tmp_path)
    found = load(open_source(repository))
    assert codes(found) == ["AVT111", "AVT111"]
    assert "password" not in str(found)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "links")
    assert "AVT111" in codes(load(open_source(repository, "HEAD")))


def test_a_linked_root_folder_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "other", MINIMAL)
    root = tmp_path / "root"
    root.mkdir()
    (root / "fleet").symlink_to(tmp_path / "other/fleet")
    assert "AVT111" in codes(load(open_source(root)))


def test_large_files_pipes_and_sockets_are_reported_and_never_block(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"fleet/big.yaml": b"a" * (50 << 20)})
    assert codes(found) == ["AVT105"]
    (tmp_path / "fleet/big.yaml").unlink()
    os.mkfifo(tmp_path / "fleet/pipe.yaml")
    assert codes(load(open_source(tmp_path))) == ["AVT112"]


def test_files_that_are_not_yaml_are_left_alone(tmp_path: Path) -> None:
    extra = {"fleet/README.md": "[", "fleet/CLI-A/x.yaml.bak": "[", "other/x.yaml": "[", "content-index/a.json": "["}
    found = loaded(tmp_path, extra)
    assert found.findings == ()
    assert found.files == len(MINIMAL)


def test_both_endings_of_yaml_are_read(tmp_path: Path) -> None:
    text = MINIMAL["fleet/CLI-A/screens/one.yaml"]
    found = loaded(tmp_path, {"fleet/CLI-A/screens/one.yaml": None, "fleet/CLI-A/screens/one.yml": text})
    assert found.findings == ()
    assert found.screens == 1


def test_a_tree_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, MINIMAL)
    deep = tmp_path / "fleet" / "/".join("d" for _ in range(40))
    deep.mkdir(parents=True)
    with pytest.raises(FindingsError, match="nested deeper"):
        load(open_source(tmp_path))
    monkeypatch.setattr(source_module, "MAX_FILES", 3)
    with pytest.raises(FindingsError, match="more than 3"):
        load(open_source(write(tmp_path / "other", MINIMAL)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL)
    (tmp_path / "fleet/fleet.yaml").chmod(0)
    assert "AVT112" in codes(load(open_source(tmp_path)))
