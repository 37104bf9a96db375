"""`avtech keys`: keys and trust are made once, kept out of Git, and changed only by their holders together."""

import base64
import json
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from tests.controller.repository import Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def init(repository: Repository, *more: str, keys: Path | None = None) -> int:
    return run(cli, ["keys", "init", "--repo", str(repository.path), "--keys-dir", str(keys or repository.keys), *more])


def test_keys_and_trust_are_made_and_it_says_what_goes_where(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "correct horse")
    assert init(repository) == 0
    out = capsys.readouterr().out
    assert "AVTECH_PUBLISH_KEY" in out
    assert "correct horse" not in out
    assert sorted(path.name for path in (repository.path / "trust").iterdir()) == ["1.root.json", "1.targets.json"]
    assert b"ENCRYPTED" in (repository.keys / "root-1.pem").read_bytes()


def test_the_result_as_json_names_the_files(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(repository, "--no-passphrase", "--root-keys", "1", "--root-threshold", "1", "--output", "json") == 0
    value = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in value["keys"]] == ["root-1.pem", "targets.pem", "publish.pem", "heartbeat.pem"]
    assert value["bins"] == 64


def test_without_a_passphrase_nothing_is_made(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AVTECH_KEY_PASSPHRASE", raising=False)
    assert init(repository) == 2
    assert "--no-passphrase" in capsys.readouterr().err
    assert not repository.keys.exists()


def test_a_second_run_changes_nothing(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(repository, "--no-passphrase") == 0
    assert init(repository, "--no-passphrase") == 2
    assert "never overwritten" in capsys.readouterr().err


def test_keys_inside_the_work_tree_are_refused_unless_git_ignores_them(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = repository.path / "secret/keys"
    assert init(repository, "--no-passphrase", keys=inside) == 2
    assert "would be committed" in capsys.readouterr().err
    assert not inside.exists()
    repository.write(".gitignore", "secret/\n")
    assert init(repository, "--no-passphrase", keys=inside) == 0
    assert (inside / "publish.pem").exists()


def keys(repository: Repository, *words: str) -> int:
    """Run a sub-command of `avtech keys` in the repository."""
    return run(cli, ["keys", words[0], "-C", str(repository.path), *words[1:]])


def new(repository: Repository, name: str) -> str:
    """Make a key; returns the file of its public half."""
    assert run(cli, ["keys", "new", str(repository.keys / f"{name}.pem"), "--no-passphrase"]) == 0
    return str(repository.keys / f"{name}.pub")


def signed(repository: Repository, name: str) -> int:
    return keys(repository, "sign", "--key", str(repository.keys / f"{name}.pem"), "--yes")


@pytest.fixture
def started(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Repository:
    assert init(repository, "--no-passphrase") == 0
    capsys.readouterr()
    return repository


def test_a_leaked_publish_key_is_replaced_by_a_few_commands(started: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys(started, "rotate", "publish", "--add", new(started, "publish-2"), "--replace") == 0
    told = capsys.readouterr()
    assert "trust/2.root.json; it needs 2 signatures of the keys of trust/1.root.json" in told.out
    assert "- snapshot key publish (" in told.err
    assert "+ bins key publish-2 (" in told.err
    assert signed(started, "root-1") == 0
    assert "1 of 2 signatures" in capsys.readouterr().out
    assert signed(started, "root-1") == 0
    assert "has signed everything already" in capsys.readouterr().out
    assert signed(started, "publish") == 6
    assert "does not count" in capsys.readouterr().err
    assert signed(started, "targets") == signed(started, "root-3") == 0
    assert "everything is signed" in capsys.readouterr().out
    assert signed(started, "root-2") == 0
    assert keys(started, "doctor") == 0
    assert "publish    publish-2 (" in capsys.readouterr().out


def test_two_duties_are_rotated_together(started: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    both = [f"{duty}={new(started, duty + '-2')}" for duty in ("publish", "heartbeat")]
    assert (
        keys(started, "rotate", "publish", "heartbeat", "--replace", "--add", both[0], "--add", both[1], "--output", "json")
        == 0
    )
    out = capsys.readouterr().out
    value = json.loads(out[out.index("{") :])
    assert [one["file"] for one in value["waiting"]] == ["trust/2.root.json", "trust/2.targets.json"]
    changes = value["waiting"][0]["changes"]
    assert len([change for change in changes if change.startswith("+")]) == 3


def test_a_guardian_is_replaced_by_name_id_or_file(started: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    ada = new(started, "ada")
    assert keys(started, "doctor", "--output", "json") == 0
    out = capsys.readouterr().out
    rows = json.loads(out[out.index("{") :])["keys"]
    keyid = next(row["keyid"] for row in rows if row["key"].startswith("root-2"))
    for text in ("root-2", keyid[:12]):
        assert keys(started, "rotate", "root", "--add", ada, "--remove", text) == 0
        assert "- root key root-2" in capsys.readouterr().err
        (started.path / "trust/2.root.json").unlink()
    assert keys(started, "rotate", "root", "--add", ada, "--remove", ada) == 2
    assert "names no key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["publish"], "say how the publish keys change"),
        (["root", "--screens", "9"], "name targets"),
        (["root", "targets", "--threshold", "2"], "--threshold is that of one duty"),
        (["root", "--expires", "2020-01-01"], "is over"),
        (["root", "--remove", "root"], "names no key"),
        (["root", "--threshold", "9"], "cannot sign where 9 must"),
        (["publish", "--replace"], "0 publish keys cannot sign"),
        (["nobody"], "nobody"),
        ([], "DUTY"),
        (["root", "targets", "--add", "x.pub"], "--add DUTY=FILE"),
        (["root", "--add", "targets=x.pub"], "not among the duties"),
    ],
)
def test_a_rotation_that_makes_no_sense_is_refused_in_one_line(
    started: Repository, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys(started, "rotate", *words) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in (started.path / "trust").iterdir()) == ["1.root.json", "1.targets.json"]


def test_a_missing_or_wrong_public_key_is_a_wrong_setting(started: Repository) -> None:
    assert keys(started, "rotate", "root", "--add", str(started.keys / "none.pub")) == 2
    assert keys(started, "rotate", "root", "--add", str(started.keys / "root-1.pem")) == 2


def test_nobody_signs_unseen_without_saying_so(started: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys(started, "sign", "--key", str(started.keys / "root-1.pem")) == 0
    assert "nothing waits" in capsys.readouterr().out
    keys(started, "rotate", "root")
    capsys.readouterr()
    assert keys(started, "sign", "--key", str(started.keys / "root-1.pem")) == 2
    told = capsys.readouterr().err
    assert "expires" in told
    assert "--yes" in told


def test_a_wrong_passphrase_signs_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "correct horse")
    init(repository)
    keys(repository, "rotate", "root")
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "wrong horse")
    assert signed(repository, "root-1") == 2
    told = capsys.readouterr()
    assert "horse" not in told.out + told.err
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "correct horse")
    assert signed(repository, "root-1") == 0


def test_a_key_through_a_signers_address_signs(started: Repository) -> None:
    keys(started, "rotate", "root")
    for name in ("root-1", "root-2"):
        assert keys(started, "sign", "--yes", "--key", f"file2:{started.keys / name}.pem") == 0
    assert keys(started, "doctor") == 0


def test_a_key_that_others_can_read_is_warned_of(started: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    keys(started, "rotate", "root")
    (started.keys / "root-1.pem").chmod(0o644)
    assert signed(started, "root-1") == 0
    assert "others can read" in capsys.readouterr().err


@pytest.mark.parametrize("given", [1, "base64"])
def test_a_key_that_is_not_whole_is_never_told(
    started: Repository, given: int | str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = (started.keys / "publish.pem").read_text()
    secret = pem.splitlines()[1] if given == 1 else base64.b64encode(pem.encode()).decode()
    started.commit()
    monkeypatch.setenv("AVTECH_PUBLISH_KEY", secret)
    capsys.readouterr()
    assert run(cli, ["publish", *started.options(), "--yes"]) == 2
    captured = capsys.readouterr()
    assert "AVTECH_PUBLISH_KEY is neither PEM text nor the path of a file" in captured.err
    assert secret[:8] not in captured.err + captured.out


def test_a_wrong_key_file_is_a_wrong_setting_and_a_key_that_is_not_trusted_is_not(
    started: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    started.commit()
    other = started.keys / "other"
    publish = ["publish", *started.options(), "--yes", "--keys-dir", str(other)]
    assert run(cli, publish) == 2
    assert f"the key {other / 'publish.pem'} cannot be read" in capsys.readouterr().err
    other.mkdir()
    (other / "publish.pem").write_text("no key\n")
    assert run(cli, publish) == 2
    assert "it is not a private key in PEM\n  help: " in capsys.readouterr().err
    (other / "publish.pem").write_bytes((started.keys / "root-1.pem").read_bytes())
    (other / "publish.pem").chmod(0o600)
    assert run(cli, publish) == 6


def test_a_short_passphrase_and_an_empty_one_are_refused(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "abc")
    assert init(repository) == 2
    assert "fewer than 12 characters" in capsys.readouterr().err
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "")
    assert init(repository) == 2
    assert "AVTECH_KEY_PASSPHRASE is set, but empty" in capsys.readouterr().err
    assert not repository.keys.exists()


def test_the_doctor_finds_that_trust_is_missing(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    assert keys(repository, "doctor", "--output", "json") == 1
    assert "is missing" in capsys.readouterr().out
