"""Whose signed commits may be published: nobody publishes unsigned, in another's place, or by admitting themselves."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.signing import check_commits, parse_owners
from avtech_schema.errors import ConfigurationError, TrustError
from avtech_schema.identifiers import CommitId
from tests.controller.repository import Repository, make_repository

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing")


@dataclass(frozen=True)
class Team:
    """A repository whose commits are signed by people with SSH keys; `released` has the policy."""

    repository: Repository
    keys: Path
    released: CommitId

    def commit(self, who: str | None, *files: str, remove: str = "") -> CommitId:
        """Commit new content of some files, signed by somebody, or by nobody."""
        return commit(self.repository, self.keys, who, files, remove)

    def check(self, new: CommitId) -> None:
        check_commits(self.repository.path, self.released, new)


def commit(repository: Repository, keys: Path, who: str | None, files: tuple[str, ...] = (), remove: str = "") -> CommitId:
    for file in files:
        path = repository.path / file
        repository.write(file, (path.read_text() if path.exists() else "") + "# changed\n")
    if remove:
        repository.git("rm", "-q", remove)
    repository.git("add", "-A")
    sign = ["-S"] if who else []
    repository.git(*_signing(keys, who), "commit", "-q", "--allow-empty", *sign, "-m", "change")
    return CommitId(repository.git("rev-parse", "HEAD"))


def _signing(keys: Path, who: str | None) -> list[str]:
    return ["-c", "gpg.format=ssh", "-c", f"user.signingkey={keys / (who or 'nobody')}"]


def listed(keys: Path, *people: str) -> str:
    lines = [f'{who}@acme.example namespaces="git" {(keys / f"{who}.pub").read_text()}' for who in people]
    return "".join(lines)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    keys = tmp_path / "ssh"
    keys.mkdir()
    for who in ("ada", "bob", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(keys / who)], check=True)
    repository = make_repository(tmp_path)
    repository.write("trust/allowed_signers", listed(keys, "ada", "bob"))
    repository.write(
        "trust/owners",
        "*                       ada@acme.example\n"
        "fleet/CLI-ACME/         ada@acme.example bob@acme.example   # Bob's client\n"
        "content-index/CLI-*/*   bob@acme.example\n",
    )
    return Team(repository, keys, commit(repository, keys, "ada"))


PLAYLIST = "fleet/CLI-ACME/playlists/main.yaml"
VIDEO = "content-index/CLI-ACME/VID-ACME-A.yaml"


def test_commits_by_those_who_may_are_published(team: Team) -> None:
    team.commit("bob", PLAYLIST)
    team.commit("ada", "fleet/fleet.yaml", PLAYLIST)
    team.commit("bob", VIDEO)
    team.check(team.commit("bob", "README.md"))


def test_an_unsigned_commit_is_refused_wherever_it_stands(team: Team) -> None:
    first = team.commit(None, "README.md")
    with pytest.raises(TrustError, match=f"{first[:12]} is not signed"):
        team.check(team.commit("ada", PLAYLIST))


@pytest.mark.parametrize(("who", "why"), [(None, "is not signed"), ("eve", "does not list")])
def test_a_commit_that_is_refused_is_named_once_and_no_merge_is_blamed_for_it(team: Team, who: str | None, why: str) -> None:
    with pytest.raises(TrustError, match=why) as refused:
        team.check(team.commit(who, PLAYLIST, "fleet/fleet.yaml"))
    assert "merge" not in str(refused.value)
    assert ";" not in str(refused.value)


def test_a_stranger_is_refused(team: Team) -> None:
    with pytest.raises(TrustError, match="does not list"):
        team.check(team.commit("eve", PLAYLIST))


@pytest.mark.parametrize(("who", "file"), [("bob", "fleet/fleet.yaml"), ("ada", VIDEO), ("bob", "trust/owners")])
def test_a_signer_cannot_change_what_others_own(team: Team, who: str, file: str) -> None:
    with pytest.raises(TrustError, match=f"by {who}@acme.example changes {file}"):
        team.check(team.commit(who, file))


def test_a_removal_is_a_change(team: Team) -> None:
    with pytest.raises(TrustError, match="changes content-index"):
        team.check(team.commit("ada", remove=VIDEO))


def test_nobody_admits_themselves_and_publishes_at_once(team: Team) -> None:
    team.repository.write("trust/allowed_signers", listed(team.keys, "ada", "bob", "eve"))
    admitted = team.commit("ada")
    team.check(admitted)
    new = team.commit("eve", "README.md")
    with pytest.raises(TrustError, match="does not list") as caught:
        team.check(new)
    assert "from the next release" in caught.value.hint
    check_commits(team.repository.path, admitted, new)


def test_the_policy_cannot_be_removed_unsigned(team: Team) -> None:
    with pytest.raises(TrustError, match="not signed"):
        team.check(team.commit(None, remove="trust/allowed_signers"))


def test_merged_branches_are_judged_commit_by_commit(team: Team) -> None:
    git = team.repository.git
    git("checkout", "-q", "-b", "side")
    team.commit("bob", PLAYLIST)
    git("checkout", "-q", "main")
    team.commit("ada", "fleet/fleet.yaml")
    git(*_signing(team.keys, "bob"), "merge", "-q", "--no-ff", "-S", "-m", "merge", "side")
    team.check(CommitId(git("rev-parse", "HEAD")))


def test_a_merge_cannot_bring_back_an_older_state_that_others_own(team: Team) -> None:
    git = team.repository.git
    git("checkout", "-q", "-b", "old")
    git("checkout", "-q", "main")
    released = team.commit("ada", "fleet/fleet.yaml")
    tree = git("rev-parse", "old^{tree}")
    sign = _signing(team.keys, "bob")
    merge = git(*sign, "commit-tree", "-S", tree, "-p", released, "-p", git("rev-parse", "old"), "-m", "merge")
    with pytest.raises(TrustError, match="takes an older state"):
        check_commits(team.repository.path, released, CommitId(merge))


def test_an_ancient_branch_without_a_policy_opens_no_door(team: Team) -> None:
    git = team.repository.git
    git("checkout", "-q", "--orphan", "ancient")
    git("rm", "-q", "-r", "--cached", ".")
    unsigned = team.commit(None, "fleet/fleet.yaml")
    tree = git("rev-parse", "HEAD^{tree}")
    merge = git(*_signing(team.keys, "ada"), "commit-tree", "-S", tree, "-p", unsigned, "-p", team.released, "-m", "merge")
    with pytest.raises(TrustError, match="is not signed"):
        team.check(CommitId(merge))


def test_a_revoked_key_does_not_count(team: Team) -> None:
    team.repository.write("trust/revoked_signers", (team.keys / "bob.pub").read_text())
    released = team.commit("ada")
    with pytest.raises(TrustError):
        check_commits(team.repository.path, released, team.commit("bob", PLAYLIST))


def test_the_first_release_is_judged_by_its_own_policy(team: Team) -> None:
    check_commits(team.repository.path, None, team.released)
    with pytest.raises(TrustError, match="not signed"):
        check_commits(team.repository.path, None, team.commit(None, "README.md"))


def test_without_a_policy_nothing_is_asked(tmp_path: Path) -> None:
    repository = make_repository(tmp_path)
    first = CommitId(repository.commit())
    check_commits(repository.path, first, CommitId(repository.commit()))


def test_a_folder_named_from_where_one_stands_is_judged_too(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    new = team.commit("ada", PLAYLIST)
    monkeypatch.chdir(team.repository.path.parent)
    check_commits(Path(team.repository.path.name), team.released, new)
    with pytest.raises(TrustError, match="is not signed"):
        check_commits(Path(team.repository.path.name), team.released, team.commit(None, PLAYLIST))


def test_a_file_name_that_git_quotes_is_judged_too(team: Team) -> None:
    with pytest.raises(TrustError, match="changes fleet/CLI-ÄÖ"):
        team.check(team.commit("bob", 'fleet/CLI-ÄÖ\t"x".yaml'))


def test_the_last_pattern_that_matches_counts() -> None:
    owners = parse_owners("/fleet/ a b\nfleet/CLI-X/ c\n\n# remark\nfleet/*.yaml a\n")
    assert owners.may("b", "fleet/CLI-Y/x")
    assert not owners.may("b", "fleet/CLI-X/x")
    assert not owners.may("b", "fleet/fleet.yaml")
    assert owners.may("anybody", "trust/owners")
    with pytest.raises(ConfigurationError, match="line 2"):
        parse_owners("* a\nfleet/\n")


def test_publish_refuses_before_anything_is_written(team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    repository = team.repository
    words = ["--keys-dir", str(repository.keys)]
    assert run(cli, ["keys", "init", "-C", str(repository.path), *words, "--no-passphrase", "--screens", "1"]) == 0
    team.commit("ada")
    assert run(cli, ["publish", "--yes", *repository.options(), *words]) == 0
    before = sorted(path for path in repository.store_path.rglob("*") if path.is_file())
    repository.screen(1, extra="  fallback: main\n")
    team.commit(None)
    capsys.readouterr()
    assert run(cli, ["publish", "--yes", *repository.options(), *words]) == 6
    assert "is not signed" in capsys.readouterr().err
    assert sorted(path for path in repository.store_path.rglob("*") if path.is_file()) == before
