"""The open end of the spool: one checked line a record, flushed before it counts, torn and damaged lines skipped."""

import zlib
from collections.abc import Iterable
from pathlib import Path

from avtech_player.durable import Appender, TooLargeError, read_bounded, replace_atomically
from avtech_schema.fields import FieldsError
from avtech_schema.plays import Numbered, parse_record

MAX_LOG_BYTES = 16_000_000
_CHECK = 9


def read_log(path: Path) -> list[Numbered]:
    """The records that are whole, by rising number, each once; what a crash tore off or damage changed is left out.

    Raises:
        DiskError: the disk cannot be read.
    """
    try:
        data = read_bounded(path, limit=MAX_LOG_BYTES) or b""
    except TooLargeError:
        data = b""
    found: dict[int, Numbered] = {}
    for line in data.splitlines():
        if (record := _checked(line)) is not None:
            found[record.number] = record
    return [found[number] for number in sorted(found)]


def append_log(path: Path, records: Iterable[Numbered]) -> int:
    """Append records and flush them; the line feed before them ends whatever a crash left open. Returns the bytes.

    Raises:
        DiskError: the disk refused; some of them may be there, and may be appended again.
    """
    data = b"\n" + b"".join(_line(record) for record in records)
    with Appender(path) as file:
        file.write(data)
        file.flush()
    return len(data)


def replace_log(path: Path, records: Iterable[Numbered]) -> int:
    """Begin the log anew with some records; returns its bytes.

    Raises:
        DiskError: the disk refused; the log is as it was.
    """
    data = b"".join(_line(record) for record in records)
    replace_atomically(path, data, ours=True)
    return len(data)


def _line(record: Numbered) -> bytes:
    body = record.line()
    return f"{zlib.crc32(body[:-1]):08x} ".encode() + body


def _checked(line: bytes) -> Numbered | None:
    body = line[_CHECK:]
    if f"{zlib.crc32(body):08x} ".encode() != line[:_CHECK]:
        return None
    try:
        return parse_record(body)
    except FieldsError:
        return None
