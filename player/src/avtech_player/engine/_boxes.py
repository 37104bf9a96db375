"""A strict look at a clip's container: the only two kinds that clips may have, and whether an MP4's boxes are whole."""

import os
from pathlib import Path
from typing import BinaryIO

MP4_FORMAT = "mov"
MATROSKA_FORMAT = "matroska"

_EBML = b"\x1a\x45\xdf\xa3"
_MAX_BOXES = 10_000


def container_format(path: Path) -> str:
    """The demuxer for a file, by its first bytes: `mov`, `matroska`, or nothing when clips may not be of its kind.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return MP4_FORMAT
    return MATROSKA_FORMAT if head[:4] == _EBML else ""


def container_fault(path: Path) -> str:
    """What is wrong with a file's container, or nothing.

    Raises:
        OSError: it cannot be read.
    """
    container = container_format(path)
    if not container:
        return "it is neither an MP4 nor a WebM file"
    if container == MATROSKA_FORMAT:
        return ""
    with path.open("rb") as file:
        return _mp4_fault(file, os.fstat(file.fileno()).st_size)


def _mp4_fault(file: BinaryIO, size: int) -> str:
    """Walk the boxes of the top level: they must fill the file exactly and hold a `moov` and media data."""
    seen: set[bytes] = set()
    offset = 0
    for _ in range(_MAX_BOXES):
        if offset == size:
            missing = [kind.decode() for kind in (b"moov", b"mdat") if kind not in seen]
            return f"it has no {missing[0]} box" if missing else ""
        kind, length = _box(file, offset, size)
        if length < 8 or offset + length > size:
            return f"it is cut short or damaged at byte {offset} of {size}"
        if kind != b"mdat" or length > 16:
            seen.add(kind)
        offset += length
    return f"it has more than {_MAX_BOXES} boxes"


def _box(file: BinaryIO, offset: int, size: int) -> tuple[bytes, int]:
    """The kind and length of the box at an offset; length 0 when the file ends within its header."""
    file.seek(offset)
    head = file.read(16)
    if len(head) < 8:
        return b"", 0
    length, kind = int.from_bytes(head[:4]), head[4:8]
    if length == 0:
        return kind, size - offset
    if length == 1:
        return kind, int.from_bytes(head[8:16]) if len(head) == 16 else 0
    return kind, length
