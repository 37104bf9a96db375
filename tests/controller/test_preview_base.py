"""What a preview compares with: it says which state that is, and never takes a store that fails for an empty one."""

from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import SourceError, load, open_source, require_state
from avtech_controller.preview import Bases, State, screen_weeks
from avtech_controller.stores import open_store
from avtech_schema.errors import FindingsError
from avtech_schema.identifiers import CommitId, ScreenId
from tests.controller.preview_weeks import DATES
from tests.controller.repository import Repository, make_repository

SCHEDULE = """apiVersion: avtech/v1
kind: Schedule
metadata: {name: day}
spec:
  client: CLI-ACME
  screens: {names: [SCR-ACME-0001]}
  rules:
    - {play: main, from: "09:00", until: "21:00"}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path)
    made.commit("first")
    return made


def wanted(repository: Repository, commit: str | None = None) -> dict[ScreenId, CompiledScreen]:
    return compile_state(require_state(load(open_source(repository.path, commit))))


def states(repository: Repository, bases: Bases) -> dict[str, State]:
    compiled = wanted(repository)
    weeks = screen_weeks(compiled.values(), bases.find(None, compiled).base, DATES)
    return {screen: week.state for week in weeks for screen in week.screens}


def test_without_a_store_the_base_is_where_the_branch_began(repository: Repository) -> None:
    began = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-qb", "change")
    repository.write("fleet/CLI-ACME/schedules/day.yaml", SCHEDULE)
    changed = repository.commit("change")
    bases = Bases(repository.path, revision=None, store=None)
    chosen = bases.find(None, wanted(repository))
    assert chosen.label == f"commit {began[:12]} (where this branch left the default branch)"
    assert states(repository, bases) == {"SCR-ACME-0001": State.CHANGED, "SCR-ACME-0002": State.SAME}
    assert bases.find(CommitId(changed), wanted(repository)).label == chosen.label


def test_the_default_branch_of_the_clones_origin_counts_before_a_local_one(repository: Repository) -> None:
    began = repository.git("rev-parse", "HEAD")
    repository.git("update-ref", "refs/remotes/origin/main", began)
    repository.commit("not pushed yet")
    chosen = Bases(repository.path, revision=None, store=None).find(None, wanted(repository))
    assert chosen.label.startswith(f"commit {began[:12]} ")


def test_a_commit_of_the_default_branch_has_nothing_to_be_compared_with(repository: Repository) -> None:
    head = CommitId(repository.git("rev-parse", "HEAD"))
    chosen = Bases(repository.path, revision=None, store=None).find(head, wanted(repository))
    assert (chosen.base, chosen.label, chosen.notes) == (None, "", ())


def test_a_directory_that_is_no_repository_has_no_base(repository: Repository, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (repository.path / "fleet").rename(plain / "fleet")
    chosen = Bases(plain, revision=None, store=None).find(None, {})
    assert (chosen.base, chosen.notes) == (None, ())


def test_a_named_base_must_be_there_and_be_valid(repository: Repository) -> None:
    with pytest.raises(SourceError):
        Bases(repository.path, revision="nowhere", store=None).find(None, wanted(repository))
    repository.write("fleet/broken.yaml", "kind: [")
    repository.commit("broken")
    (repository.path / "fleet/broken.yaml").unlink()
    with pytest.raises(FindingsError):
        Bases(repository.path, revision="HEAD", store=None).find(None, wanted(repository))
    assert Bases(repository.path, revision="HEAD~1", store=None).find(None, wanted(repository)).base is not None


def test_a_broken_branch_point_is_said_and_not_fatal(repository: Repository) -> None:
    repository.write("fleet/broken.yaml", "kind: [")
    repository.commit("broken")
    (repository.path / "fleet/broken.yaml").unlink()
    chosen = Bases(repository.path, revision=None, store=None).find(None, wanted(repository))
    assert chosen.base is None
    assert "the commit at which this branch began could not be used: the desired state has 1 error" in chosen.notes[0]


def test_what_is_released_comes_before_the_branch_and_shows_screens_that_go(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    keys = ["--keys-dir", str(repository.keys)]
    assert run(cli, ["keys", "init", "--repo", str(repository.path), *keys, "--no-passphrase", "--screens", "1"]) == 0
    repository.commit("keys")
    assert run(cli, ["publish", *repository.options(), *keys, "--yes"]) == 0
    (repository.path / "fleet/CLI-ACME/screens/SCR-ACME-0002.yaml").unlink()
    repository.write("fleet/CLI-ACME/schedules/day.yaml", SCHEDULE)
    repository.screen(3)
    bases = Bases(repository.path, revision=None, store=repository.store)
    compiled = wanted(repository)
    chosen = bases.find(None, compiled)
    assert chosen.label.startswith("release 1 (commit ")
    assert chosen.base is not None
    assert sorted(chosen.base.screens.keys() - compiled.keys()) == ["SCR-ACME-0002"]
    assert states(repository, bases) == {"SCR-ACME-0001": State.CHANGED, "SCR-ACME-0003": State.ADDED}
    only = Bases(repository.path, revision=None, store=repository.store, only={ScreenId("SCR-ACME-0003")})
    assert only.find(None, compiled).base is not None
    repository.write("fleet/CLI-ACME/schedules/day.yaml", SCHEDULE.replace("21:00", "20:00"))
    repository.commit("another day")
    assert run(cli, ["publish", *repository.options(), *keys, "--yes", "--accept-removals", "1"]) == 0
    compiled = wanted(repository)
    assert bases.find(None, compiled).label == chosen.label
    bases.forget_release()
    assert bases.find(None, compiled).label.startswith("release 2 (commit ")
    assert set(states(repository, bases).values()) == {State.SAME}
    repository.write("fleet/CLI-ACME/schedules/day.yaml", SCHEDULE)
    for file in repository.store_path.glob("targets/*/*SCR-ACME-0001*"):
        file.unlink()
    fresh = Bases(repository.path, revision=None, store=repository.store)
    assert states(repository, fresh)["SCR-ACME-0001"] is State.UNKNOWN


def test_a_store_in_which_nothing_is_released_is_said(repository: Repository, tmp_path: Path) -> None:
    missing = open_store(f"file://{tmp_path / 'gone'}")
    chosen = Bases(repository.path, revision=None, store=missing).find(None, wanted(repository))
    assert chosen.notes[0].startswith("what is released could not be read: ")
    assert chosen.label.startswith("commit ")
