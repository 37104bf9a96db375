"""The key that seals the compile cache, where it is derived from the publish key: read with little, as nothing is signed."""

import logging
import os
from pathlib import Path

from avtech_controller.cli._key_names import PASSPHRASE_VARIABLE, PUBLISH_FILE, PUBLISH_VARIABLE

_LOG = logging.getLogger("avtech.cache")
_PEM = "-----BEGIN"
_MAX_BYTES = 16_384
_PURPOSE = b"avtech cache secret"


def sealing_secret(keys_dir: Path | None) -> bytes | None:
    """A secret that whoever holds the publish key can derive, and nobody else.

    The key is that of AVTECH_PUBLISH_KEY, else publish.pem in `keys_dir`, as for a publication. None where there is none,
    where a key service holds it, or where it is encrypted and AVTECH_KEY_PASSPHRASE is not its passphrase: nobody is
    asked for one here, and what else is wrong with a key is told by the commands that sign with it.
    """
    source = os.environ.get(PUBLISH_VARIABLE) or (str(keys_dir / PUBLISH_FILE) if keys_dir else "")
    pem = _pem(source) if source else None
    if pem is None:
        return None
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

    from avtech_controller.incremental import derive

    passphrase = os.environ.get(PASSPHRASE_VARIABLE, "").encode() if b"ENCRYPTED" in pem else None
    try:
        key = load_pem_private_key(pem, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        _LOG.debug("the publish key cannot be read here: it does not seal the cache")
        return None
    if not isinstance(key, Ed25519PrivateKey):
        return None
    return derive(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _PURPOSE)


def _pem(source: str) -> bytes | None:
    if source.lstrip().startswith(_PEM):
        return source.strip().encode() + b"\n"
    try:
        with Path(source).open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError):
        _LOG.debug("no publish key can be read here: none seals the cache")
        return None
    return data if len(data) <= _MAX_BYTES else None
