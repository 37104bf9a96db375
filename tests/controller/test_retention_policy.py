"""Which releases are kept, and what that keeps: by number, by the time on air, and for as long as a rollout runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtech_controller.retention._policy import Policy, kept_releases
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256
from avtech_schema.release import ReleaseKind, ReleaseRecord, ScreenChange
from avtech_schema.rollout import (
    Allowance,
    OnHalt,
    PlannedScreen,
    RecordRef,
    RolloutNote,
    RolloutPlan,
    RolloutPolicy,
    RolloutState,
    Version,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CLIENT = ClientId("CLI-ACME")


def digest(number: int) -> Sha256:
    return Sha256(f"{number:064x}")


def chain(ages: list[float]) -> list[ReleaseRecord]:
    """Records, newest first, so many days old; release n gives the one screen the manifest n."""
    records = [
        ReleaseRecord(
            ReleaseKind.PUBLISH,
            number,
            CommitId("0" * 40),
            "c",
            "t",
            "p",
            (NOW - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            None,
            (ScreenChange(ScreenId("SCR-A"), CLIENT, CommitId("0" * 40), digest(number - 1), digest(number)),),
        )
        for number, age in enumerate(sorted(ages, reverse=True), 1)
    ]
    return records[::-1]


def kept(records: list[ReleaseRecord], policy: Policy) -> set[int]:
    return {int(found, 16) for found in kept_releases(records, policy, NOW).digests}


@pytest.mark.parametrize(
    ("policy", "numbers"),
    [
        (Policy(1, 1), {5}),
        (Policy(2, 1), {5, 4}),
        (Policy(1, 25), {5, 4}),
        (Policy(1, 35), {5, 4, 3}),
        (Policy(9, 1), {5, 4, 3, 2, 1, 0}),
    ],
)
def test_kept_are_the_newest_and_what_was_on_air_lately(policy: Policy, numbers: set[int]) -> None:
    assert kept(chain([20, 30, 40, 50, 60]), policy) == numbers


def test_the_release_on_air_is_kept_however_old() -> None:
    assert kept(chain([4000]), Policy(1, 1)) == {1}


def test_what_a_running_rollout_planned_is_kept_however_old() -> None:
    records = chain([100, 200, 300, 400])
    rollout = RolloutPlan(
        CommitId("0" * 40),
        (30,),
        RolloutPolicy(50, 1, Allowance(1), Allowance(1), 30, None, OnHalt.REVERT),
        (PlannedScreen(ScreenId("SCR-B"), CLIENT, 1, _version(77), _version(66)),),
    )
    time = records[2].time
    records[2] = replace(records[2], rollout=RolloutNote(None, RolloutState.RUNNING, (time,), plan=rollout))
    assert not {77, 66} & kept(records, Policy(1, 1))
    note = RolloutNote(RecordRef(records[2].sequence, digest(0)), RolloutState.RUNNING, (time,))
    records[0] = replace(records[0], rollout=note)
    assert {77, 66} <= kept(records, Policy(1, 1))


@given(st.lists(st.floats(0, 400), min_size=1, max_size=12), st.integers(1, 8), st.integers(1, 300))
def test_every_release_by_number_or_time_is_kept_and_no_other(ages: list[float], releases: int, days: int) -> None:
    """The definition, written down plainly: release n was on air from its own time to that of the next."""
    records = chain(ages)
    expected = set()
    for place, record in enumerate(records):
        until = datetime.fromisoformat(records[place - 1].time) if place else NOW
        if place < releases or until >= NOW - timedelta(days=days):
            expected.add(record.sequence)
    found = kept_releases(records, Policy(releases, days), NOW)
    assert found.releases == len(expected)
    state_before_the_first = {0} if len(expected) == len(records) else set()
    assert {int(one, 16) for one in found.digests} - state_before_the_first == expected


def _version(number: int) -> Version:
    return Version(digest(number), ByteSize(1), CommitId("0" * 40))
