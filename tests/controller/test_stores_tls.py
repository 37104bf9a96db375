"""A store behind TLS with an authority of one's own: both clients trust it alike, and what is not trusted is one clear line."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.stores import NewObject, StoreConfigurationError, Stored, open_store
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key
from tests.controller.repository import CLIP, Repository, make_repository
from tests.controller.tls_front import tls_front
from tests.player.authority import Authority
from tests.weed import S3Server

pytestmark = pytest.mark.s3
NO_CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "authority").mkdir()
    return Authority(tmp_path / "authority")


@pytest.fixture
def url(s3_server: S3Server, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Generator[str]:
    """A store of its own behind TLS, whose authority nobody trusts yet."""
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with tls_front(s3_server.endpoint, authority.server("127.0.0.1")) as front:
        yield s3_server.url().replace(s3_server.endpoint, front)


def test_single_objects_and_many_go_through_tls_with_the_same_authority(
    url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    store = open_store(url)
    keys = [f"targets/{number}" for number in range(50)]
    assert store.create_all([NewObject(key, key.encode) for key in keys]) == [True] * 50
    assert store.sizes(keys) == [len(key) for key in keys]
    etag = store.create("metadata/timestamp.json", b"1")
    store.replace("metadata/timestamp.json", b"2", etag=etag)
    found = store.get("metadata/timestamp.json", limit=10)
    assert isinstance(found, Stored)
    assert found.data == b"2"
    assert len(list(store.keys("targets/"))) == 50


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path)
    keys = ["--keys-dir", str(made.keys), "--no-passphrase", "--screens", "1"]
    assert run(cli, ["keys", "init", "--repo", str(made.path), *keys]) == 0
    made.commit("first")
    return made


def test_a_release_is_published_and_verified_through_tls(
    repository: Repository, url: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    key = next(key for key in repository.store.keys("content/"))
    open_store(url).create(content_key(ClientId("CLI-ACME"), key.rpartition("/")[2]), CLIP)  # type: ignore[arg-type]  # a digest
    where = ["--repo", str(repository.path), "--store", url]
    assert run(cli, ["publish", *where, "--keys-dir", str(repository.keys), "--yes"]) == 0
    assert run(cli, ["verify", *where, "--chain"]) == 0


@pytest.mark.parametrize("trusted", ["nobody", "another"])
def test_a_certificate_that_is_not_trusted_is_one_line_that_says_what_to_do(
    repository: Repository, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, trusted: str
) -> None:
    if trusted == "another":
        (tmp_path / "another").mkdir()
        monkeypatch.setenv("AWS_CA_BUNDLE", str(Authority(tmp_path / "another").file))
    where = ["--repo", str(repository.path), "--store", url]
    for command in (["publish", *where, "--keys-dir", str(repository.keys), "--yes"], ["plan", *where]):
        capsys.readouterr()
        assert run(cli, command) == 2
        line, help_ = capsys.readouterr().err.splitlines()
        assert "the certificate of https://127.0.0.1:" in line
        assert " is not trusted: " in line
        assert "set AWS_CA_BUNDLE to the file of its certificate" in help_
    with pytest.raises(StoreConfigurationError, match="is not trusted"):
        open_store(url).create_all([NewObject(f"x/{number}", lambda: b"1") for number in range(30)])


def test_a_certificate_of_another_name_is_told_as_that(
    repository: Repository,
    s3_server: S3Server,
    authority: Authority,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with tls_front(s3_server.endpoint, authority.server("store.example")) as front:
        wrong = url.partition("?")[0] + f"?endpoint={front}"
        capsys.readouterr()
        assert run(cli, ["plan", "--repo", str(repository.path), "--store", wrong]) == 2
    line, help_ = capsys.readouterr().err.splitlines()
    assert re.search(r"the certificate of https://\S+ is not trusted: (IP address mismatch|hostname .* doesn't match)", line)
    assert "check the address" in help_


@pytest.mark.parametrize("text", [None, b"", b"no certificate", NO_CERTIFICATE])
def test_a_file_of_authorities_that_holds_none_is_told_before_a_request(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes | None
) -> None:
    file = tmp_path / "bundle.pem"
    if text is not None:
        file.write_bytes(text)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with pytest.raises(StoreConfigurationError, match=r"cannot be read from .*bundle\.pem"):
        open_store(url)
