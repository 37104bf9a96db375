"""The spool: records are appended and flushed, sealed into signed segments, kept until uploaded, bounded in size."""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from securesystemslib.signer import Key, Signer

from avtech_player.durable import (
    DiskError,
    TooLargeError,
    make_directory,
    read_bounded,
    remove,
    remove_leftovers,
    replace_atomically,
    set_aside,
)
from avtech_player.plays._index import Index, load_index, save_index
from avtech_player.plays._log import append_log, read_log, replace_log
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ClientId, ScreenId
from avtech_schema.layout import plays_key
from avtech_schema.plays import MAX_STORED_BYTES, Numbered, PlaySegment, Record, open_segment, seal_segment

SEGMENT_BYTES = 256_000
"""The open log is sealed when it is larger."""
_MAX_OPEN_BYTES = 8_000_000
_SEGMENT = re.compile(r"([0-9a-f]{16})-([0-9]{8,})\.jsonl\.zst")


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment that the store does not hold yet: its number, its key and its bytes."""

    number: int
    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SpoolStats:
    """What the spool holds: records not sealed, segments not uploaded, bytes on the disk; `dropped` records are lost."""

    open_records: int
    waiting_segments: int
    bytes: int
    dropped: int


def new_chain() -> str:
    """A name for a chain that no other device and no other life of this one has."""
    return secrets.token_hex(8)


class Spool:
    """One device's proof of play. Blocking, and not for two threads at once.

    `directory` is the spool's own. Raises DiskError when the disk refuses what the spool cannot do without.
    """

    def __init__(
        self,
        directory: Path,
        client: ClientId,
        screen: ScreenId,
        signer: Signer,
        *,
        max_bytes: int,
        name_chain: Callable[[], str] = new_chain,
    ) -> None:
        self._directory = directory
        self._client = client
        self._screen = screen
        self._signer = signer
        self._keys: list[Key] = [signer.public_key]
        self._max_bytes = max_bytes
        self._name_chain = name_chain
        self._log = directory / "open.log"
        self._index_path = directory / "spool.json"
        make_directory(directory, ours=True)
        remove_leftovers(directory)
        self._index = self._recovered()
        if (found := self._unsealed()) is None:
            self.lost(1)  # Nobody knows how many it held.
        records = found or []
        self._open = len(records)
        self._open_bytes = _size(self._log)
        self._date = records[-1].record.time[:10] if records else ""
        self._next = records[-1].number + 1 if records else self._index.last + 1

    def append(self, records: Sequence[Record]) -> None:
        """Write records down, flushed; a segment is sealed first when a new day (UTC) begins, or when it is large.

        Raises:
            DiskError: the disk refused; the records may be appended again, and are not there twice.
        """
        while records:
            date = records[0].time[:10]
            if self._open and (date != self._date or self._open_bytes > SEGMENT_BYTES):
                self._try_seal()
            together = next((place for place, record in enumerate(records) if record.time[:10] != date), len(records))
            numbered = [Numbered(self._next + place, record) for place, record in enumerate(records[:together])]
            self._open_bytes += self._append(numbered)
            self._open += len(numbered)
            self._next += len(numbered)
            self._date = date
            records = records[together:]

    def seal(self) -> None:
        """Make a segment of the open records, if there are any.

        Raises:
            DiskError: the disk refused; nothing is lost.
        """
        records = self._unsealed() or []
        self.lost(self._next - 1 - self._index.last - len(records))  # Lines that damage on the disk took.
        for group in _by_date(records):
            self._seal(group)
        self._open_bytes = replace_log(self._log, ())
        self._open = 0
        self._bound()

    def pending(self) -> Segment | None:
        """The oldest segment that the store does not hold yet.

        Raises:
            DiskError: the disk cannot be read.
        """
        for number, path in self._segments():
            if number <= self._index.uploaded:
                continue
            if (segment := self._read(path)) is None:
                set_aside(path, self._directory / "segment.damaged")  # The chain shows the gap.
                continue
            statement, data = segment[0].statement, segment[1]
            key = plays_key(self._client, self._screen, date=statement.date, chain=statement.chain, number=statement.number)
            return Segment(number, key, data)
        return None

    def uploaded(self, number: int) -> None:
        """The store holds a segment. It stays here too, until its space is needed.

        Raises:
            DiskError: the disk refused; it is noted until the next start, which asks the store again.
        """
        self._index = replace(self._index, uploaded=max(number, self._index.uploaded))
        save_index(self._index_path, self._index)

    def fork(self) -> None:
        """Go on in a new chain, because the store holds other segments of this one: this device's card was copied.

        Raises:
            DiskError: the disk refused; the old chain stands.
        """
        old = list(self._segments())
        waiting = [self._read(path) for number, path in old if number > self._index.uploaded]
        before = self._index
        self._index = Index(self._name_chain(), last=before.last)
        try:
            for segment in waiting:
                if segment is not None:
                    self._write(segment[0].records)
            save_index(self._index_path, self._index)
        except DiskError:
            self._index = before
            raise
        for _, path in old:
            remove(path)

    def stats(self) -> SpoolStats:
        """What the spool holds now."""
        segments = list(self._segments())
        waiting = sum(number > self._index.uploaded for number, _ in segments)
        size = self._open_bytes + sum(_size(path) for _, path in segments)
        return SpoolStats(self._open, waiting, size, self._index.dropped)

    def lost(self, records: int) -> None:
        """Count records that never reached the disk."""
        self._index = replace(self._index, dropped=self._index.dropped + records)

    def _append(self, records: Sequence[Numbered]) -> int:
        """Append to the log; on a full disk, uploaded segments make room once."""
        try:
            return append_log(self._log, records)
        except DiskError:
            spare = [path for number, path in self._segments() if number <= self._index.uploaded]
            if not spare:
                raise
            for path in spare:
                remove(path)
            return append_log(self._log, records)

    def _try_seal(self) -> None:
        """Seal, unless the disk refuses: the log takes more, up to a limit."""
        try:
            self.seal()
        except DiskError:
            if self._open_bytes > _MAX_OPEN_BYTES:
                raise

    def _seal(self, records: Sequence[Numbered]) -> None:
        self._write(records)
        save_index(self._index_path, self._index)

    def _write(self, records: Sequence[Numbered]) -> None:
        """Write a segment, and have the index follow it in memory."""
        index = self._index
        statement, data = seal_segment(
            records,
            self._signer,
            client=self._client,
            screen=self._screen,
            chain=index.chain,
            number=index.sealed + 1,
            previous=index.previous,
            dropped=index.dropped,
        )
        replace_atomically(self._path(statement.number), data, ours=True)
        self._index = index.after(statement)

    def _bound(self) -> None:
        """Remove the oldest segments until the spool fits its bound: those that are uploaded come first."""
        segments = list(self._segments())
        total = self._open_bytes + sum(_size(path) for _, path in segments)
        for number, path in segments:
            if total <= self._max_bytes:
                return
            total -= _size(path)
            if number > self._index.uploaded:
                segment = self._read(path)
                self.lost(segment[0].statement.records if segment else 0)
                self._index = replace(self._index, uploaded=number)
                save_index(self._index_path, self._index)
            remove(path)

    def _unsealed(self) -> list[Numbered] | None:
        """The records that no segment has yet; None when the disk does not give the log back, which is set aside then."""
        try:
            return [record for record in read_log(self._log) if record.number > self._index.last]
        except DiskError:
            set_aside(self._log, self._log.with_suffix(".damaged"))
            return None

    def _recovered(self) -> Index:
        """The index as it stands, or put together from the segments after a crash or damage."""
        try:
            index = load_index(self._index_path)
        except DiskError:
            index = None
        if index is None:
            index = self._from_segments() or Index(self._name_chain())
            save_index(self._index_path, index)
        for path in self._directory.glob("*.jsonl.zst"):
            if not path.name.startswith(f"{index.chain}-"):
                remove(path)  # Left by a change of chains that a crash cut short; the other chain has its records.
        following = self._directory / _name(index.chain, index.sealed + 1)
        if following.exists():  # A crash came between the segment and the index.
            segment = self._read(following)
            if segment is not None and segment[0].statement.previous == index.previous:
                index = index.after(segment[0].statement)
                save_index(self._index_path, index)
            else:
                remove(following)
        return index

    def _from_segments(self) -> Index | None:
        """The index was lost: the newest segment that can be read says where its chain ends."""
        paths = sorted(self._directory.glob("*.jsonl.zst"), key=_modified, reverse=True)
        for path in paths:
            if (segment := self._read(path)) is not None:
                statement = segment[0].statement
                return replace(Index(statement.chain).after(statement), dropped=statement.dropped)
        return None

    def _segments(self) -> Iterator[tuple[int, Path]]:
        """This chain's segments on the disk, the oldest first."""
        found = ((match, path) for path in self._directory.iterdir() if (match := _SEGMENT.fullmatch(path.name)))
        yield from sorted((int(match[2]), path) for match, path in found if match[1] == self._index.chain)

    def _read(self, path: Path) -> tuple[PlaySegment, bytes] | None:
        try:
            data = read_bounded(path, limit=MAX_STORED_BYTES)
            return None if data is None else (open_segment(data, self._keys), data)
        except (TooLargeError, TrustError, DiskError):
            return None

    def _path(self, number: int) -> Path:
        return self._directory / _name(self._index.chain, number)


def _name(chain: str, number: int) -> str:
    return f"{chain}-{number:08d}.jsonl.zst"


def _by_date(records: Sequence[Numbered]) -> Iterator[list[Numbered]]:
    """Records in runs of one day (UTC), as a clock that was set may mix them."""
    run: list[Numbered] = []
    for record in records:
        if run and record.record.time[:10] != run[0].record.time[:10]:
            yield run
            run = []
        run.append(record)
    if run:
        yield run


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
