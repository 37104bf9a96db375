"""Keys and the trust anchor: what is not signed by the right keys is not used."""

import shutil
import stat
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Metadata, Root

from avtech_controller.trust import (
    bin_bits,
    create_repository,
    generate_key,
    load_anchor,
    load_signer,
    write_key,
)
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, TrustError

NOW = datetime.now(UTC)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    path.mkdir()
    create_repository(path, tmp_path / "keys", roots=3, threshold=2, screens=100, passphrase="correct horse", now=NOW)
    return path


def test_private_keys_are_for_their_owner_alone(repo: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert names == {f"{name}.pem": 0o600 for name in ("root-1", "root-2", "root-3", "targets", "publish", "heartbeat")}


def test_offline_keys_are_encrypted_and_online_keys_are_not(repo: Path, tmp_path: Path) -> None:
    encrypted = {path.stem for path in (tmp_path / "keys").iterdir() if b"ENCRYPTED" in path.read_bytes()}
    assert encrypted == {"root-1", "root-2", "root-3", "targets"}


def test_nothing_is_overwritten(repo: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in [*repo.rglob("*.json"), *(tmp_path / "keys").iterdir()]}
    for keys in (tmp_path / "keys", tmp_path / "other"):
        with pytest.raises(ConfigurationError, match="never overwritten"):
            create_repository(repo, keys, roots=1, threshold=1, screens=1, passphrase=None, now=NOW)
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "other").exists()


def test_a_threshold_beyond_the_number_of_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="threshold"):
        create_repository(tmp_path, tmp_path / "k", roots=1, threshold=2, screens=1, passphrase=None, now=NOW)


def test_keys_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailedError):
        create_repository(tmp_path, tmp_path / "file/keys", roots=1, threshold=1, screens=1, passphrase=None, now=NOW)
    assert not (tmp_path / "trust").exists()


def test_the_anchor_says_who_may_publish(repo: Path, tmp_path: Path) -> None:
    anchor = load_anchor(repo)
    anchor.check_publisher(load_signer(str(tmp_path / "keys/publish.pem")), NOW)
    assert anchor.bins(1).number_of_bins == 64
    assert anchor.root.roles[Root.type].threshold == 2
    for name in ("heartbeat", "targets"):
        signer = load_signer(str(tmp_path / f"keys/{name}.pem"), lambda: "correct horse")
        with pytest.raises(TrustError, match="may not sign"):
            anchor.check_publisher(signer, NOW)


def test_an_expired_root_stops_a_publication(repo: Path, tmp_path: Path) -> None:
    signer = load_signer(str(tmp_path / "keys/publish.pem"))
    with pytest.raises(TrustError, match="root metadata in trust/ expired"):
        load_anchor(repo).check_publisher(signer, NOW + timedelta(days=366))


def _given(passphrase: str | None) -> str | None:
    return passphrase


def test_a_passphrase_that_is_wrong_or_missing_is_a_wrong_setting(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_key(path, generate_key(), passphrase="right")
    load_signer(str(path), lambda: "right")
    for given in ("wrong", None):
        with pytest.raises(ConfigurationError, match="passphrase") as caught:
            load_signer(str(path), partial(_given, given))
        assert "right" not in str(caught.value)


def test_a_key_may_be_given_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_key(path, generate_key(), passphrase=None)
    assert load_signer(path.read_text()).public_key == load_signer(str(path)).public_key


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", b"\0" * 20_000]
)
def test_what_is_not_a_key_is_a_wrong_setting(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError):
        load_signer(str(path))


def test_a_missing_key_and_another_kind_of_key_are_wrong_settings(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    with pytest.raises(ConfigurationError, match="No such file"):
        load_signer(str(tmp_path / "none.pem"))
    with pytest.raises(ConfigurationError, match="neither PEM text nor the path of a file"):
        load_signer(str(tmp_path / "none"))
    pem = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ConfigurationError, match="not an Ed25519 key"):
        load_signer(pem.decode())


@pytest.mark.parametrize("name", ["1.root.json", "1.targets.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "flipped", "html", "swapped", "huge"])
def test_a_damaged_anchor_is_a_trust_failure(repo: Path, name: str, damage: str) -> None:
    path = repo / "trust" / name
    data = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "flipped":
            path.write_bytes(data.replace(b'"expires":"20', b'"expires":"21'))
        case "html":
            path.write_bytes(b"<html></html>")
        case "swapped":
            other = "1.targets.json" if name == "1.root.json" else "1.root.json"
            path.write_bytes((repo / "trust" / other).read_bytes())
        case _:
            path.write_bytes(b"x" * 9_000_000)
    with pytest.raises(TrustError):
        load_anchor(repo)


def test_a_repository_without_trust_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing") as caught:
        load_anchor(tmp_path)
    assert "avtech keys init" in caught.value.hint


def next_root(repo: Path, keys: Path, signers: list[str]) -> None:
    """A second root, with a later expiry, signed by some of the keys of the first."""
    metadata: Metadata[Root] = Metadata.from_bytes((repo / "trust/1.root.json").read_bytes())
    metadata.signed.version = 2
    metadata.signed.expires += timedelta(days=365)
    metadata.signatures.clear()
    for name in signers:
        metadata.sign(load_signer(str(keys / f"{name}.pem"), lambda: "correct horse"), append=True)
    (repo / "trust/2.root.json").write_bytes(metadata.to_bytes())


def test_a_new_root_counts_when_enough_keys_of_the_old_one_signed_it(repo: Path, tmp_path: Path) -> None:
    next_root(repo, tmp_path / "keys", ["root-1", "root-3"])
    anchor = load_anchor(repo)
    assert (anchor.root.version, len(anchor.roots)) == (2, 2)


def test_a_new_root_that_too_few_keys_signed_does_not_count_yet(repo: Path, tmp_path: Path) -> None:
    next_root(repo, tmp_path / "keys", ["root-1", "publish"])
    anchor = load_anchor(repo)
    assert (anchor.root.version, len(anchor.roots), anchor.waiting) == (1, 1, ("trust/2.root.json",))


def test_a_gap_in_the_chain_of_roots_is_refused(repo: Path, tmp_path: Path) -> None:
    next_root(repo, tmp_path / "keys", ["root-1", "root-3"])
    shutil.move(repo / "trust/2.root.json", repo / "trust/3.root.json")
    with pytest.raises(TrustError, match="every version"):
        load_anchor(repo)


@pytest.mark.parametrize(("number", "bins"), [(1, 16), (100, 64), (1000, 256), (10_000, 1024)])
def test_bins_are_sized_for_ten_times_the_screens(number: int, bins: int) -> None:
    assert 2 ** bin_bits(number) == bins


def test_a_generated_key_signs_with_ed25519() -> None:
    assert isinstance(generate_key(), Ed25519PrivateKey)
