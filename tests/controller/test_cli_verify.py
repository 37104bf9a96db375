"""`avtech verify` as auditors run it: what was released is proven from Git, and every tampering is named at its place."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import CLIP, Repository, make_repository

Capture = pytest.CaptureFixture[str]
SCREEN = "SCR-ACME-0001"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("AVTECH_STORE", "AVTECH_PUBLISH_KEY", "AVTECH_KEYS_DIR", "AVTECH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    publish(made, "first")
    return made


def publish(repository: Repository, message: str) -> str:
    commit = repository.commit(message)
    assert run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), "--yes"]) == 0
    return commit


def second(repository: Repository) -> str:
    """A second release, which changes the first screen and brings a third."""
    repository.screen(1, extra="  timeZone: Asia/Tokyo\n")
    repository.screen(3)
    return publish(repository, "second")


def verify(repository: Repository, capsys: Capture, *more: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run(cli, ["verify", *repository.options(), "--output", "json", *more])
    return code, json.loads(capsys.readouterr().out)


def manifest_of(repository: Repository, screen: str = SCREEN) -> Path:
    """The newest manifest of a screen in the store's directory."""
    return max(repository.store_path.glob(f"targets/*/*.{screen}.json"), key=lambda path: path.stat().st_mtime_ns)


def test_what_is_on_air_is_proven_from_git(repository: Repository, capsys: Capture) -> None:
    second(repository)
    code, found = verify(repository, capsys)
    assert (code, found["outcome"], found["problems"]) == (0, "verified", [])
    assert found["manifests"] == {"verified": 3, "gone": 0, "removals": 0}
    assert found["assets"] == {"verified": 1, "bytes": len(CLIP), "gone": 0}
    assert found["provenance"] == 1


def test_one_release_by_number_or_commit_and_one_screen_of_it(repository: Repository, capsys: Capture) -> None:
    commit = second(repository)
    assert verify(repository, capsys, "--release", "1")[1]["manifests"]["verified"] == 2
    assert verify(repository, capsys, "--commit", commit)[1]["releases"] == [2]
    assert verify(repository, capsys, "--release", "2", "--screen", SCREEN)[1]["manifests"]["verified"] == 1


def test_the_whole_chain_is_replayed(repository: Repository, capsys: Capture) -> None:
    second(repository)
    repository.git("rm", "-q", "fleet/CLI-ACME/screens/SCR-ACME-0002.yaml")
    publish(repository, "third")
    code, found = verify(repository, capsys, "--chain", "--no-assets")
    assert (code, found["releases"], found["provenance"]) == (0, [3, 2, 1], 3)
    assert found["manifests"] == {"verified": 4, "gone": 0, "removals": 1}
    assert found["assets"]["verified"] == 0


def test_the_result_in_words(repository: Repository, capsys: Capture) -> None:
    capsys.readouterr()
    assert run(cli, ["verify", *repository.options()]) == 0
    said = capsys.readouterr()
    origin, verdict = said.out.splitlines()
    commit = repository.git("rev-parse", "HEAD")
    assert re.fullmatch(rf"release 1 of {commit[:12]}: publish, \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ, by \S.*", origin)
    assert verdict == (
        "release 1: verified; 2 manifests are what their commits compile to; 1 clip hashed, 72 B; provenance of 1 release"
    )
    assert said.err == ""


def test_it_is_said_of_which_commit_a_release_is_when_it_came_and_by_whom(repository: Repository, capsys: Capture) -> None:
    commits = [second(repository), repository.git("rev-parse", "HEAD~1")]
    origins = verify(repository, capsys, "--chain")[1]["origins"]
    assert [(one["release"], one["kind"], one["commit"]) for one in origins] == [
        (2, "publish", commits[0]),
        (1, "publish", commits[1]),
    ]
    assert all(one["publisher"] and one["time"].endswith("Z") for one in origins)


def test_an_edited_manifest_is_named_with_its_first_difference(repository: Repository, capsys: Capture) -> None:
    path = manifest_of(repository)
    path.write_bytes(path.read_bytes().replace(b'"width":1920', b'"width":1280'))
    code, found = verify(repository, capsys)
    assert (code, found["outcome"], len(found["problems"])) == (6, "failed", 1)
    problem = found["problems"][0]
    assert (problem["screen"], problem["unproven"]) == (SCREEN, False)
    assert problem["difference"] == {"path": "$.display.width", "expected": "1920", "found": "1280"}
    assert run(cli, ["verify", *repository.options()]) == 6
    assert "  at $.display.width\n    expected 1920\n    found    1280\n" in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"", b"not json", b"[" * 100_000, b"x" * 5_000_000], ids=["empty", "text", "deep", "huge"])
def test_a_manifest_that_is_none_is_a_failure(repository: Repository, capsys: Capture, data: bytes) -> None:
    manifest_of(repository).write_bytes(data)
    code, found = verify(repository, capsys)
    assert code == 6
    assert found["problems"][0]["message"] == "the manifest in the store is not the one that was released"
    assert found["problems"][0]["difference"]["path"] == "$"


def test_a_missing_manifest_of_what_is_on_air_is_a_failure(repository: Repository, capsys: Capture) -> None:
    manifest_of(repository).unlink()
    code, found = verify(repository, capsys)
    assert (code, found["problems"][0]["message"]) == (6, "the released manifest is missing from the store")


def test_a_manifest_that_retention_removed_is_still_proven_by_its_digest(repository: Repository, capsys: Capture) -> None:
    old = manifest_of(repository)
    second(repository)
    old.unlink()
    code, found = verify(repository, capsys, "--chain")
    assert (code, found["manifests"]) == (0, {"verified": 4, "gone": 1, "removals": 0})


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_clip_is_named(repository: Repository, capsys: Capture, damage: str) -> None:
    (clip,) = repository.store_path.glob("content/*/*")
    match damage:
        case "flip":
            clip.write_bytes(CLIP[:-1] + b"!")
        case "cut":
            clip.write_bytes(CLIP[:-1])
        case _:
            clip.unlink()
    code, found = verify(repository, capsys)
    assert code == 6
    assert clip.name in found["problems"][0]["message"]
    assert verify(repository, capsys, "--no-assets")[0] == 0


def test_a_rewritten_record_breaks_the_chain(repository: Repository, capsys: Capture) -> None:
    second(repository)
    (first,) = repository.store_path.glob("releases/00000001-*")
    first.write_bytes(first.read_bytes().replace(b'"payload"', b'"payload" '))
    assert run(cli, ["verify", *repository.options(), "--chain"]) == 6
    assert "is not the one that was signed for" in capsys.readouterr().err


def test_provenance_that_says_otherwise_or_is_forged_is_a_failure(repository: Repository, capsys: Capture) -> None:
    second(repository)
    first, last = sorted(repository.store_path.glob("provenance/*"))
    last.write_bytes(first.read_bytes())
    code, found = verify(repository, capsys)
    assert (code, "differs from its record in its subjects" in found["problems"][0]["message"]) == (6, True)
    last.write_bytes(b"{}")
    code, found = verify(repository, capsys)
    assert (code, "not a signed envelope" in found["problems"][0]["message"]) == (6, True)
    last.unlink()
    code, found = verify(repository, capsys)
    assert (code, found["notes"]) == (0, ["release 2 has no provenance"])


def test_another_compiler_is_said_and_not_called_tampering(
    repository: Repository, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avtech_controller.verification._claims.COMPILER", "avtech-controller 99.0")
    code, found = verify(repository, capsys)
    assert (code, found["outcome"]) == (0, "verified")
    assert "was made by avtech-controller" in found["notes"][0]
    repository.write("fleet/fleet.yaml", "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec: {}\n")
    monkeypatch.setattr(
        "avtech_controller.recipes.time_zone_of",
        lambda state, screen: "Asia/Tokyo",  # what another compiler might have made of it
    )
    code, found = verify(repository, capsys)
    assert (code, found["outcome"]) == (1, "unproven")
    problem = found["problems"][0]
    assert problem["unproven"]
    assert "install those to tell" in problem["message"]
    assert problem["difference"] == {"path": "$.timeZone", "expected": '"Asia/Tokyo"', "found": '"Europe/Madrid"'}
    monkeypatch.undo()
    monkeypatch.setattr("avtech_controller.recipes.time_zone_of", lambda state, screen: "Asia/Tokyo")
    assert verify(repository, capsys)[0] == 6, "the same compiler has no excuse"


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--release", "7"], 2, "there is no release 7; the newest is 1"),
        (["--release", "0"], 2, "0 is not in the range"),
        (["--commit", "nowhere"], 2, "is not a commit"),
        (["--release", "1", "--commit", "HEAD"], 2, "exclude each other"),
        (["--screen", "lobby"], 2, "is not a screen"),
        (["--screen", "SCR-ACME-0099"], 2, "does not change in release 1"),
    ],
)
def test_a_scope_that_is_none_is_a_usage_error(
    repository: Repository, capsys: Capture, more: list[str], code: int, words: str
) -> None:
    assert run(cli, ["verify", *repository.options(), *more]) == code
    assert words in capsys.readouterr().err


def test_a_commit_that_was_never_released_is_said(repository: Repository, capsys: Capture) -> None:
    repository.commit("not published")
    assert run(cli, ["verify", *repository.options(), "--commit", "HEAD"]) == 2
    assert "was never released" in capsys.readouterr().err


def test_nothing_released_is_said(repository: Repository, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(cli, ["verify", "--repo", str(repository.path), "--store", f"file://{tmp_path}/empty"]) == 2
    assert "nothing is released" in capsys.readouterr().err


def test_a_clone_without_the_history_says_what_to_do(repository: Repository, capsys: Capture, tmp_path: Path) -> None:
    second(repository)
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repository.path}", str(shallow)], check=True)
    assert run(cli, ["verify", "--repo", str(shallow), "--store", f"file://{repository.store_path}", "--chain"]) == 2
    assert "fetch --unshallow" in capsys.readouterr().err


def test_a_store_that_another_key_signed_is_refused(repository: Repository, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_repository(tmp_path / "other")
    assert run(cli, ["keys", "init", "--repo", str(other.path), "--keys-dir", str(other.keys), "--no-passphrase"]) == 0
    publish(other, "theirs")
    assert run(cli, ["verify", "--repo", str(repository.path), "--store", f"file://{other.store_path}"]) == 6
    assert "is not signed by the keys" in capsys.readouterr().err


def test_help_shows_examples() -> None:
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "avtech"), "verify", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "avtech verify --release 12" in ran.stdout
