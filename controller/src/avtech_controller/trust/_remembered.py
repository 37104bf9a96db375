"""Bins that were verified before, remembered by the snapshot that names them, in entries that only we can have sealed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from backports import zstd

from avtech_controller.trust._anchor import Anchor
from avtech_controller.trust._bins import Bin, instant_of
from avtech_schema.canonical import sha256_hex

MAX_REMEMBERED_BYTES = 1 << 30
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of stores from earlier runs. `load` gives what `keep` was given under a name, surely unaltered, or None.

    An entry says what the bins of one snapshot are, to its very bytes, with one version of the targets metadata. Neither ever
    comes to mean something else: an entry that is old or of another store is not of the snapshot that is asked about.
    """

    load: Callable[[str], bytes | None]
    keep: Callable[[str, bytes], None]

    def bins(self, url: str, anchor: Anchor, targets: int, snapshot: bytes) -> dict[str, Bin] | None:
        """The bins that a verified snapshot names, by role; None if they are not known."""
        packed = self.load(_name(url))
        if packed is None:
            return None
        try:
            about, entries = orjson.loads(_unpacked(packed))
            if about != _about(anchor, targets, snapshot):
                return None
            found = {name: Bin(version, instant_of(expires), held) for name, version, expires, held in entries}
        except (ValueError, TypeError, zstd.ZstdError):
            return None
        return found if list(found) == list(anchor.bins(targets).get_roles()) else None

    def keep_bins(self, url: str, anchor: Anchor, targets: int, snapshot: bytes, bins: Mapping[str, Bin]) -> None:
        """Remember the bins that a snapshot names; those of an earlier one in the same store are forgotten."""
        names = anchor.bins(targets).get_roles()
        entries = [(name, bins[name].version, bins[name].expires.strftime(_TIME), bins[name].targets) for name in names]
        data = orjson.dumps([_about(anchor, targets, snapshot), entries])
        self.keep(_name(url), zstd.compress(data, _LEVEL))


def _name(url: str) -> str:
    return f"released bins of {url}"


def _about(anchor: Anchor, targets: int, snapshot: bytes) -> list[str]:
    return [sha256_hex(snapshot), sha256_hex(anchor.delegations[targets].data)]


def _unpacked(data: bytes) -> bytes:
    reader = zstd.ZstdDecompressor()
    found = reader.decompress(data, MAX_REMEMBERED_BYTES)
    if not reader.eof:
        raise ValueError("cut short, or too large")
    return found
