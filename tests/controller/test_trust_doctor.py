"""The doctor finds what is wrong with keys and signatures before players do."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root, Targets

from avtech_controller.cli import cli
from avtech_controller.cli._main import run
from avtech_controller.findings import Severity
from avtech_controller.publication._heartbeat import heartbeat
from avtech_controller.publication._renewal import renew
from avtech_controller.stores import open_store
from avtech_controller.trust import Duty, Rotation, begin_rotation, examine, load_anchor, load_signer, sign_waiting
from tests.controller.publishing import World, make_world, screens
from tests.controller.repository import make_repository

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "store").mkdir()
    made = make_world(tmp_path, open_store(f"file://{tmp_path / 'store'}"))
    made.publish(1, screens(2), now=NOW)
    return made


def errors(world: World, now: datetime = NOW, *, keys_dir: Path | None = None) -> list[tuple[str, str]]:
    """The errors found, as codes and messages."""
    found = examine(world.repo, keys_dir=keys_dir, store=world.store, now=now)
    return [(one.code, one.message) for one in found.ailments if one.severity is Severity.ERROR]


def renewed(world: World, now: datetime) -> None:
    renew(world.store, world.anchor, world.signer, lambda: now, lambda step, parts: lambda: None)


def sign_all(world: World, *names: str) -> None:
    for name in names:
        sign_waiting(world.repo, load_signer(str(world.keys / f"{name}.pem")))


def test_a_healthy_fleet_has_no_errors(world: World) -> None:
    assert errors(world) == []


def test_it_names_what_expires_and_what_to_do(world: World) -> None:
    found = examine(world.repo, keys_dir=None, store=world.store, now=NOW)
    assert [expiry.what for expiry in found.expiries] == ["root", "targets", "timestamp", "snapshot", "bins"]
    assert all("avtech" in expiry.remedy for expiry in found.expiries)


@pytest.mark.parametrize(
    ("what", "fine", "late", "over"),
    [
        ("timestamp", 4.8, 5, 7.1),
        ("snapshot", 21, 23, 32),
        ("bins", 255, 258, 367),
        ("root", 255, 257, 366),
        ("targets", 255, 257, 366),
    ],
)
def test_less_than_thirty_percent_of_a_life_left_is_an_error(
    world: World, what: str, fine: float, late: float, over: float
) -> None:
    def of(days: float) -> list[str]:
        return [text for code, text in errors(world, NOW + days * DAY) if code == "expiry" and f"the {what} " in text]

    assert of(fine) == []
    assert "expires at" in of(late)[0]
    assert "expired at" in of(over)[0]


def test_jobs_that_run_and_a_yearly_ceremony_keep_everything_fresh_for_years(world: World) -> None:
    beat = load_signer(str(world.keys / "heartbeat.pem"))
    for week in range(1, 110):
        now = NOW + week * 7 * DAY
        if week % 36 == 0:
            rotation = Rotation({}, frozenset({Duty.ROOT, Duty.TARGETS}))
            begin_rotation(world.repo, rotation, expires=now + 365 * DAY)
            sign_all(world, "root-1", "root-3", "targets")
        world = replace(world, anchor=load_anchor(world.repo))
        if week % 2 == 0:
            renewed(world, now)
        heartbeat(world.store, world.anchor, beat, partial(datetime.fromtimestamp, now.timestamp(), UTC))
        assert errors(world, now) == []


def test_missing_signatures_are_counted_and_the_holders_named(world: World) -> None:
    begin_rotation(world.repo, Rotation({}, frozenset({Duty.ROOT, Duty.TARGETS})), expires=NOW + 365 * DAY)
    sign_all(world, "root-2")
    found = dict(errors(world)[::2])
    texts = [text for code, text in errors(world) if code == "signatures"]
    assert found.keys() == {"signatures"}
    assert texts[0].startswith("1 of 2 signatures of the keys of trust/1.root.json; it waits for root-1 (")
    assert "root-2" not in texts[0]
    assert texts[2].startswith("0 of 1 signatures of the targets keys")


def test_what_is_signed_but_not_published_is_an_error_until_it_is(world: World) -> None:
    begin_rotation(world.repo, Rotation({}, frozenset({Duty.ROOT, Duty.TARGETS})), expires=NOW + 365 * DAY)
    sign_all(world, "root-1", "root-2", "targets")
    assert {text for _, text in errors(world)} == {
        "trust/2.root.json is in force, but not published",
        "trust/2.targets.json is in force, but not published",
    }
    renewed(replace(world, anchor=load_anchor(world.repo)), NOW + DAY)
    assert errors(world, NOW + DAY) == []


def test_a_checkout_older_than_the_store_is_an_error(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.repo, tmp_path / "old")
    begin_rotation(world.repo, Rotation({}, frozenset({Duty.ROOT})), expires=NOW + 365 * DAY)
    sign_all(world, "root-1", "root-2")
    renewed(replace(world, anchor=load_anchor(world.repo)), NOW + DAY)
    assert ("store", "players trust root version 2, which trust/ of this checkout does not have") in errors(
        replace(world, repo=tmp_path / "old")
    )


def test_another_fleets_trust_is_an_error(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_world(tmp_path / "other", world.store)
    assert [code for code, _ in errors(other)] == ["store"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"<html>"])
def test_a_damaged_trust_folder_is_one_error(world: World, damage: bytes) -> None:
    (world.repo / "trust/1.root.json").write_bytes(damage)
    assert [code for code, _ in errors(world)] == ["trust"]


def resign(world: World, change: Callable[[Root], None]) -> None:
    """Write the first root anew with a change that the ceremonies would refuse."""
    path = world.repo / "trust/1.root.json"
    metadata = Metadata[Root].from_bytes(path.read_bytes())
    change(metadata.signed)
    metadata.signatures.clear()
    for name in ("root-1", "root-2", "root-3"):
        metadata.sign(load_signer(str(world.keys / f"{name}.pem")), append=True)
    path.write_bytes(metadata.to_bytes())


def test_a_key_with_two_duties_that_must_be_apart_is_an_error(world: World) -> None:
    def both(root: Root) -> None:
        root.add_key(root.keys[root.roles["root"].keyids[0]], "snapshot")

    resign(world, both)
    found = [text for code, text in errors(world) if code == "duties"]
    assert any("both a root key and a publish key" in text for text in found)
    assert any("may sign the snapshot, but not the bins" in text for text in found)


def test_a_heartbeat_key_that_signs_bins_is_an_error(world: World) -> None:
    path = world.repo / "trust/1.targets.json"
    metadata = Metadata[Targets].from_bytes(path.read_bytes())
    beat = load_signer(str(world.keys / "heartbeat.pem")).public_key
    metadata.signed.add_key(beat)
    metadata.sign(load_signer(str(world.keys / "targets.pem")))
    path.write_bytes(metadata.to_bytes())
    assert any("also signs the bins" in text for _, text in errors(world))


def test_a_root_threshold_of_one_is_a_warning(world: World) -> None:
    def alone(root: Root) -> None:
        root.roles["root"].threshold = 1

    resign(world, alone)
    found = examine(world.repo, keys_dir=None, store=None, now=NOW)
    assert [one.severity for one in found.ailments] == [Severity.WARNING]


def test_keys_that_others_can_read_or_replace_are_errors(world: World) -> None:
    (world.keys / "publish.pem").chmod(0o640)
    world.keys.chmod(0o770)
    texts = [text for _, text in errors(world, keys_dir=world.keys)]
    assert texts == ["others can write here, and so replace keys", "others can read this private key"]


def test_unreadable_missing_and_foreign_keys_are_told(world: World, tmp_path: Path) -> None:
    (world.keys / "root-1.pem").write_bytes(b"junk")
    (world.keys / "dangling.pem").symlink_to(tmp_path / "nowhere")
    assert len(errors(world, keys_dir=world.keys)) == 2
    assert errors(world, keys_dir=tmp_path / "nowhere")[0][0] == "key-file"
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    other = make_world(foreign, open_store(f"file://{tmp_path / 'store'}"))
    found = examine(world.repo, keys_dir=other.keys, store=None, now=NOW)
    assert all("counts for nothing" in one.message for one in found.ailments)


def doctor(world: World, *more: str) -> int:
    return run(cli, ["keys", "doctor", "-C", str(world.repo), "--store", world.store.url, *more])


def test_the_command_exits_with_one_when_something_is_wrong(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(world) == 0
    assert "publish    publish (" in capsys.readouterr().out
    begin_rotation(world.repo, Rotation({}, frozenset({Duty.ROOT})), expires=NOW + 365 * DAY)
    assert doctor(world) == 1
    assert "error[signatures]: 0 of 2 signatures" in capsys.readouterr().out
    assert doctor(world, "--output", "json") == 1
    value = json.loads(capsys.readouterr().out)
    assert {one["code"] for one in value["ailments"]} == {"signatures"}
    assert value["waiting"][0]["file"] == "trust/2.root.json"
    assert {row["duty"] for row in value["keys"]} == {"root", "targets", "publish", "heartbeat"}


def test_a_store_that_lost_its_timestamp_is_not_taken_for_a_new_one(world: World, tmp_path: Path) -> None:
    world.publish(2, screens(3), now=NOW)
    (tmp_path / "store/metadata/timestamp.json").unlink()
    (found,) = errors(world)
    assert found[0] == "store"
    assert "holds release records but no metadata/timestamp.json" in found[1]


def test_before_the_first_release_the_store_is_well(world: World, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert examine(world.repo, keys_dir=None, store=open_store(f"file://{tmp_path / 'new'}"), now=NOW).ailments == ()


def test_the_store_that_the_fleet_names_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_repository(tmp_path)
    there = ["-C", str(made.path)]
    assert run(cli, ["keys", "init", *there, "--keys-dir", str(made.keys), "--no-passphrase"]) == 0
    assert run(cli, ["keys", "doctor", *there]) == 0
    assert "what is released was not looked at" in capsys.readouterr().err
    fleet = made.path / "fleet/fleet.yaml"
    fleet.write_text(fleet.read_text().replace("spec: {}", f'spec: {{store: "file://{tmp_path}/gone"}}'))
    assert run(cli, ["keys", "doctor", *there]) == 2
    assert f"the store file://{tmp_path}/gone does not exist" in capsys.readouterr().err


def test_a_store_that_fails_is_not_taken_for_health(world: World, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "store")
    assert doctor(world) in {2, 3}
