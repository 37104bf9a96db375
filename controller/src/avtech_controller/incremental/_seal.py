"""Seals: an entry of a cache says which place it was written for, and that a holder of the secret wrote it."""

import hashlib
import hmac
from dataclasses import dataclass

_MAGIC = b"avtech-cache-1\n"
_DIGEST = "sha256"
_SIZE = 32


class BrokenSealError(ValueError):
    """An entry is damaged, of another place, or was not written by a holder of the secret."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens entries; `name` is that of the secret, which tells nothing about it."""

    name: str
    _key: bytes

    @classmethod
    def of(cls, secret: bytes) -> "Seal":
        """The seal of a secret of any length."""
        return cls(derive(secret, b"avtech cache name")[:8].hex(), derive(secret, b"avtech cache seal"))

    def close(self, place: str, payload: bytes) -> bytes:
        """An entry for one place."""
        return _MAGIC + self._mac(place, payload) + payload

    def open(self, place: str, entry: bytes) -> bytes:
        """The payload of an entry that was found at a place.

        Raises:
            BrokenSealError: it is not what was written there.
        """
        start = len(_MAGIC) + _SIZE
        if not entry.startswith(_MAGIC) or len(entry) < start:
            raise BrokenSealError("not an entry, or cut short")
        payload = entry[start:]
        if not hmac.compare_digest(entry[len(_MAGIC) : start], self._mac(place, payload)):
            raise BrokenSealError("the seal does not hold")
        return payload

    def _mac(self, place: str, payload: bytes) -> bytes:
        where = place.encode()
        made = hmac.new(self._key, b"%d:%b:" % (len(where), where), _DIGEST)
        made.update(payload)
        return made.digest()


def derive(secret: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose: HKDF (RFC 5869) with SHA-256 and no salt."""
    extracted = hmac.digest(bytes(hashlib.new(_DIGEST).digest_size), secret, _DIGEST)
    return hmac.digest(extracted, purpose + b"\x01", _DIGEST)
