"""The spool and the journal: crashes, damage, full disks and lost answers neither lose nor double a record."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from avtech_player.durable import DiskError
from avtech_player.logs import screen_log
from avtech_player.plays import Journal, Spool
from avtech_player.plays._journal import MAX_HELD
from avtech_player.store import NotModified, Store, Stored, StoreError, open_store
from avtech_schema.identifiers import CommitId, DurationMs, Sha256, VideoId
from avtech_schema.layout import plays_prefix
from avtech_schema.plays import Numbered, Played, PlayResult, PlaySegment, chain_gaps, open_segment
from avtech_schema.report import ReleaseRef
from tests.player.repository import ACME, LOBBY

SIGNER = CryptoSigner(Ed25519PrivateKey.generate())
KEY = SIGNER.public_key
PLAY = Played(
    clip=VideoId("VID-A"),
    sha256=Sha256("c" * 64),
    rule=None,
    release=ReleaseRef(3, CommitId("a" * 40), Sha256("b" * 64)),
    start="2026-11-24T10:00:00.000Z",
    end="2026-11-24T10:00:05.000Z",
    played=DurationMs(5000),
    result=PlayResult.COMPLETE,
    reason="",
    clock_trusted=True,
)


def play(number: int, *, day: str = "2026-11-24") -> Played:
    return replace(PLAY, end=f"{day}T10:00:05.000Z", reason=str(number))


def spool(folder: Path, *, max_bytes: int = 10_000_000) -> Spool:
    return Spool(folder / "plays", ACME, LOBBY, SIGNER, max_bytes=max_bytes)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return open_store(f"file://{tmp_path}/store", {})


def stored(tmp_path: Path) -> list[PlaySegment]:
    """The segments in the store, by their names, each verified."""
    paths = sorted((tmp_path / "store" / plays_prefix(ACME, LOBBY)).glob("date=*/*.jsonl.zst"), key=lambda path: path.name)
    return [open_segment(path.read_bytes(), [KEY]) for path in paths]


def told(segments: list[PlaySegment]) -> list[str]:
    return [entry.record.reason for segment in segments for entry in segment.records]


def drain(spool: Spool, store: Store) -> None:
    spool.seal()
    while (segment := spool.pending()) is not None:
        store.create(segment.key, segment.data)
        spool.uploaded(segment.number)


def test_what_was_appended_survives_any_number_of_restarts_and_is_uploaded_in_order(tmp_path: Path, store: Store) -> None:
    for number in range(6):
        spool(tmp_path).append([play(2 * number), play(2 * number + 1)])
        if number % 2:
            drain(spool(tmp_path), store)
    segments = stored(tmp_path)
    assert told(segments) == [str(number) for number in range(12)]
    assert [segment.statement.number for segment in segments] == [1, 2, 3]
    assert chain_gaps(segment.statement for segment in segments) == []


def test_days_do_not_share_a_segment_even_when_the_clock_goes_back(tmp_path: Path, store: Store) -> None:
    days = ["2026-11-24", "2026-11-24", "2026-11-25", "2026-11-24"]
    one = spool(tmp_path)
    one.append([play(number, day=day) for number, day in enumerate(days)])
    drain(one, store)
    assert [(segment.statement.date, segment.statement.records) for segment in stored(tmp_path)] == [
        ("2026-11-24", 2),
        ("2026-11-25", 1),
        ("2026-11-24", 1),
    ]


def test_a_torn_tail_is_dropped_and_what_follows_it_is_whole(tmp_path: Path, store: Store) -> None:
    spool(tmp_path).append([play(0), play(1)])
    log = tmp_path / "plays" / "open.log"
    log.write_bytes(log.read_bytes()[:-40])
    spool(tmp_path).append([play(2)])
    drain(spool(tmp_path), store)
    assert told(stored(tmp_path)) == ["0", "2"]


def test_a_line_that_damage_changed_is_left_out_and_counted(tmp_path: Path, store: Store) -> None:
    spool(tmp_path).append([play(0), play(1), play(2)])
    log = tmp_path / "plays" / "open.log"
    log.write_bytes(log.read_bytes().replace(b'"reason":"1"', b'"reason":"7"'))
    one = spool(tmp_path)
    drain(one, store)
    (segment,) = stored(tmp_path)
    assert told([segment]) == ["0", "2"]
    assert one.stats().dropped == segment.statement.dropped == 1
    assert chain_gaps([segment.statement]) != []


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_every_cut_of_the_log_leaves_a_prefix_and_later_records(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    spool(folder).append([play(number) for number in range(5)])
    log = folder / "plays" / "open.log"
    whole = log.read_bytes()
    log.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    one = spool(folder)
    one.append([play(9)])
    one.seal()
    segment = one.pending()
    assert segment is not None
    reasons = told([open_segment(segment.data, [KEY])])
    assert reasons[-1] == "9"
    assert reasons[:-1] == [str(number) for number in range(len(reasons) - 1)]


def crashes(folder: Path) -> Iterator[Callable[[], None]]:
    """Every moment of sealing at which a crash may come, as what then lies on the disk."""
    before = folder.with_name("before")
    shutil.copytree(folder / "plays", before)
    one = spool(folder)
    one.seal()
    after = folder.with_name("after")
    shutil.copytree(folder / "plays", after)

    def lie(*, index: Path, log: Path, segments: Path) -> None:
        shutil.rmtree(folder / "plays")
        shutil.copytree(segments, folder / "plays")
        shutil.copy(index / "spool.json", folder / "plays" / "spool.json")
        shutil.copy(log / "open.log", folder / "plays" / "open.log")

    yield lambda: lie(index=before, log=before, segments=before)
    yield lambda: lie(index=before, log=before, segments=after)
    yield lambda: lie(index=after, log=before, segments=after)
    yield lambda: lie(index=after, log=after, segments=after)


@pytest.mark.parametrize("moment", range(4))
def test_a_crash_while_sealing_neither_loses_nor_doubles_a_record(tmp_path: Path, store: Store, moment: int) -> None:
    folder = tmp_path / "device"
    folder.mkdir()
    spool(folder).append([play(0), play(1)])
    list(crashes(folder))[moment]()
    one = spool(folder)
    one.append([play(2)])
    drain(one, store)
    segments = stored(tmp_path)
    assert told(segments) == ["0", "1", "2"]
    assert chain_gaps(segment.statement for segment in segments) == []


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"nonsense", b"x" * 10_000])
def test_a_lost_index_is_put_together_from_the_segments(tmp_path: Path, store: Store, damage: bytes | None) -> None:
    one = spool(tmp_path)
    one.append([play(0)])
    drain(one, store)
    one.append([play(1)])
    index = tmp_path / "plays" / "spool.json"
    index.unlink() if damage is None else index.write_bytes(damage)
    asyncio.run(journal(tmp_path, store).upload())
    segments = stored(tmp_path)
    assert told(segments) == ["0", "1"]
    assert chain_gaps(segment.statement for segment in segments) == []


def journal(folder: Path, store: Store) -> Journal:
    return Journal(lambda: spool(folder), store, screen_log("test", LOBBY))


class Unlucky:
    """A real store whose answers get lost, before or after the write."""

    def __init__(self, store: Store, *, after: bool) -> None:
        self.url, self._store, self._after, self.left = store.url, store, after, 2
        self.tally = store.tally

    def create(self, key: str, data: bytes) -> bool:
        if self.left:
            self.left -= 1
            if self._after:
                self._store.create(key, data)
            raise StoreError("the answer was lost")
        return self._store.create(key, data)

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        return self._store.read(key, limit=limit, if_none_match=if_none_match)

    def write(self, key: str, data: bytes) -> None:
        self._store.write(key, data)

    def stream(self, key: str, *, offset: int, size: int | None = None) -> Iterator[bytes]:
        return self._store.stream(key, offset=offset, size=size)

    def reject(self, key: str) -> None:
        self._store.reject(key)


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_uploads_exactly_once(tmp_path: Path, store: Store, after: bool) -> None:
    one = journal(tmp_path, Unlucky(store, after=after))
    for number in range(3):
        one.note(play(number))
    for _ in range(2):
        with pytest.raises(StoreError):
            asyncio.run(one.upload())
        one.note(play(9))
    asyncio.run(one.upload())
    segments = stored(tmp_path)
    assert told(segments) == ["0", "1", "2", "9", "9"]
    assert one.stats.waiting_segments == 0
    assert chain_gaps(segment.statement for segment in segments) == []


def test_a_copied_card_begins_a_chain_of_its_own(tmp_path: Path, store: Store) -> None:
    spool(tmp_path).append([play(0)])
    (tmp_path / "copy").mkdir()
    shutil.copytree(tmp_path / "plays", tmp_path / "copy" / "plays")
    for folder, number in ((tmp_path, 1), (tmp_path / "copy", 2)):
        one = journal(folder, store)
        one.note(play(number))
        asyncio.run(one.upload())
    segments = stored(tmp_path)
    assert sorted(told(segments)) == ["0", "0", "1", "2"]
    assert len({segment.statement.chain for segment in segments}) == 2
    assert chain_gaps(segment.statement for segment in segments) == []


def test_the_spool_keeps_to_its_bound_and_drops_what_is_uploaded_first(tmp_path: Path, store: Store) -> None:
    one = spool(tmp_path, max_bytes=3000)
    number = 0
    for _ in range(3):
        one.append([play(number)])
        drain(one, store)
        number += 1
    assert one.stats().dropped == 0
    while one.stats().dropped == 0:
        one.append([play(number)])
        one.seal()
        assert one.stats().bytes <= 3000
        number += 1
    first = one.pending()
    assert first is not None
    # Only the oldest that waited are lost: one, or two when the last segment was a few bytes larger.
    assert one.stats().dropped in (1, 2)
    assert told([open_segment(first.data, [KEY])]) == [str(3 + one.stats().dropped)]
    one.append([play(number)])
    drain(one, store)
    segments = stored(tmp_path)
    assert segments[-1].statement.dropped >= 1
    assert "the segments 4 to" in chain_gaps(segment.statement for segment in segments)[0]


class Refusing(Spool):
    """A real spool on a disk that refuses for a while."""

    refuses = True

    def append(self, records: object) -> None:
        if self.refuses:
            raise DiskError("No space left on device")
        super().append(records)  # type: ignore[arg-type]


def test_while_the_disk_refuses_records_are_held_and_the_oldest_are_lost_and_counted(tmp_path: Path, store: Store) -> None:
    refusing = Refusing(tmp_path / "plays", ACME, LOBBY, SIGNER, max_bytes=10_000_000)
    one = Journal(lambda: refusing, store, screen_log("test", LOBBY))
    for number in range(MAX_HELD + 3):
        one.note(play(number))
    asyncio.run(one.close())
    refusing.refuses = False
    one.note(play(9999))
    asyncio.run(one.upload())
    segments = stored(tmp_path)
    assert told(segments) == [str(number) for number in range(4, MAX_HELD + 3)] + ["9999"]
    assert one.stats.dropped == 4
    assert all(isinstance(entry, Numbered) for segment in segments for entry in segment.records)


def test_records_are_on_the_disk_soon_and_a_stop_writes_the_rest(tmp_path: Path, store: Store) -> None:
    async def live() -> None:
        one = journal(tmp_path, store)
        running = asyncio.create_task(one.run())
        one.note(play(0))
        async with asyncio.timeout(10):
            while one.stats.open_records == 0:
                await asyncio.sleep(0.005)
        one.note(play(1))
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        one.note(play(2))
        await one.close()

    asyncio.run(live())
    drain(spool(tmp_path), store)
    assert told(stored(tmp_path)) == ["0", "1", "2"]
