"""What was verified before, remembered by the snapshot that names it, in entries that only we can have sealed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import orjson
from backports import zstd

from avtech_controller.trust._anchor import Anchor
from avtech_controller.trust._bins import Bin, instant_of
from avtech_schema.canonical import sha256_hex

MAX_REMEMBERED_BYTES = 1 << 30
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_LEVEL = 1


class Known(NamedTuple):
    """The bins that a snapshot names, by role, and the screens in them as whoever kept this spells them."""

    bins: Mapping[str, Bin]
    screens: bytes


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is known of stores from earlier runs. `load` gives what `keep_entry` was given under a name, unaltered, or None.

    An entry says what the bins of one snapshot are, to its very bytes, with one version of the targets metadata. Neither ever
    comes to mean something else: an entry that is old or of another store is not of the snapshot that is asked about.
    """

    load: Callable[[str], bytes | None]
    keep_entry: Callable[[str, bytes], None]

    def released(self, url: str, anchor: Anchor, targets: int, snapshot: bytes) -> Known | None:
        """What a verified snapshot names; None if that is not known."""
        packed = self.load(_name(url))
        if packed is None:
            return None
        try:
            head, _, body = _unpacked(packed).partition(b"\n")
            about, entries = orjson.loads(head)
            if about != _about(anchor, targets, snapshot):
                return None
            found, start = {}, 0
            for name, version, expires, size in entries:
                found[name] = Bin(version, instant_of(expires), body[start : start + size])
                start += size
            if start > len(body):
                return None
        except (ValueError, TypeError, zstd.ZstdError):
            return None
        return Known(found, body[start:]) if list(found) == list(anchor.bins(targets).get_roles()) else None

    def keep(self, url: str, anchor: Anchor, targets: int, snapshot: bytes, known: Known) -> None:
        """Remember what a snapshot names; what an earlier one in the same store did is forgotten."""
        bins = [(name, known.bins[name]) for name in anchor.bins(targets).get_roles()]
        entries = [(name, one.version, one.expires.strftime(_TIME), len(one.spelt)) for name, one in bins]
        head = orjson.dumps([_about(anchor, targets, snapshot), entries])
        data = b"".join([head, b"\n", *(one.spelt for _, one in bins), known.screens])
        self.keep_entry(_name(url), zstd.compress(data, _LEVEL))


def _name(url: str) -> str:
    return f"released screens of {url}"


def _about(anchor: Anchor, targets: int, snapshot: bytes) -> list[str]:
    return [sha256_hex(snapshot), sha256_hex(anchor.delegations[targets].data)]


def _unpacked(data: bytes) -> bytes:
    reader = zstd.ZstdDecompressor()
    found = reader.decompress(data, MAX_REMEMBERED_BYTES)
    if not reader.eof:
        raise ValueError("cut short, or too large")
    return found
