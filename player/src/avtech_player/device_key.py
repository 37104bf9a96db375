"""The device key: Ed25519, made on the device, never leaving it; its public half stands in the Screen resource."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from avtech_player.durable import PRIVATE, DiskError, TooLargeError, create_once, make_directory, read_bounded
from avtech_schema.errors import ConfigurationError

_MAX_KEY_BYTES = 10_000


def load_device_key(path: Path) -> Ed25519PrivateKey:
    """Read the device key.

    Raises:
        ConfigurationError: it is missing, unreadable, or another kind of key.
    """
    try:
        data = read_bounded(path, limit=_MAX_KEY_BYTES)
        if data is None:
            raise ConfigurationError(f"there is no device key at {path}", hint="`avtech-player enroll` makes one")
        key = load_pem_private_key(data, password=None)
    except (DiskError, TooLargeError, ValueError, TypeError) as error:
        raise ConfigurationError(f"the device key {path} cannot be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"the device key {path} is not an Ed25519 key")
    return key


class DeviceKey:
    """The device key, read when it is first asked for; while it cannot be read, each time anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    def __call__(self) -> Ed25519PrivateKey:
        """The key.

        Raises:
            ConfigurationError: it is missing, unreadable, or another kind of key.
        """
        if self._key is None:
            self._key = load_device_key(self._path)
        return self._key


def ensure_device_key(path: Path) -> tuple[Ed25519PrivateKey, bool]:
    """Read the device key, or make it if there is none; says whether it was made. A key is never overwritten,
    not even one that another process makes at the same instant.

    Raises:
        ConfigurationError: there is one that cannot be read.
        DiskError: the disk refused.
    """
    if path.exists():
        return load_device_key(path), False
    key = Ed25519PrivateKey.generate()
    make_directory(path.parent)
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (key, True) if create_once(path, data, mode=PRIVATE) else (load_device_key(path), False)
