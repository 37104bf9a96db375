"""Whoever has the key that sealed a cache reads it, whichever command and way of giving the key; nobody else does."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.trust import generate_key, write_key
from tests.controller.repository import Repository, make_repository
from tests.weed import S3Server

Capture = pytest.CaptureFixture[str]
FROM_CACHE = "0 of 3 screens compiled, the rest from the cache"
ANEW = "3 of 3 screens compiled\n"
VARIABLES = ("STORE", "PUBLISH_KEY", "KEYS_DIR", "KEY_PASSPHRASE", "CACHE_KEY", "CACHE")
NO_KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A commit that can be published, and a cache that `publish --keys-dir` wrote on another machine."""
    for name in VARIABLES:
        monkeypatch.delenv(f"AVTECH_{name}", raising=False)
    made = make_repository(tmp_path, screens=3)
    keys = ["--keys-dir", str(made.keys), "--no-passphrase", "--screens", "3"]
    assert run(cli, ["keys", "init", "--repo", str(made.path), *keys]) == 0
    made.commit("first")
    move(monkeypatch, tmp_path / "first")
    publish = ["publish", *made.options(), "--keys-dir", str(made.keys), "--cache", str(tmp_path / "cache"), "--yes"]
    assert run(cli, publish) == 0
    move(monkeypatch, tmp_path / "second")
    return made


def move(monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    """From here on, run as a user of another machine."""
    monkeypatch.setenv("AVTECH_CONFIG_DIR", str(machine / "config"))
    monkeypatch.setenv("AVTECH_CACHE_DIR", str(machine / "cache"))


def compiled(repository: Repository, capsys: Capture, *more: str | Path) -> str:
    """What compiling the commit says, with the cache."""
    capsys.readouterr()
    arguments = ["-C", str(repository.path), "--commit", "HEAD", "--cache", str(repository.path.parent / "cache")]
    assert run(cli, ["compile", *arguments, *map(str, more)]) == 0
    return capsys.readouterr().err


def test_a_cache_of_publish_with_a_keys_directory_is_read_with_the_same_key(repository: Repository, capsys: Capture) -> None:
    assert FROM_CACHE in compiled(repository, capsys, "--keys-dir", repository.keys)


def test_it_is_read_by_nobody_who_has_another_key_or_none(repository: Repository, capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    write_key(tmp_path / "others/publish.pem", generate_key(), passphrase=None)
    assert ANEW in compiled(repository, capsys, "--keys-dir", tmp_path / "others")
    assert ANEW in compiled(repository, capsys, "--keys-dir", tmp_path / "nowhere")
    assert FROM_CACHE in compiled(repository, capsys), "a directory without a key is as none: this user's own key seals"


def test_the_key_may_be_given_by_a_variable_as_text_or_path_or_directory(
    repository: Repository, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = repository.keys / "publish.pem"
    for name, value in (
        ("AVTECH_PUBLISH_KEY", pem.read_text()),
        ("AVTECH_PUBLISH_KEY", str(pem)),
        ("AVTECH_KEYS_DIR", str(repository.keys)),
    ):
        monkeypatch.setenv(name, value)
        assert FROM_CACHE in compiled(repository, capsys), name
        monkeypatch.delenv(name)


def test_the_same_key_encrypted_is_the_same_with_its_passphrase_alone(
    repository: Repository, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = load_pem_private_key((repository.keys / "publish.pem").read_bytes(), None)
    (tmp_path / "safe").mkdir()
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"four words or more"))
    (tmp_path / "safe/publish.pem").write_bytes(sealed)
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "another passphrase")
    assert ANEW in compiled(repository, capsys, "--keys-dir", tmp_path / "safe")
    monkeypatch.setenv("AVTECH_KEY_PASSPHRASE", "four words or more")
    assert FROM_CACHE in compiled(repository, capsys, "--keys-dir", tmp_path / "safe")


@pytest.mark.parametrize("text", [b"", b"no key", NO_KEY, b"x" * 50_000])
def test_what_is_no_key_seals_nothing_and_stops_no_command_that_needs_none(
    repository: Repository, capsys: Capture, tmp_path: Path, text: bytes
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/publish.pem").write_bytes(text)
    assert ANEW in compiled(repository, capsys, "--keys-dir", tmp_path / "broken")


def test_a_plan_reads_and_adds_to_the_same_cache(repository: Repository, tmp_path: Path) -> None:
    repository.screen(4)
    repository.commit("a fourth screen")
    options = ["--commit", "HEAD", *repository.options(), "--cache", str(tmp_path / "cache"), "--output", "json"]
    before = ledgers(tmp_path / "cache")
    assert run(cli, ["plan", *options, "--keys-dir", str(repository.keys)]) == 0
    assert ledgers(tmp_path / "cache") == before
    assert run(cli, ["plan", *options]) == 0
    assert len(ledgers(tmp_path / "cache")) == len(before) + 1, "another key's entries lie beside"


def ledgers(cache: Path) -> set[str]:
    """The places of one name for each key that wrote here."""
    return {path.name for path in cache.iterdir()}


@pytest.mark.s3
def test_a_cache_in_a_bucket_needs_no_key_of_its_own_where_the_publish_key_is(
    repository: Repository, capsys: Capture, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = s3_server.url()
    assert ANEW in compiled(repository, capsys, "--keys-dir", repository.keys, "--cache", bucket)
    assert FROM_CACHE in compiled(repository, capsys, "--keys-dir", repository.keys, "--cache", bucket)
    said = compiled(repository, capsys, "--cache", bucket)
    assert "is not used: AVTECH_CACHE_KEY is not set, and no publish key is at hand" in said
    assert ANEW in said
