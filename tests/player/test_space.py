"""Space: what is removed and in which order, what never is, and refusals with their numbers."""

import asyncio
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from avtech_player.generations import Library
from avtech_player.logs import screen_log
from avtech_player.outcome import OutcomeKind
from avtech_player.plays import Journal
from avtech_player.reports import Reporter
from avtech_player.space import Idle, Limits, NoSpaceError, Room, choose_removals
from avtech_player.store import open_store
from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import open_sealed
from avtech_schema.identifiers import ByteSize
from avtech_schema.layout import report_key
from avtech_schema.report import PAYLOAD_TYPE, SyncState, parse_report
from tests.player.lifetime import KEY, open_spool
from tests.player.repository import ACME, LOBBY, Repository, asset_of, manifest_of
from tests.player.rig import Rig

IDLE = st.lists(st.builds(Idle, st.text(max_size=3), st.integers(0, 1000), st.floats(0, 100)), max_size=8)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000), st.none() | st.integers(0, 3000), IDLE)
def test_either_it_fits_by_as_little_as_does_or_nothing_is_removed(
    needed: int, free: int, content: int, most: int | None, idle: list[Idle]
) -> None:
    limits = Limits(ByteSize(100), None if most is None else ByteSize(most))
    everything = sum(file.size for file in idle)
    after_all = Room(free + everything, content - everything)
    if needed > max(0, after_all.for_more(limits)):
        with pytest.raises(NoSpaceError, match=str(needed)):
            choose_removals(needed, Room(free, content), limits, idle)
        return
    chosen = choose_removals(needed, Room(free, content), limits, idle)
    assert chosen == idle[: len(chosen)]
    freed = sum(file.size for file in chosen)
    assert needed == 0 or needed <= Room(free + freed, content - freed).for_more(limits)
    if chosen:
        less = freed - chosen[-1].size
        assert needed > Room(free + less, content - less).for_more(limits)


def test_a_refusal_says_every_number() -> None:
    limits = Limits(ByteSize(50), ByteSize(300))
    with pytest.raises(NoSpaceError) as told:
        choose_removals(200, Room(1000, 250), limits, [Idle("a", 30, 0)])
    assert str(told.value) == (
        "the release needs 200 bytes more on the disk: 1000 are free, of which 50 must stay free, and 30 could be freed;"
        " clips take 250 bytes and may take 300"
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


def rig(repository: Repository, limits: Limits) -> Rig:
    made = Rig(repository.path.parent / "state", repository.url, repository.root_bytes, limits=limits)
    made.start()
    return made


def release(repository: Repository, rig: Rig, **clips: bytes) -> OutcomeKind:
    repository.publish(manifest_of({f"VID-{name}": repository.put_clip(data) for name, data in clips.items()}))
    return rig.step().kind


def lies(repository: Repository, data: bytes) -> bool:
    return (repository.path.parent / "state" / "assets" / asset_of(data).sha256).exists()


def test_clips_keep_to_max_bytes_and_those_of_the_release_before_go_last(repository: Repository) -> None:
    one = rig(repository, Limits(ByteSize(0), ByteSize(1000)))
    assert release(repository, one, A=b"a" * 300) is OutcomeKind.APPLIED
    assert release(repository, one, B=b"b" * 300) is OutcomeKind.APPLIED
    assert release(repository, one, C=b"c" * 300) is OutcomeKind.APPLIED
    assert lies(repository, b"a" * 300)
    assert release(repository, one, D=b"d" * 300) is OutcomeKind.APPLIED
    assert (lies(repository, b"a" * 300), lies(repository, b"b" * 300)) == (False, True)
    assert release(repository, one, E=b"e" * 700) is OutcomeKind.APPLIED
    assert not any(lies(repository, data) for data in (b"b" * 300, b"c" * 300))
    assert lies(repository, b"d" * 300), "it was the good one until now"
    assert release(repository, one, F=b"f" * 301) is OutcomeKind.FAILED
    assert "clips take 1000 bytes and may take 1000" in (one.updater.last_error or "")
    assert lies(repository, b"d" * 300)
    assert one.state.quarantine == ()
    assert release(repository, one, G=b"g" * 300) is OutcomeKind.APPLIED
    assert not lies(repository, b"d" * 300)
    rig(repository, Limits())
    assert one.stage.showing is not None


def test_what_a_kept_release_needs_counts_as_used_until_it_does_not(tmp_path: Path, repository: Repository) -> None:
    one = rig(repository, Limits(retention=timedelta(days=10)))
    release(repository, one, A=b"old")
    long_ago = (datetime.now(UTC) - timedelta(days=300)).timestamp()
    path = tmp_path / "state" / "assets" / asset_of(b"old").sha256
    os.utime(path, (long_ago, long_ago))
    for number in range(3):
        release(repository, one, B=b"new" + bytes([number]))
    assert lies(repository, b"old"), "it was needed until a moment ago"
    release(repository, one, B=b"last")
    library = Library(tmp_path / "state")
    keep = [one.state.good.digest] if one.state.good else []
    soon = datetime.now(UTC) + timedelta(days=9)
    assert library.remove_idle(keep, unused_since=soon - timedelta(days=10)) == []
    told = library.remove_idle(keep, unused_since=soon + timedelta(days=2), only_tell=True)
    assert asset_of(b"old").sha256 in {idle.name for idle in told}
    assert lies(repository, b"old")
    assert library.remove_idle(keep, unused_since=soon + timedelta(days=2)) == told
    assert not lies(repository, b"old")
    assert lies(repository, b"last")


def test_a_fetch_on_a_disk_below_its_reserve_is_refused_unless_it_needs_nothing(tmp_path: Path, repository: Repository) -> None:
    library = Library(tmp_path / "state", free=lambda _: 5)
    manifest = manifest_of({"VID-A": repository.put_clip(b"x")})
    store = open_store(repository.url, {})
    with pytest.raises(NoSpaceError, match=r"needs 1 bytes more on the disk: 5 are free, of which 16000000 must stay free"):
        library.fetch(manifest, store, keep=[], stop=threading.Event())
    (tmp_path / "state" / "assets" / asset_of(b"x").sha256).write_bytes(b"x")
    library.fetch(manifest, store, keep=[], stop=threading.Event())
    assert manifest.screen == LOBBY


def test_below_the_reserve_the_report_that_is_signed_and_stored_has_the_numbers(repository: Repository) -> None:
    room = [100_000_000]
    one = Rig(repository.path.parent / "state", repository.url, repository.root_bytes, free=lambda _: room[0])
    one.start()
    assert release(repository, one, A=b"plays") is OutcomeKind.APPLIED
    good = one.state.good
    room[0] = 15_999_999
    assert release(repository, one, A=b"n" * 450) is OutcomeKind.FAILED
    journal = Journal(lambda: open_spool(one.directory), one.store, screen_log("plays", LOBBY))
    reporter = Reporter(one.directory, ACME, LOBBY, lambda: KEY, one.store, one.library, one.clock, "1.0", journal)
    asyncio.run(reporter.report(one.updater, one.stage))
    sealed = (repository.path / report_key(ACME, LOBBY)).read_bytes()
    report = parse_report(open_sealed(sealed, PAYLOAD_TYPE, [CryptoSigner(KEY).public_key]))
    assert (report.state, report.applied) == (SyncState.ERROR, good)
    assert report.last_error == (
        "the release needs 450 bytes more on the disk: "
        "15999999 are free, of which 16000000 must stay free, and 0 could be freed"
    )
    assert report.storage.content == len(b"plays")
    assert not (one.directory / "assets" / sha256_hex(b"n" * 450)).exists()
