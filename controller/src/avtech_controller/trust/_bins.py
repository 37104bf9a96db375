"""Bins of released screens: signed and read as the exact bytes of the format, without python-tuf's slower objects.

A fleet of 100,000 screens has thousands of them, and every publication reads all. Signatures are made and verified by
python-tuf and securesystemslib, over the same canonical bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from securesystemslib.signer import Signature, Signer
from tuf.api.metadata import Targets

from avtech_controller.trust._metadata import BINS_LIFETIME, SPEC_VERSION, canonical_json, expiry, verify_bytes
from avtech_schema.errors import TrustError

Target = Mapping[str, Any]
"""One target as the format spells it: `length`, `hashes`, and our `custom`."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_SPELT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_FIELDS = {"_type", "expires", "spec_version", "targets", "version"}


@dataclass(frozen=True, slots=True)
class Bin:
    """A verified bin; `expires` in UTC, `spelt` the JSON of its targets, which are read when they are asked for."""

    version: int
    expires: datetime
    spelt: bytes

    @classmethod
    def of(cls, version: int, expires: datetime, targets: Mapping[str, Target]) -> "Bin":
        """The bin that holds some targets."""
        return cls(version, expires, orjson.dumps(targets, option=orjson.OPT_SORT_KEYS))

    @property
    def targets(self) -> dict[str, Target]:
        """Its targets by path; keep them rather than ask twice."""
        found: dict[str, Target] = orjson.loads(self.spelt)
        return found


def sign_bin(targets: Mapping[str, Target], version: int, now: datetime, signer: Signer) -> bytes:
    """One bin; the same targets on the same day give the same bytes. Their paths and fields are plain ASCII."""
    signed = {
        "_type": Targets.type,
        "expires": expiry(now, BINS_LIFETIME, whole_days=True).strftime(_TIME),
        "spec_version": SPEC_VERSION,
        "targets": dict(targets),
        "version": version,
    }
    signature = signer.sign(canonical_json(signed))
    return orjson.dumps({"signatures": [signature.to_dict()], "signed": signed}, option=orjson.OPT_SORT_KEYS)


def read_bin(data: bytes, name: str, delegator: Targets, what: str) -> Bin:
    """Read a bin that the keys signed which `delegator` names for it; `what` names the object in messages.

    Raises:
        TrustError: it is something else, or they did not sign it.
    """
    try:
        value = orjson.loads(data)
        signed, found = value["signed"], [Signature.from_dict(dict(signature)) for signature in value["signatures"]]
        signatures = {signature.keyid: signature for signature in found}
        canonical = canonical_json(signed)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrustError(f"{what} is not TUF metadata") from error
    if not isinstance(signed, dict) or signed.get("_type") != Targets.type:
        raise TrustError(f"{what} is not a bin of targets")
    verify_bytes(delegator, name, canonical, signatures, name)
    try:
        return _bin(signed)
    except (ValueError, KeyError, TypeError) as error:
        raise TrustError(f"{what} is not a bin of targets ({error})") from error


def instant_of(text: str) -> datetime:
    """Read a time as the format spells it, such as `2026-11-24T00:00:00Z`.

    Raises:
        ValueError, TypeError: it is spelt otherwise.
    """
    if not _SPELT_TIME.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time in UTC")
    return datetime.fromisoformat(text)  # a hundred times as fast as strptime


def _bin(signed: dict[str, Any]) -> Bin:
    if unknown := signed.keys() - _FIELDS:
        raise ValueError(f"it holds {min(unknown)!r:.40}")
    if not str(signed["spec_version"]).startswith("1."):
        raise ValueError("another version of the format")
    version, targets = signed["version"], signed["targets"]
    if type(version) is not int or version < 1:
        raise ValueError("its version is not a number from 1 on")
    for path, target in targets.items():
        if type(target["length"]) is not int or not isinstance(target["hashes"], dict):
            raise ValueError(f"the target {path[:160]!r} has no length or no hashes")
    return Bin.of(version, instant_of(signed["expires"]), targets)
