"""From the store to the screen: what plays after each release, good or bad, and after each restart."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.outcome import OutcomeKind
from avtech_player.ports import Generation, TrialResult
from avtech_player.space import Limits
from avtech_player.state import Phase, trial_begins
from avtech_player.statefile import save_state
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, VideoId
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.repository import OTHER, Repository, manifest_of
from tests.player.rig import RecordingStage, Rig


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def rig(repository: Repository) -> Rig:
    return started(repository)


def started(repository: Repository, stage: RecordingStage | None = None) -> Rig:
    """A player's process starts, on the directory beside the store."""
    rig = Rig(repository.path.parent / "state", repository.url, repository.root_bytes, stage=stage)
    rig.start()
    return rig


def release(repository: Repository, *clips: bytes, retry: bool = False) -> ReleaseRef:
    assets = {f"VID-{number}": repository.put_clip(clip) for number, clip in enumerate(clips)}
    return repository.publish(manifest_of(assets), retry=retry)


def shows(rig: Rig) -> str | None:
    return rig.stage.showing.ref.digest if rig.stage.showing else None


def bad(generation: Generation) -> TrialResult:
    return TrialResult(good=False, reason="VID-0 does not decode")


def test_a_release_is_fetched_tried_and_played(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one", b"two")
    outcome = rig.step()
    assert (outcome.kind, outcome.ref, outcome.error) == (OutcomeKind.APPLIED, ref, None)
    assert (rig.state.phase, rig.state.good) == (Phase.GOOD, ref)
    assert shows(rig) == ref.digest
    assert rig.updater.sync_state is SyncState.SYNCED


def test_a_second_look_finds_nothing_to_do_and_writes_nothing(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    rig.step()
    before = (rig.directory / "state.json").stat()
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert (rig.directory / "state.json").stat() == before
    assert len(rig.stage.trials) == 1


def test_a_restart_plays_at_once_without_the_store(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one")
    rig.step()
    shutil.rmtree(repository.path)
    again = started(repository)
    assert shows(again) == ref.digest
    assert again.step().kind is OutcomeKind.FAILED
    assert shows(again) == ref.digest
    assert again.updater.sync_state is SyncState.ERROR


def test_a_bad_release_is_rolled_back_quarantined_and_not_tried_again(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    rig.stage.verdict = bad
    ref = release(repository, b"broken")
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.REFUSED
    assert (rig.state.phase, rig.state.good) == (Phase.ROLLED_BACK, good)
    assert [(q.digest, q.sequence, q.reason) for q in rig.state.quarantine] == [(ref.digest, 2, "VID-0 does not decode")]
    assert shows(rig) == good.digest
    assert rig.updater.sync_state is SyncState.FAILED
    for player in (rig, started(repository, RecordingStage(bad))):
        assert player.step().kind is OutcomeKind.UNCHANGED
        assert shows(player) == good.digest
    assert rig.stage.trials.count(ref.digest) == 1


def test_a_later_record_has_a_quarantined_release_tried_again(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    rig.step()
    rig.stage.verdict = bad
    release(repository, b"was broken")
    rig.step()
    rig.stage.verdict = lambda _: TrialResult(good=True)
    ref = release(repository, b"was broken", retry=True)
    assert rig.step().kind is OutcomeKind.APPLIED
    assert (rig.state.good, rig.state.quarantine) == (ref, ())


def test_a_revert_after_a_bad_release_is_synced_without_a_trial(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    rig.step()
    rig.stage.verdict = bad
    release(repository, b"broken")
    rig.step()
    ref = release(repository, b"one")
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert rig.state.good == ref
    assert rig.updater.sync_state is SyncState.SYNCED
    assert len(rig.stage.trials) == 2


def test_a_first_release_that_is_bad_leaves_the_slate(rig: Rig, repository: Repository) -> None:
    rig.stage.verdict = bad
    release(repository, b"broken")
    rig.step()
    assert (rig.state.phase, shows(rig)) == (Phase.SAFE, None)
    rig.stage.verdict = lambda _: TrialResult(good=True)
    release(repository, b"mended")
    assert rig.step().kind is OutcomeKind.APPLIED


@pytest.mark.parametrize("trouble", ["raises", "hangs"])
def test_a_trial_that_raises_or_hangs_has_failed(repository: Repository, trouble: str) -> None:
    rig = started(repository)
    good = release(repository, b"one")
    rig.step()

    async def trial(generation: Generation) -> TrialResult:
        if trouble == "raises":
            raise RuntimeError("the engine has a bug")
        await asyncio.sleep(3600)
        return TrialResult(good=True)

    rig.stage.trial = trial  # type: ignore[method-assign]
    rig.updater._trial_seconds = 0.05  # pyright: ignore[reportPrivateUsage]
    release(repository, b"two")
    assert rig.step().kind is OutcomeKind.REFUSED
    assert shows(rig) == good.digest


def test_three_trials_that_kill_the_player_are_a_failure(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    ref = release(repository, b"deadly")

    class Killed(BaseException):
        pass

    def kill(generation: Generation) -> TrialResult:
        raise Killed

    for _ in range(3):
        player = started(repository, RecordingStage(kill))
        assert player.state.good == good
        with pytest.raises(Killed):
            player.step()
    player = started(repository, RecordingStage(kill))
    assert player.state.phase is Phase.ROLLED_BACK
    assert player.state.quarantined(ref) is not None
    assert player.step().kind is OutcomeKind.UNCHANGED
    assert shows(player) == good.digest


def test_a_stop_during_a_trial_is_not_held_against_the_release(repository: Repository) -> None:
    rig = started(repository)
    ref = release(repository, b"one")

    async def stopped() -> None:
        begun = asyncio.Event()

        async def trial(generation: Generation) -> TrialResult:
            begun.set()
            await asyncio.sleep(3600)
            return TrialResult(good=True)

        rig.stage.trial = trial  # type: ignore[method-assign]
        step = asyncio.create_task(rig.updater.step())
        await begun.wait()
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step

    asyncio.run(stopped())
    again = started(repository)
    assert (again.state.phase, again.state.attempts, again.state.candidate) == (Phase.STAGED, 0, ref)
    assert again.step().kind is OutcomeKind.APPLIED


def test_a_staged_release_is_tried_even_without_the_store(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one")
    assert asyncio.run(rig.updater.prepare()).kind is OutcomeKind.STAGED
    assert rig.stage.trials == []
    shutil.rmtree(repository.path)
    again = started(repository)
    outcome = again.step()
    assert (outcome.kind, again.state.good) == (OutcomeKind.APPLIED, ref)
    assert outcome.error is not None


def test_a_staged_release_that_expired_meanwhile_is_not_tried(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    asyncio.run(rig.updater.prepare())
    store = repository.path.rename(repository.path.with_name("away"))
    later = datetime.now(UTC) + timedelta(days=8)
    again = Rig(rig.directory, repository.url, repository.root_bytes, now=lambda: later)
    again.start()
    assert again.step().kind is OutcomeKind.FAILED
    store.rename(repository.path)
    outcome = again.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert "expired" in str(outcome.error)
    assert again.stage.trials == []


def test_a_fetch_that_failed_is_tried_again_and_counted(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one")
    clip = repository.path / repository.put_clip(b"one").key
    clip.rename(clip.with_suffix(".away"))
    assert rig.step().kind is OutcomeKind.FAILED
    assert rig.state.phase is Phase.FETCHING
    assert rig.updater.sync_state is SyncState.ERROR
    assert (rig.state.counters.failures, rig.state.quarantine) == (1, ())
    clip.with_suffix(".away").rename(clip)
    assert rig.step().kind is OutcomeKind.APPLIED
    assert rig.state.good == ref
    assert rig.updater.last_error is None


def test_other_bytes_for_a_clip_or_a_manifest_never_reach_the_screen(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    ref = release(repository, b"two")
    (repository.path / repository.put_clip(b"two").key).write_bytes(b"2wo")
    assert rig.step().kind is OutcomeKind.FAILED
    manifest = next((repository.path / "targets").rglob(f"{ref.digest}.*"))
    shutil.rmtree(rig.directory / "generations" / ref.digest)
    manifest.write_bytes(manifest.read_bytes() + b" ")
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert "is not the manifest" in str(outcome.error)
    assert shows(rig) == good.digest


def test_another_screens_manifest_is_rejected_and_quarantined(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    asset = repository.put_clip(b"theirs")
    theirs = manifest_of({"VID-0": asset}, screen=OTHER)
    repository.publish(manifest_of({"VID-0": asset}), raw=theirs.canonical())
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.REFUSED
    assert "is for SCR-ACME-0002" in str(outcome.error)
    assert (rig.state.phase, shows(rig)) == (Phase.ROLLED_BACK, good.digest)
    assert rig.step().kind is OutcomeKind.UNCHANGED


def test_another_clients_manifest_is_rejected(rig: Rig, repository: Repository) -> None:
    client = ClientId("CLI-OTHER")
    theirs = manifest_of({"VID-0": repository.put_clip(b"theirs", client)}, client=client)
    mine = manifest_of({"VID-0": repository.put_clip(b"theirs")})
    repository.publish(mine, raw=theirs.canonical())
    assert rig.step().kind is OutcomeKind.REFUSED


@pytest.mark.parametrize("raw", [b"{}", b"", b"not json", b"[1]", b'{"apiVersion":"avtech/v9"}'])
def test_a_malformed_manifest_is_rejected_and_quarantined(rig: Rig, repository: Repository, raw: bytes) -> None:
    good = release(repository, b"one")
    rig.step()
    repository.publish(manifest_of({"VID-0": repository.put_clip(b"two")}), raw=raw)
    assert rig.step().kind is OutcomeKind.REFUSED
    assert "the manifest is rejected" in rig.state.quarantine[-1].reason
    assert shows(rig) == good.digest


def test_an_expired_release_stops_updates_and_never_playback(repository: Repository) -> None:
    now = [datetime.now(UTC)]
    directory = repository.path.parent / "state"
    rig = Rig(directory, repository.url, repository.root_bytes, now=lambda: now[0])
    rig.start()
    good = release(repository, b"one")
    rig.step()
    now[0] += timedelta(days=8)
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert "expired" in str(outcome.error)
    assert shows(rig) == good.digest
    repository.now = now[0].replace(microsecond=0)
    release(repository, b"two")
    assert rig.step().kind is OutcomeKind.APPLIED


def test_a_release_that_does_not_fit_is_told_and_not_quarantined(repository: Repository) -> None:
    room = [Limits().min_free + 10]
    rig = Rig(repository.path.parent / "state", repository.url, repository.root_bytes, free=lambda _: room[0])
    rig.start()
    release(repository, b"x" * 100)
    outcome = rig.step()
    assert outcome.kind is OutcomeKind.FAILED
    assert "needs 100 bytes more" in (rig.updater.last_error or "")
    assert rig.state.quarantine == ()
    room[0] += 100
    assert rig.step().kind is OutcomeKind.APPLIED


@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 500, b"x" * 1_000_000])
def test_a_corrupt_state_is_set_aside_and_rebuilt_from_what_is_complete(
    rig: Rig, repository: Repository, damage: bytes
) -> None:
    release(repository, b"one")
    rig.step()
    ref = release(repository, b"two")
    rig.step()
    floor = rig.trust.floor
    (rig.directory / "state.json").write_bytes(damage)
    again = started(repository)
    assert shows(again) == ref.digest
    assert again.state.previous is not None
    assert again.state.rebuilds == 1
    assert again.trust.floor == floor
    assert [path.name for path in (rig.directory / "damaged").iterdir()] == ["state-1.json"]
    assert again.step().kind is OutcomeKind.UNCHANGED
    assert again.updater.sync_state is SyncState.SYNCED


def test_only_the_last_few_corrupt_states_are_kept(rig: Rig, repository: Repository) -> None:
    for _ in range(6):
        (rig.directory / "state.json").write_bytes(b"junk")
        again = started(repository)
    assert again.state.rebuilds == 6
    assert len(list((rig.directory / "damaged").iterdir())) == 3


def test_a_damaged_clip_is_not_shown_and_fetched_again(rig: Rig, repository: Repository) -> None:
    release(repository, b"one", b"two")
    rig.step()
    (rig.directory / "assets" / sha256_hex(b"one")).write_bytes(b"0ne")
    again = started(repository)
    assert again.stage.showing is not None
    assert list(again.stage.showing.files) == ["VID-1"]
    again.step()
    assert len(again.stage.showing.files) == 2


def test_without_any_clip_of_the_good_release_the_previous_one_plays_until_it_is_back(rig: Rig, repository: Repository) -> None:
    first = release(repository, b"one")
    rig.step()
    second = release(repository, b"two")
    rig.step()
    (rig.directory / "assets" / sha256_hex(b"two")).unlink()
    again = started(repository)
    assert shows(again) == first.digest
    assert again.step().kind is OutcomeKind.APPLIED
    assert shows(again) == second.digest


def test_a_clip_that_would_not_play_is_fetched_again_if_the_disk_damaged_it(rig: Rig, repository: Repository) -> None:
    release(repository, b"one", b"two")
    rig.step()
    path = rig.directory / "assets" / sha256_hex(b"one")
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    rig.updater.note_fault("VID-0 does not decode")
    asyncio.run(rig.updater.refetch(VideoId("VID-0")))
    assert path.read_bytes() == b"one"
    assert rig.updater.last_error == "VID-0 does not decode"
    assert rig.updater.sync_state is SyncState.SYNCED


def test_a_repository_that_forgets_this_screen_does_not_stop_it(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    repository.publish(manifest_of({"VID-0": repository.put_clip(b"x")}, screen=OTHER))
    repository.withdraw("CLI-ACME/SCR-ACME-0001.json")
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert shows(rig) == good.digest
    assert rig.updater.sync_state is SyncState.PENDING


@contextmanager
def no_disk(rig: Rig) -> Iterator[None]:
    """Something else stands where the state directory was, as when a card is pulled out; then the directory is back."""
    aside = rig.directory.rename(rig.directory.with_name("aside"))
    rig.directory.write_bytes(b"")
    yield
    rig.directory.unlink()
    aside.rename(rig.directory)


def test_a_disk_that_refuses_the_state_stops_the_update_and_not_playback(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    release(repository, b"two")
    with no_disk(rig):
        outcome = rig.step()
        assert outcome.kind is OutcomeKind.FAILED
        assert rig.state.good == good
        assert shows(rig) == good.digest
    assert rig.step().kind is OutcomeKind.APPLIED


def test_a_disk_that_refuses_is_told_once_and_reports_go_on(rig: Rig, repository: Repository) -> None:
    with no_disk(rig):
        first = asyncio.run(rig.updater.next_report())
        assert rig.updater.changed.is_set()
        rig.updater.changed.clear()
        assert asyncio.run(rig.updater.next_report()) > first
        assert not rig.updater.changed.is_set()
        assert "state.json" in (rig.updater.last_error or "")
    asyncio.run(rig.updater.next_report())
    assert rig.updater.last_error is None


def test_a_release_that_cannot_be_seen_is_neither_good_nor_bad_and_is_tried_again(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    wanted = release(repository, b"two")
    rig.stage.verdict = lambda _: TrialResult(good=False, reason="the display is missing", unseen=True)
    rig.stage.blind = "the display is missing"
    for _ in range(5):
        outcome = rig.step()
        assert (outcome.kind, str(outcome.error)) == (OutcomeKind.FAILED, "the display is missing")
        assert (rig.state.phase, rig.state.attempts, rig.state.quarantine) == (Phase.STAGED, 0, ())
        assert (rig.updater.sync_state, rig.updater.last_error) == (SyncState.ERROR, "the display is missing")
        assert (rig.state.good, shows(rig)) == (good, good.digest)
    rig.stage.verdict, rig.stage.blind = lambda _: TrialResult(good=True), ""
    assert rig.step().kind is OutcomeKind.APPLIED
    assert (rig.state.good, rig.updater.sync_state, rig.updater.last_error) == (wanted, SyncState.SYNCED, None)


def test_a_good_release_on_a_screen_that_shows_nothing_is_not_in_order(rig: Rig, repository: Repository) -> None:
    release(repository, b"one")
    rig.step()
    rig.stage.blind = "mpv is not installed"
    assert (rig.updater.sync_state, rig.updater.last_error) == (SyncState.ERROR, "mpv is not installed")


def test_starts_that_show_nothing_end_with_the_previous_release_and_one_that_does_forgives(
    rig: Rig, repository: Repository
) -> None:
    first = release(repository, b"one")
    rig.step()
    second = release(repository, b"two")
    rig.step()
    save_state(rig.directory, replace(rig.state, starts=5))
    again = started(repository)
    assert shows(again) == first.digest
    asyncio.run(again.updater.settle())
    assert shows(started(repository)) == second.digest


def test_a_slate_shown_out_of_doubt_does_not_stay(rig: Rig, repository: Repository) -> None:
    first = release(repository, b"one")
    rig.step()
    release(repository, b"two")
    rig.step()
    save_state(rig.directory, replace(rig.state, starts=10))
    again = started(repository)
    assert shows(again) is None
    assert "the slate shows" in (again.updater.last_error or "")
    assert asyncio.run(again.updater.settle())
    assert shows(again) == first.digest
    assert not asyncio.run(again.updater.settle())


class Crash(BaseException):
    """What a generation does that kills the process."""


class Deadly(RecordingStage):
    """A stage on which some generations kill the process before anything is on screen."""

    def __init__(self, *digests: str) -> None:
        super().__init__()
        self.digests = digests

    async def play(self, generation: Generation | None) -> None:
        await super().play(generation)
        if generation is not None and generation.ref.digest in self.digests:
            raise Crash


def lives(repository: Repository, count: int, *deadly: str) -> list[str | None]:
    """What each of several lives of the player showed, and whether it lived: those that do not die show and are killed."""
    seen: list[str | None] = []
    for _ in range(count):
        rig = Rig(repository.path.with_name("state"), repository.url, repository.root_bytes, stage=Deadly(*deadly))
        try:
            rig.start()
            asyncio.run(rig.updater.settle())
        except Crash:
            pass
        seen += rig.stage.shown[:1]
    return seen


def test_a_generation_that_crashes_the_process_gives_way_to_the_previous_one(rig: Rig, repository: Repository) -> None:
    first = release(repository, b"one")
    rig.step()
    second = release(repository, b"two")
    rig.step()
    seen = lives(repository, 12, second.digest)
    assert seen[:6] == [second.digest] * 5 + [first.digest]
    assert seen[6:] == [second.digest, first.digest] * 3, "each time the good one has another chance"


def test_generations_that_all_crash_the_process_give_way_to_the_slate_which_does_not_stay(
    rig: Rig, repository: Repository
) -> None:
    first = release(repository, b"one")
    rig.step()
    second = release(repository, b"two")
    rig.step()
    seen = lives(repository, 11, first.digest, second.digest)
    assert seen == [second.digest] * 5 + [first.digest] * 5 + [None]
    assert lives(repository, 1) == [first.digest]
    assert lives(repository, 1) == [second.digest]


def test_any_number_of_kills_once_something_was_on_screen_changes_nothing(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    assert lives(repository, 40) == [good.digest] * 40


def test_a_report_sequence_rises_even_when_the_state_is_lost(rig: Rig, repository: Repository) -> None:
    first = [asyncio.run(rig.updater.next_report()) for _ in range(2)]
    (rig.directory / "state.json").unlink()
    again = started(repository)
    assert first[0] < first[1]
    assert asyncio.run(again.updater.next_report()) >= first[0]
    assert asyncio.run(again.updater.next_report()) > first[1]


def test_a_trial_on_record_counts_as_a_crash_when_the_player_starts(rig: Rig, repository: Repository) -> None:
    ref = release(repository, b"one")
    asyncio.run(rig.updater.prepare())
    save_state(rig.directory, trial_begins(rig.state))
    again = started(repository)
    assert (again.state.phase, again.state.attempts, again.state.candidate) == (Phase.STAGED, 1, ref)


def test_power_that_comes_and_goes_never_has_the_slate_shown(rig: Rig, repository: Repository) -> None:
    """A start in another run of the kernel takes no turn of the slate, however many died before."""
    release(repository, b"one")
    rig.step()
    second = release(repository, b"two")
    rig.step()
    save_state(rig.directory, replace(rig.state, starts=10, boot="an earlier run of the kernel"))
    again = started(repository)
    assert shows(again) == second.digest
    save_state(rig.directory, replace(again.state, starts=10))
    assert shows(started(repository)) is None, "within one run it is the slate's turn"


def test_a_release_that_passed_once_is_found_again_when_the_state_names_none(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    save_state(rig.directory, replace(rig.state, good=None, previous=None, phase=Phase.SAFE))
    again = Rig(rig.directory, "file:///nowhere", repository.root_bytes)
    again.start()
    assert (shows(again), again.state.good) == (good.digest, good)


def test_a_damaged_manifest_of_a_kept_release_has_no_clip_removed(rig: Rig, repository: Repository) -> None:
    good = release(repository, b"one")
    rig.step()
    (rig.directory / "generations" / good.digest / "manifest.json").write_bytes(b"damaged")
    later = datetime.now(UTC) + timedelta(days=400)
    assert rig.library.remove_idle(rig.updater.kept(), unused_since=later) == []
    rig.library.clean(rig.updater.kept(), now=later)
    assert (rig.directory / "assets" / sha256_hex(b"one")).exists()
