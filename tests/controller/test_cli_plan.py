"""`avtech plan` and saved plans as CI and people run them: against a release or a commit, kept, published or refused."""

import json
import os
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.stores import open_store
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key
from tests.controller.repository import CLIP, Repository, make_repository
from tests.weed import S3Server

Capture = pytest.CaptureFixture[str]
TOKYO = "  timeZone: Asia/Tokyo\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Repository:
    for name in [name for name in os.environ if name.startswith("AVTECH_")]:
        monkeypatch.delenv(name)
    made = make_repository(tmp_path, screens=12)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    assert publish(made, "--yes") == 0
    capsys.readouterr()
    return made


def publish(repository: Repository, *more: str) -> int:
    return run(cli, ["publish", *repository.options(), "--keys-dir", str(repository.keys), *more])


def plan(repository: Repository, *more: str) -> int:
    return run(cli, ["plan", *repository.options(), *more])


def saved(repository: Repository, tmp_path: Path) -> str:
    file = tmp_path / "plan.json"
    assert plan(repository, "--commit", "HEAD", "-o", str(file)) == 0
    return str(file)


def remove(repository: Repository, *numbers: int) -> None:
    for number in numbers:
        (repository.path / f"fleet/CLI-ACME/screens/SCR-ACME-{number:04}.yaml").unlink()


def test_the_exit_code_tells_changes_from_none_when_asked(repository: Repository) -> None:
    assert plan(repository, "--detailed-exitcode") == 0
    repository.screen(1, extra=TOKYO)
    assert plan(repository) == 0
    assert plan(repository, "--detailed-exitcode") == 10
    assert plan(repository, "--detailed-exitcode", "--output", "markdown") == 10


def test_a_plan_of_the_work_tree_says_that_it_is_not_committed(repository: Repository, capsys: Capture) -> None:
    assert plan(repository) == 0
    assert "not committed" not in capsys.readouterr().err
    repository.screen(1, extra=TOKYO)
    assert plan(repository) == 0
    assert "not committed" in capsys.readouterr().err


def test_two_commits_are_compared_without_a_store(repository: Repository, capsys: Capture) -> None:
    repository.screen(1, extra=TOKYO)
    repository.commit()
    assert run(cli, ["plan", "--repo", str(repository.path), "--commit", "HEAD", "--base", "HEAD~1", "--output", "json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["base"] == {"sequence": None, "commit": repository.git("rev-parse", "HEAD~1"), "digest": None}
    (change,) = value["changes"]
    assert change["details"] == ["~ time zone Europe/Madrid -> Asia/Tokyo"]
    assert run(cli, ["plan", "--repo", str(repository.path), "--base", "nothing"]) == 2


def test_who_has_no_store_is_told_how_to_plan_without(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AVTECH_STORE", raising=False)
    assert run(cli, ["plan", "--repo", str(repository.path)]) == 2
    assert "no store is named\n  help: give --store URL" in (told := capsys.readouterr().err)
    assert "`avtech plan --base origin/main` compares with a commit" in told


def test_lost_air_is_told_by_title(repository: Repository, capsys: Capture) -> None:
    repository.write(
        "fleet/CLI-ACME/screens/SCR-ACME-0001.yaml",
        (repository.path / "fleet/CLI-ACME/screens/SCR-ACME-0001.yaml").read_text()
        + "  display: {powerHours: {from: '08:00', until: '20:00'}}\n",
    )
    assert plan(repository) == 0
    assert "\N{MINUS SIGN}5,040 min VID-ACME-A  A" in capsys.readouterr().out


def test_the_comment_says_when_there_is_no_plan(repository: Repository, capsys: Capture) -> None:
    repository.write("fleet/CLI-ACME/playlists/main.yaml", "apiVersion: avtech/v1\nkind: Playlist\n")
    assert plan(repository, "--output", "markdown") == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("<!-- avtech-plan -->\n### No plan")
    assert "avtech validate" in captured.err


@pytest.mark.parametrize("output", ["text", "json", "markdown"])
def test_a_broken_promise_is_planned_with_its_findings_but_never_saved(
    repository: Repository, tmp_path: Path, capsys: Capture, output: str
) -> None:
    client = repository.path / "fleet/CLI-ACME/client.yaml"
    client.write_text(client.read_text().replace("spec: {", "spec: {storageQuotaBytes: 1, "))
    remove(repository, 1)
    capsys.readouterr()
    assert plan(repository, "--output", output, "--detailed-exitcode") == 1
    captured = capsys.readouterr()
    assert "error[AVT413]" in captured.err
    assert "publishing this would be stopped: the desired state has 1 error" in captured.err
    if output == "json":
        value = json.loads(captured.out)
        assert len(value["changes"]) == 1
        assert value["stopped_by"].startswith("the desired state has 1 error")
    else:
        assert "SCR-ACME-0001" in captured.out
    assert ("**AVT413**" in captured.out) == (output == "markdown")
    file = tmp_path / "plan.json"
    assert plan(repository, "-o", str(file)) == 1
    assert not file.exists()


def test_consent_stands_in_a_commit_since_the_release(repository: Repository, capsys: Capture) -> None:
    remove(repository, 3, 4)
    repository.commit("Take two screens down\n\nAVTech-Accept: removed=3")
    assert publish(repository, "--yes") == 4
    assert "AVTech-Accept: removed=2" in capsys.readouterr().err
    repository.commit("Yes, two\n\nSigned-off-by: Ada <ada@example.com>\navtech-accept: removed=2")
    assert plan(repository, "--commit", "HEAD") == 0
    assert "accepted by name: 2 of 12" in capsys.readouterr().out
    assert publish(repository, "--yes") == 0


def test_consent_of_an_earlier_release_is_spent(repository: Repository) -> None:
    remove(repository, 3, 4)
    repository.commit("Take two screens down\n\nAVTech-Accept: removed=2")
    assert publish(repository, "--yes") == 0
    for number in (3, 4):
        repository.screen(number)
    repository.commit("back")
    assert publish(repository, "--yes") == 0
    remove(repository, 3, 4)
    repository.commit("and down")
    assert publish(repository, "--yes") == 4


def test_a_consent_that_cannot_be_read_is_said_and_does_not_count(repository: Repository, capsys: Capture) -> None:
    remove(repository, 3, 4)
    repository.commit("Take them down\n\nAVTech-Accept: everything")
    assert publish(repository, "--yes") == 4
    assert "'everything' does not name numbers" in capsys.readouterr().err


def test_a_renamed_screen_passes_the_limits(repository: Repository, capsys: Capture) -> None:
    repository.write(
        "fleet/fleet.yaml",
        "apiVersion: avtech/v1\nkind: Fleet\nmetadata: {name: test}\nspec:\n  limits: {removedScreens: 0}\n"
        "  moved:\n    - {kind: Screen, from: SCR-ACME-0003, to: SCR-ACME-0033}\n",
    )
    remove(repository, 3)
    repository.devices["SCR-ACME-0033"] = repository.devices["SCR-ACME-0003"]
    repository.screen(33)
    repository.commit("rename")
    assert publish(repository, "--yes", "--output", "json") == 0
    assert json.loads(capsys.readouterr().out)["screens"]["moved"] == 1
    assert publish(repository, "--yes") == 0
    assert "nothing was written" in capsys.readouterr().out
    assert plan(repository, "--detailed-exitcode") == 0


def test_a_saved_plan_is_published_without_asking(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    repository.screen(1, extra=TOKYO)
    head = repository.commit()
    file = saved(repository, tmp_path)
    assert publish(repository, file) == 0
    assert f"published release 2 ({head[:12]})" in capsys.readouterr().out
    assert publish(repository, file) == 0
    assert "nothing was written" in capsys.readouterr().out


def test_a_saved_plan_does_not_move_with_the_branch(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    repository.screen(1, extra=TOKYO)
    head = repository.commit()
    file = saved(repository, tmp_path)
    repository.screen(2, extra=TOKYO)
    repository.commit("later")
    assert publish(repository, file) == 0
    assert f"({head[:12]})" in capsys.readouterr().out
    assert publish(repository, file, "--commit", "HEAD") == 2
    assert publish(repository, file, "--commit", head[:10]) == 0


def test_a_saved_plan_is_stale_once_another_release_came_between(
    repository: Repository, tmp_path: Path, capsys: Capture
) -> None:
    repository.screen(1, extra=TOKYO)
    between = repository.commit()
    repository.screen(2, extra=TOKYO)
    repository.commit()
    file = saved(repository, tmp_path)
    assert publish(repository, "--yes", "--commit", between) == 0
    assert publish(repository, file) == 5
    error = capsys.readouterr().err
    assert "the plan stands on release 1" in error
    assert f"release 2 ({between[:12]}" in error
    assert "plan again" in error


def test_a_tampered_plan_is_refused(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    repository.screen(1, extra=TOKYO)
    repository.commit()
    file = saved(repository, tmp_path)
    value = json.loads(Path(file).read_text())
    other = tmp_path / "other.json"
    for key, changed in (("new", "0" * 64), ("old", "1" * 64)):
        other.write_text(json.dumps(value | {"screens": [value["screens"][0] | {key: changed}]}))
        assert publish(repository, str(other)) == 5
        assert "differ in SCR-ACME-0001" in capsys.readouterr().err
    other.write_text(json.dumps(value | {"screens": [], "compiler": "avtech-controller 0.0.0"}))
    assert publish(repository, str(other)) == 5
    assert "it was made by avtech-controller 0.0.0" in capsys.readouterr().err


def test_a_saved_plan_overrides_no_limit(repository: Repository, tmp_path: Path) -> None:
    remove(repository, 3, 4)
    repository.commit()
    file = saved(repository, tmp_path)
    assert json.loads(Path(file).read_text())["consent"] == {"changed": 0, "removed": 2, "emptied": 0}
    assert publish(repository, file) == 4
    assert publish(repository, file, "--accept-removals", "2") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "\x00" * 100,
        '{"format_version": 1}',
        '{"format_version": 2, "kind": "avtech-plan"}',
        '{"format_version": 1, "kind": "avtech-plan", "screens": 3}',
        "[" * 100_000,
    ],
    ids=["empty", "list", "cut", "nul", "little", "newer", "wrong", "deep"],
)
def test_a_file_that_is_no_plan_is_a_configuration_error(
    repository: Repository, tmp_path: Path, capsys: Capture, text: str
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    assert publish(repository, str(file)) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 2
    assert "no plan that can be published" in error[0]


def test_only_a_plan_on_a_release_is_saved(repository: Repository, tmp_path: Path, capsys: Capture) -> None:
    file = str(tmp_path / "plan.json")
    assert plan(repository, "-o", file) == 2
    assert "--commit HEAD" in capsys.readouterr().err
    assert plan(repository, "--commit", "HEAD", "--base", "HEAD", "-o", file) == 2
    assert plan(repository, "--commit", "HEAD", "-o", str(tmp_path / "none" / "plan.json")) == 2
    assert publish(repository, str(tmp_path / "none.json")) == 2
    assert not Path(file).exists()


def test_the_first_release_can_be_planned_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AVTECH_")]:
        monkeypatch.delenv(name)
    made = make_repository(tmp_path)
    arguments = ["keys", "init", "--repo", str(made.path), "--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, arguments) == 0
    made.commit("first")
    file = saved(made, tmp_path)
    assert json.loads(Path(file).read_text())["base"] is None
    assert publish(made, file) == 0
    made.screen(1, extra=TOKYO)
    made.commit("second")
    assert publish(made, "--yes") == 0
    assert publish(made, file) == 5


@pytest.mark.s3
def test_a_saved_plan_is_stale_on_a_bucket_as_well(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, repository: Repository, capsys: Capture
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    options = ["--repo", str(repository.path), "--store", s3_server.url()]
    open_store(options[-1]).create(content_key(ClientId("CLI-ACME"), sha256_hex(CLIP)), CLIP)
    keys = ["--keys-dir", str(repository.keys)]
    assert run(cli, ["publish", *options, *keys, "--yes"]) == 0
    repository.screen(1, extra=TOKYO)
    between = repository.commit()
    repository.screen(2, extra=TOKYO)
    repository.commit()
    files = [str(tmp_path / name) for name in ("one.json", "two.json")]
    for file in files:
        assert run(cli, ["plan", *options, "--commit", "HEAD", "-o", file]) == 0
    assert run(cli, ["publish", *options, *keys, "--yes", "--commit", between]) == 0
    assert run(cli, ["publish", *options, *keys, files[0]]) == 5
    assert run(cli, ["plan", *options, "--commit", "HEAD", "-o", files[1]]) == 0
    assert run(cli, ["publish", *options, *keys, files[1]]) == 0
    assert "published release 3" in capsys.readouterr().out
