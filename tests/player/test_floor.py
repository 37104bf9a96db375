"""The floor: it only rises, it survives one damaged copy, and a rotated key starts anew."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from avtech_player.floor import Floor, Role, RollbackError, load_floor, mend_floor, save_floor

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXPIRY = datetime(2026, 12, 1, tzinfo=UTC)


def raised(floor: Floor, version: int, *, keys: tuple[str, ...] = ("k",), signed: datetime | None = NOON) -> Floor:
    return floor.accept({"timestamp": Role(version, keys)}, signed=signed, expiry=EXPIRY)


def test_a_lower_version_is_refused_and_an_equal_one_is_not() -> None:
    floor = raised(Floor(), 5)
    raised(floor, 5)
    with pytest.raises(RollbackError, match="version 4; version 5 was seen"):
        raised(floor, 4)


def test_a_role_with_other_keys_starts_anew() -> None:
    assert raised(raised(Floor(), 5), 1, keys=("new",)).roles["timestamp"].version == 1


def test_with_the_snapshots_keys_everything_a_snapshot_vouched_for_starts_anew() -> None:
    def roles(version: int, snapshot_key: str) -> dict[str, Role]:
        keys = {"root": "r", "timestamp": "t", "snapshot": snapshot_key, "targets": "o", "bins-00": "b"}
        return {name: Role(9 if name in ("root", "timestamp") else version, (key,)) for name, key in keys.items()}

    leapt = Floor().accept(roles(1000, "stolen"), signed=None, expiry=EXPIRY)
    with pytest.raises(RollbackError):
        leapt.accept(roles(3, "stolen"), signed=None, expiry=EXPIRY)
    recovered = leapt.accept(roles(3, "new"), signed=None, expiry=EXPIRY)
    assert recovered.roles["bins-00"].version == 3
    with pytest.raises(RollbackError, match="timestamp"):
        leapt.accept(roles(3, "new") | {"timestamp": Role(8, ("t",))}, signed=None, expiry=EXPIRY)


def test_signed_time_only_rises() -> None:
    floor = raised(raised(Floor(), 5), 6, signed=datetime(2020, 1, 1, tzinfo=UTC))
    assert floor.signed == NOON
    assert raised(floor, 6, signed=None).signed == NOON


def test_roles_that_were_not_looked_at_keep_their_floor() -> None:
    floor = Floor().accept({"bins-0": Role(9, ("k",))}, signed=NOON, expiry=EXPIRY)
    assert raised(floor, 1).roles["bins-0"].version == 9


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    floor = raised(Floor(), 5)
    save_floor(tmp_path, floor)
    assert load_floor(tmp_path) == floor


@pytest.mark.parametrize("copy", ["floor-a.json", "floor-b.json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 100, b"x" * 300_000])
def test_one_damaged_copy_does_not_lower_it(tmp_path: Path, copy: str, damage: bytes) -> None:
    floor = raised(Floor(), 5)
    save_floor(tmp_path, floor)
    (tmp_path / copy).write_bytes(damage)
    assert load_floor(tmp_path) == floor


@pytest.mark.parametrize("copy", ["floor-a.json", "floor-b.json"])
def test_a_damaged_or_missing_copy_is_mended_at_the_next_start(tmp_path: Path, copy: str) -> None:
    floor = raised(Floor(), 5)
    save_floor(tmp_path, floor)
    for damage in (b"junk", b"x" * 300_000, None):
        (tmp_path / copy).unlink() if damage is None else (tmp_path / copy).write_bytes(damage)
        assert mend_floor(tmp_path) == floor
        assert (tmp_path / "floor-a.json").read_bytes() == (tmp_path / "floor-b.json").read_bytes()


def test_where_nothing_was_seen_no_floor_is_written(tmp_path: Path) -> None:
    assert mend_floor(tmp_path) == Floor()
    assert list(tmp_path.iterdir()) == []


def test_of_two_copies_the_newer_counts(tmp_path: Path) -> None:
    old = raised(Floor(), 5)
    new = raised(old, 6)
    save_floor(tmp_path, old)
    before = (tmp_path / "floor-b.json").read_bytes()
    save_floor(tmp_path, new)
    (tmp_path / "floor-b.json").write_bytes(before)
    assert load_floor(tmp_path) == new


def test_a_flipped_digit_is_noticed(tmp_path: Path) -> None:
    save_floor(tmp_path, raised(Floor(), 5))
    for name in ("floor-a.json", "floor-b.json"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes().replace(b'"version":5', b'"version":1'))
    assert load_floor(tmp_path) == Floor()
