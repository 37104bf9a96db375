"""The scrub: every clip within a day, on a schedule that restarts keep, and damage is found and repaired."""

import asyncio
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtech_player.logs import screen_log
from avtech_player.scrub import LONGEST, PASS, ScrubState, advance, is_damaged, load_scrub, next_clip, save_scrub, wait_for
from avtech_player.upkeep import Upkeep
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import Sha256
from avtech_schema.report import ReleaseRef
from tests.player.repository import LOBBY, Repository, asset_of, manifest_of
from tests.player.rig import Rig

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NAMES = st.sets(st.integers(0, 99).map(lambda number: Sha256(f"{number:064x}")), min_size=1, max_size=40)


@given(NAMES)
def test_every_clip_is_read_once_in_a_day_whatever_is_restarted(names: set[Sha256]) -> None:
    state, now, read = ScrubState(), NOW, []
    for _ in names:
        now += wait_for(state, now)
        name = next_clip(names, state.after)
        assert name is not None
        state = advance(state, name, len(names), now, damaged=False)
        read.append(name)
    assert sorted(read) == sorted(names)
    assert now - NOW <= PASS
    assert state.checked == len(names)
    following = next_clip(names, state.after)
    assert following == min(names)
    assert advance(state, Sha256(following or ""), len(names), now, damaged=True).finished == now


def test_a_clock_that_was_set_back_delays_it_no_longer_than_a_quarter_of_a_day() -> None:
    assert wait_for(ScrubState(due=NOW + timedelta(days=9000)), NOW) == LONGEST
    assert wait_for(ScrubState(due=NOW - timedelta(days=9000)), NOW) == timedelta(0)
    assert next_clip([], "") is None


def test_the_state_survives_and_damage_starts_it_anew(tmp_path: Path) -> None:
    state = ScrubState("a" * 64, NOW, 7, 1, None)
    save_scrub(tmp_path / "scrub.json", state)
    assert load_scrub(tmp_path / "scrub.json") == state
    for junk in (b"", b"{", b"[]", b'{"after":1}', b"x" * 9000, b"\xff\xfe"):
        (tmp_path / "scrub.json").write_bytes(junk)
        assert load_scrub(tmp_path / "scrub.json") == ScrubState()


def test_a_clip_is_read_slowly_and_a_stop_ends_it(tmp_path: Path) -> None:
    data = b"x" * 3_000_000
    (tmp_path / "clip").write_bytes(data)
    began = time.monotonic()
    assert not is_damaged(tmp_path / "clip", sha256_hex(data), threading.Event(), rate=10_000_000)
    assert time.monotonic() - began >= 0.28
    stop = threading.Event()
    stop.set()
    assert not is_damaged(tmp_path / "clip", sha256_hex(b"other"), stop)
    assert not is_damaged(tmp_path / "nowhere", sha256_hex(b"other"), threading.Event())
    assert is_damaged(tmp_path, sha256_hex(b"a directory"), threading.Event())


@pytest.mark.parametrize("damage", ["flip", "truncate", "zero"])
def test_bit_rot_is_found_and_repaired_from_the_store_and_restarts_keep_its_place(tmp_path: Path, damage: str) -> None:
    repository = Repository(tmp_path / "store")
    clips = {f"VID-{number}": bytes([number]) * 5000 for number in range(4)}
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    repository.publish(manifest_of({name: repository.put_clip(data) for name, data in clips.items()}))
    rig.step()
    victim = tmp_path / "state" / "assets" / asset_of(clips["VID-2"]).sha256
    stamp = victim.stat().st_mtime_ns
    whole = victim.read_bytes()
    broken = {"flip": whole[:99] + b"\xff" + whole[100:], "truncate": whole[:99], "zero": bytes(len(whole))}[damage]
    with victim.open("r+b") as file:  # The same inode, size and time, as the card would do it.
        file.write(broken)
        file.truncate(len(broken))
    os.utime(victim, ns=(stamp, stamp))

    async def life(steps: int) -> Upkeep:
        upkeep = Upkeep(tmp_path / "state", rig.updater, rig.library, rig.clock, screen_log("upkeep", LOBBY))
        upkeep.state = load_scrub(tmp_path / "state" / "scrub.json")
        for _ in range(steps):
            assert await upkeep.look()
        return upkeep

    asyncio.run(life(1))
    asyncio.run(life(2))
    upkeep = asyncio.run(life(1))
    assert (upkeep.state.checked, upkeep.state.damaged) == (4, 1)
    assert victim.read_bytes() == whole
    assert rig.stage.showing is not None
    assert len(rig.stage.showing.files) == 4
    assert rig.updater.last_error is None


@pytest.mark.parametrize("look", ["in its turn", "now and quickly"])
def test_a_manifest_that_the_card_forgot_is_found_and_fetched_again_so_that_the_next_start_plays(
    tmp_path: Path, look: str
) -> None:
    repository = Repository(tmp_path / "store")
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    refs: list[ReleaseRef] = []
    for data in (b"one", b"two"):
        refs.append(repository.publish(manifest_of({"VID-A": repository.put_clip(data)})))
        rig.step()
    manifests = [tmp_path / "state" / "generations" / ref.digest / "manifest.json" for ref in refs]
    whole = [path.read_bytes() for path in manifests]
    manifests[0].unlink()
    manifests[1].write_bytes(whole[1][:-9])
    upkeep = Upkeep(tmp_path / "state", rig.updater, rig.library, rig.clock, screen_log("upkeep", LOBBY))
    if look == "in its turn":
        assert asyncio.run(upkeep.look())
    else:
        assert asyncio.run(upkeep.reconcile()) == 2
    assert [path.read_bytes() for path in manifests] == whole
    again = Rig(tmp_path / "state", "file:///nowhere", repository.root_bytes)
    again.start()
    assert again.stage.showing is not None
    assert again.stage.showing.ref == refs[1]


def test_damage_that_the_store_cannot_repair_now_is_told_and_repaired_later(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "store")
    rig = Rig(tmp_path / "state", repository.url, repository.root_bytes)
    rig.start()
    assets = {name: repository.put_clip(name.encode()) for name in ("VID-A", "VID-B")}
    repository.publish(manifest_of(assets))
    rig.step()
    victim = tmp_path / "state" / "assets" / assets["VID-A"].sha256
    victim.write_bytes(b"rotten")
    away = repository.path / "content"
    away.rename(repository.path / "away")
    upkeep = Upkeep(tmp_path / "state", rig.updater, rig.library, rig.clock, screen_log("upkeep", LOBBY))
    for _ in assets:
        asyncio.run(upkeep.look())
    assert upkeep.state.damaged == 1
    assert "is not there" in (rig.updater.last_error or "")
    (repository.path / "away").rename(away)
    rig.step()
    assert victim.read_bytes() == b"VID-A"
    assert rig.updater.last_error is None
