"""Signed statements: DSSE envelopes with Ed25519, for reports and release records (https://github.com/secure-systems-lab/dsse)."""

import base64
import binascii
from collections.abc import Iterable

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Key, Signer, SSlibKey

from avtech_schema.errors import TrustError

_PUBLIC_PREFIX = "ed25519:"


def public_key(text: str) -> SSlibKey:
    """Read a public key as a Screen resource spells it: `ed25519:` and the 32 raw bytes in base64.

    Raises:
        ValueError: it is not such a key.
    """
    try:
        raw = base64.b64decode(text.removeprefix(_PUBLIC_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the key is not base64") from error
    if not text.startswith(_PUBLIC_PREFIX) or len(raw) != 32:
        raise ValueError("a public key is spelt ed25519: and 32 bytes in base64")
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))


def public_key_text(key: Ed25519PublicKey) -> str:
    """Spell a public key as a Screen resource does."""
    return _PUBLIC_PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


def seal(payload: bytes, payload_type: str, signer: Signer) -> bytes:
    """Sign some exact bytes; returns the envelope as JSON."""
    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    return orjson.dumps(envelope.to_dict(), option=orjson.OPT_SORT_KEYS)


def open_sealed(data: bytes, payload_type: str, keys: Iterable[Key]) -> bytes:
    """Verify an envelope by one of the keys and return the bytes that were signed.

    Raises:
        TrustError: it is not an envelope, is of another type, or none of the keys signed it.
    """
    try:
        envelope = Envelope.from_dict(orjson.loads(data))
        if envelope.payload_type != payload_type:
            raise TrustError(f"a signed {envelope.payload_type!r:.80} stands where a {payload_type!r} should")
        envelope.verify(list(keys), 1)
    except VerificationError as error:
        raise TrustError("the signature is by none of the keys that may sign here") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrustError(f"not a signed envelope ({error})") from error
    return envelope.payload
