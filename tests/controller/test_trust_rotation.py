"""Rotation: what is written waits, holder after holder signs, and only enough signatures of both sides make it count."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signature, Signer
from tuf.api.metadata import Metadata, Root, Targets

from avtech_controller.trust import (
    Duty,
    KeyChange,
    Rotation,
    begin_rotation,
    create_key,
    create_repository,
    keys_for,
    load_anchor,
    load_public_key,
    load_signer,
    open_signer,
    read_folder,
    sign_waiting,
    waiting_files,
)
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError, TrustError

NOW = datetime.now(UTC)
LATER = (NOW + timedelta(days=400)).replace(microsecond=0)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    path.mkdir()
    create_repository(path, tmp_path / "keys", roots=3, threshold=2, screens=100, passphrase=None, now=NOW)
    return path


def signer(repo: Path, name: str) -> CryptoSigner:
    return load_signer(str(repo.parent / f"keys/{name}.pem"))


def sign(repo: Path, *names: str) -> list[tuple[str, ...]]:
    return [sign_waiting(repo, signer(repo, name)) for name in names]


def new_key(repo: Path, name: str) -> Key:
    return load_public_key(create_key(repo.parent / f"keys/{name}.pem", passphrase=None).public)


def current(repo: Path, duty: Duty) -> tuple[str, ...]:
    return tuple(key.keyid for key in keys_for(load_anchor(repo).root, duty))


def replace_key(repo: Path, duty: Duty, name: str) -> Rotation:
    return Rotation({duty: KeyChange((new_key(repo, name),), current(repo, duty))})


def test_a_renewed_root_counts_when_two_holders_signed(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    assert load_anchor(repo).root.version == 1
    assert sign(repo, "root-3") == [("trust/2.root.json",)]
    assert load_anchor(repo).root.version == 1
    sign(repo, "root-1")
    anchor = load_anchor(repo)
    assert (anchor.root.version, anchor.root.expires, anchor.waiting) == (2, LATER, ())
    assert anchor.root.keys == anchor.chain[0].keys


def test_renewed_targets_metadata_needs_no_root(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.TARGETS})), expires=LATER)
    assert load_anchor(repo).newest == 1
    sign(repo, "targets")
    anchor = load_anchor(repo)
    assert (anchor.newest, anchor.delegations[2].targets.expires, anchor.root.version) == (2, LATER, 1)
    assert anchor.bins(2) == anchor.bins(1)


def test_a_replaced_publish_key_needs_root_and_targets_signatures(repo: Path) -> None:
    begin_rotation(repo, replace_key(repo, Duty.PUBLISH, "publish-2"), expires=LATER)
    sign(repo, "root-1", "root-2")
    half = load_anchor(repo)
    assert half.root.version == 2, "its targets metadata may come later: the old one still holds"
    with pytest.raises(TrustError, match="the bins"):
        half.check_publisher(signer(repo, "publish-2"), NOW)
    sign(repo, "targets")
    anchor = load_anchor(repo)
    anchor.check_publisher(signer(repo, "publish-2"), NOW)
    with pytest.raises(TrustError, match="may not sign snapshot"):
        anchor.check_publisher(signer(repo, "publish"), NOW)


def test_a_root_with_another_targets_key_waits_for_that_keys_signature(repo: Path) -> None:
    begin_rotation(repo, replace_key(repo, Duty.TARGETS, "targets-2"), expires=LATER)
    sign(repo, "root-1", "root-2")
    half = load_anchor(repo)
    assert (half.root.version, half.waiting) == (1, ("trust/2.root.json", "trust/2.targets.json"))
    assert waiting_files(read_folder(repo))[0].complete
    with pytest.raises(TrustError, match="does not count"):
        sign(repo, "targets")
    sign(repo, "targets-2")
    assert (load_anchor(repo).root.version, load_anchor(repo).newest) == (2, 2)


def test_a_heartbeat_key_is_replaced_by_a_root_alone(repo: Path) -> None:
    begin_rotation(repo, replace_key(repo, Duty.HEARTBEAT, "heartbeat-2"), expires=LATER)
    sign(repo, "root-1", "root-2")
    anchor = load_anchor(repo)
    assert anchor.newest == 1
    anchor.check_heartbeat(signer(repo, "heartbeat-2"), NOW)
    anchor.check_heartbeat(signer(repo, "publish"), NOW)
    with pytest.raises(TrustError):
        anchor.check_heartbeat(signer(repo, "heartbeat"), NOW)


def test_a_new_guardian_signs_the_root_that_names_them_but_the_old_threshold_must_be_met_too(repo: Path) -> None:
    ada = new_key(repo, "ada")
    change = KeyChange((ada,), (current(repo, Duty.ROOT)[1],), threshold=3)
    begin_rotation(repo, Rotation({Duty.ROOT: change}), expires=LATER)
    sign(repo, "ada", "root-1")
    old, own = waiting_files(read_folder(repo))[0].quorums
    assert (old.missing, own.missing) == (1, 1)
    sign(repo, "root-2")
    assert load_anchor(repo).root.version == 1, "three of its own must sign, and root-2 is none of them any more"
    sign(repo, "root-3")
    assert load_anchor(repo).root.version == 2
    assert set(current(repo, Duty.ROOT)) == {ada.keyid, *load_anchor(repo).chain[0].roles["root"].keyids[::2]}


def test_signatures_of_all_holders_come_in_any_order_and_stay(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT, Duty.TARGETS})), expires=LATER)
    before = Metadata[Root].from_bytes((repo / "trust/2.root.json").read_bytes()).signed
    sign(repo, "root-3", "targets", "root-1")
    after = Metadata[Root].from_bytes((repo / "trust/2.root.json").read_bytes())
    assert after.signed == before
    assert len(after.signatures) == 2


def test_signing_twice_changes_nothing(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    sign(repo, "root-1")
    data = (repo / "trust/2.root.json").read_bytes()
    assert sign(repo, "root-1") == [()]
    assert (repo / "trust/2.root.json").read_bytes() == data


@pytest.mark.parametrize("name", ["publish", "heartbeat", "targets"])
def test_a_key_that_does_not_count_cannot_sign(repo: Path, name: str) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    data = (repo / "trust/2.root.json").read_bytes()
    with pytest.raises(TrustError, match="does not count"):
        sign(repo, name)
    assert (repo / "trust/2.root.json").read_bytes() == data


def test_a_holder_who_comes_when_enough_have_signed_changes_nothing(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    sign(repo, "root-1", "root-2")
    data = (repo / "trust/2.root.json").read_bytes()
    assert sign(repo, "root-3") == [()]
    assert (repo / "trust/2.root.json").read_bytes() == data


def test_a_second_rotation_has_to_wait_for_the_first(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    data = (repo / "trust/2.root.json").read_bytes()
    with pytest.raises(ConfigurationError, match="still waits"):
        begin_rotation(repo, replace_key(repo, Duty.HEARTBEAT, "h2"), expires=LATER)
    assert (repo / "trust/2.root.json").read_bytes() == data
    (repo / "trust/2.root.json").unlink()
    begin_rotation(repo, Rotation({Duty.HEARTBEAT: KeyChange((), (), None)}), expires=LATER)


def test_metadata_changed_after_it_was_signed_does_not_count(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    sign(repo, "root-1", "root-2")
    path = repo / "trust/2.root.json"
    path.write_bytes(path.read_bytes().replace(b'"threshold":2', b'"threshold":1'))
    assert load_anchor(repo).root.version == 1


@pytest.mark.parametrize(
    ("duty", "change", "words"),
    [
        (Duty.ROOT, KeyChange(threshold=4), "3 root keys cannot sign where 4 must"),
        (Duty.PUBLISH, KeyChange(threshold=2), "has no threshold"),
        (Duty.ROOT, KeyChange(remove=("0" * 64,)), "is not a root key"),
    ],
)
def test_a_rotation_that_makes_no_sense_writes_nothing(repo: Path, duty: Duty, change: KeyChange, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        begin_rotation(repo, Rotation({duty: change}), expires=LATER)
    assert sorted(path.name for path in (repo / "trust").iterdir()) == ["1.root.json", "1.targets.json"]


@pytest.mark.parametrize("duty", list(Duty))
def test_the_last_key_of_a_duty_stays(repo: Path, duty: Duty) -> None:
    with pytest.raises(ConfigurationError, match="cannot sign"):
        begin_rotation(repo, Rotation({duty: KeyChange(remove=current(repo, duty))}), expires=LATER)


@pytest.mark.parametrize(
    ("duty", "other"), [(Duty.PUBLISH, Duty.ROOT), (Duty.TARGETS, Duty.PUBLISH), (Duty.ROOT, Duty.HEARTBEAT)]
)
def test_a_key_gets_no_second_duty(repo: Path, duty: Duty, other: Duty) -> None:
    key = keys_for(load_anchor(repo).root, other)[0]
    with pytest.raises(ConfigurationError, match="must be apart"):
        begin_rotation(repo, Rotation({duty: KeyChange((key,))}), expires=LATER)


def test_what_a_holder_is_shown_names_every_change(repo: Path) -> None:
    change = KeyChange((new_key(repo, "ada"),), (current(repo, Duty.ROOT)[0],), threshold=1)
    (root,) = begin_rotation(repo, Rotation({Duty.ROOT: change}), expires=LATER)
    text = "\n".join(root.changes)
    assert "version 1 -> 2" in text
    assert "- root key root-1" in text
    assert "+ root key ada" in text
    assert "root threshold 2 -> 1" in text


def test_a_smuggled_change_is_shown(repo: Path) -> None:
    metadata = Metadata[Root].from_bytes((repo / "trust/1.root.json").read_bytes())
    metadata.signed.version = 2
    metadata.signed.consistent_snapshot = False
    metadata.signed.keys[current(repo, Duty.ROOT)[0]].unrecognized_fields["x-avtech-name"] = "root-2"
    metadata.signatures.clear()
    (repo / "trust/2.root.json").write_bytes(metadata.to_bytes())
    targets = Metadata[Targets].from_bytes((repo / "trust/1.targets.json").read_bytes())
    targets.signed.version, targets.signed.delegations = 2, None
    targets.signatures.clear()
    (repo / "trust/2.targets.json").write_bytes(targets.to_bytes())
    root, other = waiting_files(read_folder(repo))
    assert [change[0] for change in root.changes].count("!") == 2
    assert "! it does not delegate to bins" in other.changes


def test_bins_are_resized_by_targets_metadata(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, screens=1000), expires=LATER)
    assert "bins' number of bins 64 -> 256" in waiting_files(read_folder(repo))[0].changes
    sign(repo, "targets")
    assert load_anchor(repo).bins(2).number_of_bins == 256


def test_a_folder_that_cannot_be_written_is_one_line(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    path = repo / "trust/2.root.json"
    data = path.read_bytes()
    path.unlink()
    (repo / "trust/2.root.json").mkdir()
    with pytest.raises((ConfigurationError, EnvironmentFailedError)):
        sign(repo, "root-1")
    path.rmdir()
    path.write_bytes(data[:100])
    with pytest.raises(TrustError, match="not TUF metadata"):
        load_anchor(repo)


def test_a_new_key_is_its_owners_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys/eve.pem"
    made = create_key(path, passphrase="correct horse")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ENCRYPTED" in path.read_bytes()
    assert load_public_key(made.public).keyid == made.keyid == load_signer(str(path), lambda: "correct horse").public_key.keyid
    for taken in (path, made.public):
        other = tmp_path / f"keys/other{taken.suffix}"
        other.touch()
        with pytest.raises(ConfigurationError, match="never overwritten"):
            create_key(other.with_suffix(".pem"), passphrase=None)
        other.unlink()
    with pytest.raises(ConfigurationError, match=r"\.pem"):
        create_key(tmp_path / "eve", passphrase=None)


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pub").write_bytes(content)
    with pytest.raises(ConfigurationError, match="not a public key"):
        load_public_key(tmp_path / "a.pub")


def test_a_private_key_in_place_of_its_public_half_is_refused(repo: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a private key"):
        load_public_key(repo.parent / "keys/root-1.pem")


class CloudSigner(Signer):
    """A key service as securesystemslib sees one: a scheme of its own, a key that never leaves, a PIN, and failures."""

    inside: CryptoSigner
    pin = "1234"

    def __init__(self, key: Key) -> None:
        self._key = key

    @property
    def public_key(self) -> Key:
        return self._key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: object = None) -> "CloudSigner":
        if priv_key_uri.endswith("denied"):
            raise RuntimeError("AccessDenied:\nyou may not kms:Sign")
        assert callable(secrets_handler)
        if secrets_handler("PIN") != cls.pin:
            raise RuntimeError("wrong PIN")
        return cls(public_key)

    def sign(self, payload: bytes) -> Signature:
        return Signature(self._key.keyid, self.inside.sign(payload).signature)


@pytest.fixture
def cloud(repo: Path, monkeypatch: pytest.MonkeyPatch) -> type[CloudSigner]:
    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "cloudkms", CloudSigner)
    CloudSigner.inside = signer(repo, "root-2")
    return CloudSigner


def test_a_key_in_a_key_service_is_found_among_the_keys_that_may_sign(repo: Path, cloud: type[CloudSigner]) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    holders = waiting_files(read_folder(repo))[0].holders
    found = open_signer("cloudkms:projects/acme/root", lambda: "1234", holders)
    assert found.public_key.keyid == cloud.inside.public_key.keyid
    sign_waiting(repo, found)
    sign(repo, "root-1")
    assert load_anchor(repo).root.version == 2


@pytest.mark.parametrize(
    ("uri", "pin", "words"),
    [
        ("cloudkms:denied", "1234", "AccessDenied: you may not"),
        ("cloudkms:root", "9999", "wrong PIN"),
        ("cloudkms:root", None, "asks for its PIN"),
        ("file2:/nowhere/key.pem", "", "nowhere"),
    ],
)
def test_a_key_service_that_refuses_is_one_line(
    repo: Path, cloud: type[CloudSigner], uri: str, pin: str | None, words: str
) -> None:
    root = load_anchor(repo).root
    with pytest.raises(TrustError, match=words) as caught:
        open_signer(uri, lambda: pin, keys_for(root, Duty.ROOT))
    assert "\n" not in str(caught.value)


def test_a_key_of_another_fleet_in_a_key_service_is_refused(repo: Path, cloud: type[CloudSigner]) -> None:
    with pytest.raises(TrustError, match="cannot sign for this repository"):
        open_signer("cloudkms:root", lambda: "1234", keys_for(load_anchor(repo).root, Duty.PUBLISH))
    with pytest.raises(TrustError, match="cannot sign"):
        open_signer("cloudkms:root", lambda: "1234", ())


def test_the_anchor_in_force_survives_a_newer_root_of_junk_signatures(repo: Path) -> None:
    begin_rotation(repo, Rotation({}, frozenset({Duty.ROOT})), expires=LATER)
    path = repo / "trust/2.root.json"
    metadata = Metadata[Root].from_bytes(path.read_bytes())
    for keyid in current(repo, Duty.ROOT):
        metadata.signatures[keyid] = Signature(keyid, "00" * 64)
    path.write_bytes(metadata.to_bytes())
    assert replace(load_anchor(repo), waiting=()).root.version == 1
