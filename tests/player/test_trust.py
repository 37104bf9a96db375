"""Learning the release: what is signed and not older than what was seen, and nothing else."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from avtech_player.clock import TrustedClock
from avtech_player.floor import Floor, RollbackError
from avtech_player.store import StoreError, open_store
from avtech_player.trust import ExpiredError, Trust, Unchanged, Verified
from avtech_schema.errors import TrustError
from avtech_schema.manifest import Manifest
from tests.player.repository import ACME, LOBBY, OTHER, Repository, manifest_of, signer
from tests.player.server import serving


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def manifest(repository: Repository, clip: bytes = b"clip") -> Manifest:
    return manifest_of({"VID-A": repository.put_clip(clip)})


def trust(
    repository: Repository,
    state: Path,
    *,
    url: str = "",
    now: Callable[[], datetime] | None = None,
    synchronised: bool = True,
    monotonic: Callable[[], float] = lambda: 0.0,
) -> Trust:
    clock = TrustedClock(system=now or (lambda: repository.now), monotonic=monotonic, synchronised=lambda: synchronised)
    store = open_store(url or repository.url, {})
    return Trust(state, store, clock, root=repository.root_bytes, client=ACME, screen=LOBBY, monotonic=monotonic)


def backup(repository: Repository) -> Path:
    copy = repository.path.with_name("backup")
    shutil.copytree(repository.path, copy, dirs_exist_ok=True)
    return copy


def restore(repository: Repository, copy: Path) -> None:
    shutil.rmtree(repository.path)
    shutil.copytree(copy, repository.path)


def test_the_release_of_this_screen_is_learnt(repository: Repository, state: Path) -> None:
    ref = repository.publish(manifest(repository))
    assert trust(repository, state).check() == Verified(ref)


def test_a_second_look_is_one_small_request(repository: Repository, state: Path) -> None:
    ref = repository.publish(manifest(repository))
    with serving(repository.path) as server:
        player = trust(repository, state, url=server.url)
        player.check()
        before = len(server.requests)
        assert player.check() == Unchanged(ref)
        assert [request[1] for request in server.requests[before:]] == ["/metadata/timestamp.json"]


def test_a_new_timestamp_is_asked_for_once(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    with serving(repository.path) as server:
        player = trust(repository, state, url=server.url)
        player.check()
        ref = repository.publish(manifest(repository, b"other"))
        before = len(server.requests)
        assert player.check() == Verified(ref)
        asked = [request[1] for request in server.requests[before:]]
        assert asked.count("/metadata/timestamp.json") == 1


def test_after_a_day_everything_is_looked_at_again(repository: Repository, state: Path) -> None:
    ref = repository.publish(manifest(repository))
    passed = [0.0]
    player = trust(repository, state, monotonic=lambda: passed[0])
    player.check()
    passed[0] = 90_000.0
    assert player.check() == Verified(ref)


def test_an_unrelated_release_leaves_this_screen_as_it_is(repository: Repository, state: Path) -> None:
    mine = manifest(repository)
    ref = repository.publish(mine)
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"x")}, screen=OTHER), mine)
    assert trust(repository, state).check() == Verified(ref)


def test_a_repository_without_this_screen_says_so(repository: Repository, state: Path) -> None:
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"x")}, screen=OTHER))
    assert trust(repository, state).check() == Verified(None)


def test_an_empty_store_is_a_failure(repository: Repository, state: Path) -> None:
    with pytest.raises(StoreError, match=r"holds no metadata/timestamp.json"):
        trust(repository, state).check()


def test_an_expired_timestamp_is_refused(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    later = repository.now + timedelta(days=8)
    with pytest.raises(ExpiredError):
        trust(repository, state, now=lambda: later).check()


def test_a_look_that_was_good_is_not_good_beyond_its_expiry(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    now = [repository.now]
    player = trust(repository, state, now=lambda: now[0])
    player.check()
    now[0] += timedelta(days=8)
    with pytest.raises(ExpiredError):
        player.check()


def test_a_replayed_older_repository_is_refused(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    old = backup(repository)
    repository.publish(manifest(repository, b"newer"))
    trust(repository, state).check()
    restore(repository, old)
    with pytest.raises(TrustError):
        trust(repository, state).check()


def test_a_replay_is_refused_even_when_the_trusted_files_were_lost(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    old = backup(repository)
    repository.publish(manifest(repository, b"newer"))
    trust(repository, state).check()
    shutil.rmtree(state / "trust")
    restore(repository, old)
    with pytest.raises(RollbackError):
        trust(repository, state).check()
    assert trust(repository, state).floor.roles["timestamp"].version == 2


def test_damaged_trusted_files_are_fetched_again(repository: Repository, state: Path) -> None:
    ref = repository.publish(manifest(repository))
    trust(repository, state).check()
    for path in (state / "trust").rglob("*.json"):
        if not path.is_symlink():
            path.write_bytes(b"")
    assert trust(repository, state).check() == Verified(ref)


def test_a_repository_of_other_keys_is_refused(repository: Repository, state: Path, tmp_path: Path) -> None:
    stranger = Repository(tmp_path / "stranger")
    stranger.publish(manifest(stranger))
    player = trust(repository, state, url=stranger.url)
    with pytest.raises(TrustError):
        player.check()


def test_a_timestamp_signed_by_another_key_is_refused(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    repository.keys.timestamp = signer()
    repository.sign_timestamp()
    with pytest.raises(TrustError):
        trust(repository, state).check()


def test_a_rotation_of_the_timestamp_key_lets_its_versions_start_anew(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    repository.publish(manifest(repository, b"second"))
    trust(repository, state).check()
    repository.rotate(timestamp=signer())
    repository.restart_versions("timestamp")
    ref = repository.publish(manifest(repository, b"third"))
    player = trust(repository, state)
    assert player.check() == Verified(ref)
    assert player.floor.roles["timestamp"].version == 1
    assert player.floor.roles["root"].version == 2


def test_a_rotation_of_one_key_leaves_the_other_roles_floor(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    repository.publish(manifest(repository, b"second"))
    trust(repository, state).check()
    repository.rotate(timestamp=signer())
    repository.restart_versions("timestamp", "snapshot")
    repository.publish(manifest(repository, b"third"))
    with pytest.raises(TrustError):
        trust(repository, state).check()


@pytest.mark.parametrize(
    ("custom", "why"),
    [
        ({"screen": OTHER}, "another screen"),
        ({"screen": 5}, "not described"),
        ({"release": 0}, "not described"),
        ({"release": "7"}, "not described"),
        ({"commit": "main"}, "not described"),
    ],
)
def test_a_target_that_does_not_describe_this_screen_is_refused(
    repository: Repository, state: Path, custom: dict[str, object], why: str
) -> None:
    repository.publish(manifest(repository), custom=custom)
    with pytest.raises(TrustError, match=why):
        trust(repository, state).check()


def test_a_time_of_signing_beyond_the_expiry_cannot_raise_the_floor(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    repository.sign_timestamp(signed=datetime(2090, 1, 1, tzinfo=UTC))
    player = trust(repository, state)
    with pytest.raises(TrustError, match="after it expired"):
        player.check()
    assert player.floor == Floor()


def test_a_device_whose_clock_says_1970_knows_the_time_from_what_was_signed(repository: Repository, state: Path) -> None:
    repository.publish(manifest(repository))
    trust(repository, state).check()
    clock = TrustedClock(system=lambda: datetime(1970, 1, 1, tzinfo=UTC), monotonic=lambda: 0.0, synchronised=lambda: False)
    Trust(state, open_store(repository.url, {}), clock, root=repository.root_bytes, client=ACME, screen=LOBBY)
    assert clock.read().now == repository.now
    assert not clock.read().trusted


def test_an_unsynchronised_clock_in_2040_does_not_stop_updates(repository: Repository, state: Path) -> None:
    ref = repository.publish(manifest(repository))
    trust(repository, state).check()
    far = datetime(2040, 1, 1, tzinfo=UTC)
    player = trust(repository, state, now=lambda: far, synchronised=False)
    assert player.check() == Verified(ref)


def test_a_huge_timestamp_is_not_read(repository: Repository, state: Path) -> None:
    repository.write("metadata/timestamp.json", b"{" + b" " * 100_000)
    with pytest.raises(StoreError, match="larger"):
        trust(repository, state).check()


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b"\0" * 50, b'{"signed": {}}', b'{"signatures":[],"signed":{"_type":"root"}}']
)
def test_a_timestamp_that_is_none_is_refused(repository: Repository, state: Path, junk: bytes) -> None:
    repository.publish(manifest(repository))
    repository.write("metadata/timestamp.json", junk)
    with pytest.raises(TrustError):
        trust(repository, state).check()
