"""Manifests whose signature and digest hold and that make no sense: refused or lived with, told, and never tried in a loop."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from avtech_player.outcome import OutcomeKind
from avtech_player.state import Phase
from avtech_schema.identifiers import ByteSize, VideoId
from avtech_schema.layout import manifest_key
from avtech_schema.report import ReleaseRef, SyncState
from tests.player.repository import ACME, LOBBY, Repository, manifest_of
from tests.player.rig import Rig

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "store")


@pytest.fixture
def rig(repository: Repository) -> Rig:
    rig = Rig(repository.path.parent / "state", repository.url, repository.root_bytes)
    rig.start()
    repository.publish(manifest_of({"VID-A": repository.put_clip(b"good")}))
    assert rig.step().kind is OutcomeKind.APPLIED
    return rig


def rule(number: int) -> dict[str, Any]:
    return {
        **{"id": f"r/{number}", "schedule": "r", "playlist": "all", "priority": 0, "weight": 1, "from": 0, "until": 86400},
        **{"days": [0, 1, 2, 3, 4, 5, 6], "validFrom": None, "validUntil": None, "except": [], "rrule": None},
        **{"emergency": False, "cut": "clip", "maxPlaysPerHour": None},
    }


def nothing_to_show(value: dict[str, Any]) -> None:
    value.update(rules=[], fallback=None)


def no_items(value: dict[str, Any]) -> None:
    value["playlists"] = {"all": []}


def no_playlists(value: dict[str, Any]) -> None:
    value["playlists"] = {}


def no_clips(value: dict[str, Any]) -> None:
    value.update(assets={}, playlists={"all": []})


def duration_of_nothing(value: dict[str, Any]) -> None:
    value["assets"]["VID-B"]["durationMs"] = 0


def duration_of_an_hour(value: dict[str, Any]) -> None:
    value["assets"]["VID-B"]["durationMs"] = 3_600_000


def no_bytes(value: dict[str, Any]) -> None:
    value["assets"]["VID-B"]["size"] = 0


def weight_of_a_million(value: dict[str, Any]) -> None:
    value["playlists"]["all"][0]["weight"] = 1_000_000


def weight_below_nothing(value: dict[str, Any]) -> None:
    value["rules"] = [{**rule(1), "weight": -1}]


def rules_that_share_a_name(value: dict[str, Any]) -> None:
    value["rules"] = [rule(1), rule(1)]


def a_playlist_in_itself(value: dict[str, Any]) -> None:
    value["playlists"]["all"] = [{"playlist": "all", "weight": 1, "validFrom": None, "validUntil": None}]


def a_window_of_nothing(value: dict[str, Any]) -> None:
    value["rules"] = [{**rule(1), "until": 0}]


def a_zone_that_is_none(value: dict[str, Any]) -> None:
    value["timeZone"] = "Mars/Olympus"


def a_panel_without_width(value: dict[str, Any]) -> None:
    value["display"]["width"] = 0


def a_kind_that_is_unknown(value: dict[str, Any]) -> None:
    value["apiVersion"] = "avtech/v99"


CHANGES: list[Change] = [
    nothing_to_show,
    no_items,
    no_playlists,
    no_clips,
    duration_of_nothing,
    duration_of_an_hour,
    no_bytes,
    weight_of_a_million,
    weight_below_nothing,
    rules_that_share_a_name,
    a_playlist_in_itself,
    a_window_of_nothing,
    a_zone_that_is_none,
    a_panel_without_width,
    a_kind_that_is_unknown,
]


def absurd(repository: Repository, change: Change) -> ReleaseRef:
    manifest = manifest_of({"VID-B": repository.put_clip(b"new")})
    value = json.loads(manifest.canonical())
    change(value)
    return repository.publish(manifest, raw=json.dumps(value).encode())


@pytest.mark.parametrize("change", CHANGES)
def test_a_manifest_that_makes_no_sense_is_quarantined_told_and_not_tried_again(
    rig: Rig, repository: Repository, change: Change
) -> None:
    good = rig.state.good
    ref = absurd(repository, change)
    assert rig.step().kind is OutcomeKind.REFUSED
    assert (rig.state.good, rig.state.phase) == (good, Phase.ROLLED_BACK)
    assert rig.updater.sync_state is SyncState.FAILED
    assert "the manifest is rejected" in rig.state.quarantine[-1].reason
    attempts = rig.state.counters.attempts
    repository.sign_timestamp()
    again = Rig(rig.directory, repository.url, repository.root_bytes)
    again.start()
    for _ in range(3):
        assert again.step().kind is OutcomeKind.UNCHANGED
    assert again.stage.trials == []
    assert again.state.counters.attempts == attempts
    assert again.stage.showing is not None
    assert again.stage.showing.ref == good
    assert again.state.quarantined(ref) is not None


def test_a_manifest_with_a_million_rules_is_refused_by_its_signed_length_and_not_even_asked_for(
    rig: Rig, repository: Repository
) -> None:
    good = rig.state.good
    ref = absurd(repository, lambda value: value.update(rules=[rule(number) for number in range(20_000)] * 50))
    (repository.path / manifest_key(ACME, LOBBY, ref.digest)).unlink()
    assert rig.step().kind is OutcomeKind.REFUSED
    assert rig.step().kind is OutcomeKind.UNCHANGED
    assert rig.state.quarantined(ref) is not None
    assert "bytes long, and 4000000 are read at most" in rig.state.quarantine[-1].reason
    assert rig.updater.sync_state is SyncState.FAILED
    assert rig.state.good == good
    assert rig.stage.trials[1:] == []


def test_clips_larger_than_any_disk_are_refused_with_numbers(rig: Rig, repository: Repository) -> None:
    asset = replace(repository.put_clip(b"new"), size=ByteSize(10**15))
    repository.publish(manifest_of({"VID-B": asset}))
    assert rig.step().kind is OutcomeKind.FAILED
    assert "the release needs 1000000000000000 bytes more on the disk" in (rig.updater.last_error or "")
    assert VideoId("VID-A") in (rig.stage.showing.files if rig.stage.showing else ())
