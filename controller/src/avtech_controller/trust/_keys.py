"""Private keys on disk, in CI variables and in key services: PKCS #8 PEM, encrypted where kept offline, or a signer's URI."""

import logging
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, CryptoSigner, Key, Signer, SSlibKey

from avtech_controller import durable
from avtech_controller.trust._metadata import NAME_FIELD
from avtech_schema.errors import ConfigurationError, TrustError

MAX_KEY_BYTES = 16_384
Passphrase = Callable[[], str | None]
"""Asked only when a key turns out to be encrypted; None when there is none to be had."""

_LOG = logging.getLogger("avtech.trust")
_PEM = "-----BEGIN"
_KEY_SUFFIX = ".pem"
_WHERE = "give a .pem file that `avtech keys init` or `avtech keys new` wrote, whole and with its line breaks"
_PROBE = b"AVTech asks which of its keys this is; what is signed here means nothing else."


def generate_key() -> Ed25519PrivateKey:
    """A new private key."""
    return Ed25519PrivateKey.generate()


def write_key(path: Path, key: Ed25519PrivateKey, *, passphrase: str | None) -> None:
    """Write a private key that only its owner can read; an existing file is never overwritten.

    Raises:
        FileExistsError: the file exists.
        OSError: it cannot be written.
    """
    encryption: KeySerializationEncryption = (
        BestAvailableEncryption(passphrase.encode()) if passphrase is not None else NoEncryption()
    )
    durable.create_file(path, [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)], mode=durable.SECRET_MODE)


def open_signer(source: str, passphrase: Passphrase, candidates: Iterable[Key], *, called: str = "the key") -> Signer:
    """Open a private key given as PEM text, as a path, or as a URI of securesystemslib (`awskms:`, `gcpkms:`, `hsm:`, …).

    A URI says where the private key is, not which it is: it is one of the `candidates`, found by a signature on trial.
    What was given may be the secret itself, so messages speak of it as it is `called`.

    Raises:
        ConfigurationError: there is no such file, or it is not a private key, or the passphrase is missing or wrong.
        TrustError: the key behind a URI cannot be used, or is none of the candidates.
    """
    scheme, colon, _ = source.partition(":")
    if not colon or scheme not in SIGNER_FOR_URI_SCHEME:
        return load_signer(source, passphrase, called=called)
    reason = "no key of the root may sign here"
    for key in candidates:
        try:
            signer = Signer.from_priv_key_uri(source, key, lambda name: _secret(name, passphrase))
            key.verify_signature(signer.sign(_PROBE), _PROBE)
        except Exception as error:  # noqa: BLE001  each key service fails in its own way
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            continue
        return signer
    raise TrustError(
        f"the key {source.partition('?')[0][:200]} cannot sign for this repository: {reason}",
        hint="check its address, its credentials, and that its public key is in trust/ (`avtech keys rotate --add`)",
    )


def _secret(name: str, passphrase: Passphrase) -> str:
    if (secret := passphrase()) is None:
        raise ConfigurationError(f"the key asks for its {name}", hint="set AVTECH_KEY_PASSPHRASE")
    return secret


def public_pem(key: Ed25519PrivateKey) -> bytes:
    """The public half of a key in PEM, which may be shown to anybody."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_public_key(path: Path) -> SSlibKey:
    """Read a public key in PEM (Ed25519, ECDSA or RSA, as key services show them); it is named after its file.

    Raises:
        ConfigurationError: there is no such file, or it is not a public key.
    """
    pem, name = _read(path), f"the key {path}"
    if b"PRIVATE KEY" in pem:
        raise ConfigurationError(
            f"{name} is a private key", hint="give its public half: the .pub file that `avtech keys new` wrote"
        )
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{name} cannot be used: it is not a public key in PEM of a kind that can sign metadata",
            hint="give the .pub file that `avtech keys new` wrote, or the public key that the key service shows",
        ) from error
    key.unrecognized_fields[NAME_FIELD] = path.stem
    return key


def load_signer(source: str, passphrase: Passphrase = lambda: None, *, called: str = "the key") -> CryptoSigner:
    """Load a private key given as PEM text (as CI variables hold it) or as the path of a file.

    Raises:
        ConfigurationError: there is no such file, it is not an Ed25519 private key, or the passphrase is missing or wrong.
    """
    pem, name = _pem(source, called)
    if b"ENCRYPTED" not in pem:
        return _signer(pem, None, name)
    if (secret := passphrase()) is None:
        raise ConfigurationError(f"{name} is encrypted and no passphrase was given", hint="set AVTECH_KEY_PASSPHRASE")
    return _signer(pem, secret.encode(), name)


def _pem(source: str, called: str) -> tuple[bytes, str]:
    """The PEM text, and how messages may name it: by its path if it is surely one, never by what may be the key itself."""
    if source.lstrip().startswith(_PEM):
        return source.strip().encode() + b"\n", called
    path = Path(source)
    if not source.endswith(_KEY_SUFFIX) and not _exists(path):
        raise ConfigurationError(
            f"{called} is neither PEM text nor the path of a file",
            hint=f"give all lines of the key, from {_PEM} to the end, or the path of its .pem file",
        )
    return _read(path), f"the key {path}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_KEY_BYTES + 1)
            exposed = stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"the key {path} cannot be read: {reason}", hint=_WHERE) from error
    if len(data) > MAX_KEY_BYTES:
        raise ConfigurationError(f"{path} is too large for a key", hint=_WHERE)
    if exposed and b"PRIVATE KEY" in data:
        _LOG.warning("others can read the private key %s: chmod 600 it, and consider it leaked", path)
    return data


def _signer(pem: bytes, secret: bytes | None, name: str) -> CryptoSigner:
    try:
        key = load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        reason = "the passphrase is wrong, or the file is damaged" if secret else "it is not a private key in PEM"
        raise ConfigurationError(f"{name} cannot be used: {reason}", hint=_WHERE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{name} is not an Ed25519 key", hint=_WHERE)
    return CryptoSigner(key)
