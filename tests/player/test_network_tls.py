"""Stores behind TLS and proxies: a certificate that does not hold is told for what it is, and nothing is read from there."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from avtech_player.outcome import OutcomeKind
from avtech_player.store import FailureKind, Patience, Stored, StoreError, open_store
from tests.player.authority import Authority
from tests.player.faults import wrong_server
from tests.player.repository import Repository, manifest_of
from tests.player.rig import Rig

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


def root(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "object").write_bytes(b"content")
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"names": ("store.example",)}, "its certificate is for another name"),
        ({"begins": -30, "ends": -2}, "its certificate has expired by this device's clock"),
        ({"begins": 2, "ends": 30}, "its certificate is not valid yet by this device's clock"),
        ({"self_signed": True}, "its certificate is from nobody whom this device trusts"),
    ],
)
def test_a_certificate_that_does_not_hold_is_told_for_what_it_is(
    tmp_path: Path, authority: Authority, certificate: dict[str, Any], words: str
) -> None:
    names: tuple[str, ...] = certificate.pop("names", ("localhost",))
    with wrong_server(root(tmp_path), tls=authority.server(*names, **certificate)) as server:
        store = open_store(f"https://localhost:{server.port}", {})
        with pytest.raises(StoreError, match=words) as caught:
            store.read("object", limit=100)
        assert caught.value.kind is FailureKind.CERTIFICATE
        assert store.tally.failures == {FailureKind.CERTIFICATE: 1}
        assert server.requests == [], "nothing was asked of whoever that is"


def test_a_store_that_proves_to_be_itself_is_read_and_a_later_impostor_is_not(tmp_path: Path, authority: Authority) -> None:
    repository = Repository(tmp_path / "fleet")
    ref = repository.publish(manifest_of({"VID-A": repository.put_clip(b"clip")}))
    with wrong_server(repository.path, tls=authority.server("localhost")) as server:
        rig = Rig(tmp_path / "state", f"https://localhost:{server.port}", repository.root_bytes)
        rig.start()
        assert rig.step().kind is OutcomeKind.APPLIED
        port = server.port
    listening = socket.create_server(("127.0.0.1", port))
    with wrong_server(repository.path, listening=listening, tls=authority.server("localhost", self_signed=True)):
        assert rig.step().kind is OutcomeKind.FAILED
        assert "from nobody whom this device trusts" in (rig.updater.last_error or "")
        assert (rig.state.good, rig.stage.showing is not None) == (ref, True)


def test_a_store_in_the_clear_is_not_taken_for_one_behind_tls(tmp_path: Path) -> None:
    hasty = Patience(connect=0.5, stall=0.5, small=0.5)
    with wrong_server(root(tmp_path)) as server, pytest.raises(StoreError):
        open_store(f"https://localhost:{server.port}", {}, patience=hasty).read("object", limit=100)


def test_a_proxy_that_a_variable_names_is_used_and_one_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with wrong_server(root(tmp_path)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        found = open_store("http://127.0.0.1:9/", os.environ).read("object", limit=100)
        assert isinstance(found, Stored)
        assert (found.data, proxy.requests) == (b"content", ["/object"])
    store = open_store("http://127.0.0.1:9/", os.environ)
    with pytest.raises(StoreError, match=r"refuses the connection \(a proxy is set in HTTP_PROXY\)"):
        store.read("object", limit=100)


def test_a_proxy_does_not_stand_before_what_no_proxy_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with wrong_server(root(tmp_path)) as server:
        assert isinstance(open_store(server.url, os.environ).read("object", limit=100), Stored)


def test_a_proxy_is_not_told_of_where_none_is_asked(tmp_path: Path) -> None:
    environment = {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    with pytest.raises(StoreError) as caught:
        open_store(f"file://{tmp_path}/nowhere", environment).read("object", limit=100)
    assert "a proxy is set" not in str(caught.value)


def test_credentials_are_never_told(tmp_path: Path) -> None:
    environment = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_SESSION_TOKEN": "a-token"}
    store = open_store("s3://bucket/fleet?endpoint=http://127.0.0.1:9", environment)
    with pytest.raises(StoreError) as caught:
        store.read("object", limit=100)
    text = f"{caught.value} {store.url}"
    assert not any(secret in text for secret in environment.values())
