"""What records say of a rollout survives its spelling, and what contradicts itself is refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256
from avtech_schema.release import ReleaseKind, ReleaseRecord, parse_release
from avtech_schema.rollout import (
    OnHalt,
    PlannedScreen,
    RecordRef,
    RolloutNote,
    RolloutPlan,
    RolloutPolicy,
    RolloutState,
    Version,
    parse_allowance,
)
from tests.schema.documents import RECORD, TIME, attempt, damaged

NEW = Version(Sha256("1" * 64), ByteSize(10), CommitId("1" * 40))
GOOD = Version(Sha256("2" * 64), ByteSize(20), CommitId("2" * 40))
POLICY = RolloutPolicy(90, 3, parse_allowance("2%"), parse_allowance(1), 15, None, OnHalt.REVERT)
PLAN = RolloutPlan(
    CommitId("2" * 40),
    (30, 0),
    POLICY,
    (
        PlannedScreen(ScreenId("SCR-1"), ClientId("CLI-A"), 1, NEW, GOOD),
        PlannedScreen(ScreenId("SCR-2"), ClientId("CLI-A"), 2, NEW, GOOD),
    ),
)
REF = RecordRef(7, Sha256("3" * 64))
BEGINS = replace(RECORD, rollout=RolloutNote(None, RolloutState.RUNNING, (TIME,), plan=PLAN), halted=(REF,))
MOVES = replace(
    RECORD, kind=ReleaseKind.HALT, changes=(), rollout=RolloutNote(REF, RolloutState.HALTED, (TIME, TIME), "it failed")
)


@pytest.mark.parametrize(
    "record",
    [BEGINS, MOVES, replace(RECORD, halted=(REF, REF)), *(replace(MOVES, kind=kind) for kind in ReleaseKind)],
    ids=str,
)
def test_a_record_survives_its_spelling(record: ReleaseRecord) -> None:
    assert parse_release(record.payload()) == record


def test_a_record_without_a_rollout_is_spelt_as_ever() -> None:
    assert {"rollout", "halted"} & orjson.loads(RECORD.payload()).keys() == set()


@settings(deadline=None, max_examples=300)
@given(damaged(BEGINS.payload()))
def test_a_damaged_record_is_refused_or_makes_sense(data: bytes) -> None:
    read, refusal = attempt(parse_release, data)
    if read is None:
        assert 0 < len(refusal) < 500
        assert "\n" not in refusal
    else:
        assert parse_release(read.payload()) == read


def _set(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


def _same_screen_twice(document: Any) -> None:
    screens = document["rollout"]["plan"]["screens"]
    screens[1]["screen"] = screens[0]["screen"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_set("rollout", "begun", value={"sequence": 1, "digest": "0" * 64}), "holds its plan"),
        (_set("rollout", "plan", value=None), "holds its plan"),
        (_set("rollout", "waves", value=[]), "0 waves"),
        (_set("rollout", "waves", value=[TIME] * 3), "3 waves"),
        (_set("rollout", "waves", value=["noon"]), "waves"),
        (_set("rollout", "state", value="lost"), "state"),
        (_set("rollout", "reason", value="x" * 1001), "reason"),
        (_set("rollout", "more", value=1), "unknown field"),
        (_set("rollout", value=None), "rollout"),
        (_set("halted", value=[{"sequence": 0, "digest": "0" * 64}]), "sequence"),
        (_set("rollout", "plan", "soakMinutes", value=[]), "soakMinutes"),
        (_set("rollout", "plan", "soakMinutes", value=[1, -1]), "soakMinutes"),
        (_set("rollout", "plan", "soakMinutes", value=[True, 1]), "soakMinutes"),
        (_set("rollout", "plan", "soakMinutes", value=[1] * 101), "soakMinutes"),
        (_set("rollout", "plan", "base", value="HEAD"), "base"),
        (_set("rollout", "plan", "policy", "maxFailed", value="101%"), "maxFailed"),
        (_set("rollout", "plan", "policy", "minSamples", value=0), "minSamples"),
        (_set("rollout", "plan", "policy", "onHalt", value="panic"), "onHalt"),
        (_set("rollout", "plan", "screens", 0, "wave", value=3), "wave"),
        (_set("rollout", "plan", "screens", 0, "new", value=None), "new"),
        (_set("rollout", "plan", "screens", 0, "new", "size", value=0), "size"),
        (_set("rollout", "plan", "screens", 0, "new", "commit", value=2), "commit"),
        (_set("rollout", "plan", "commits", value=[]), "commit"),
        (_set("rollout", "plan", "soakMinutes", value=[2**53, 1]), "soakMinutes"),
        (_same_screen_twice, "twice"),
    ],
)
def test_what_contradicts_itself_is_refused_in_words(damage: Callable[[Any], None], words: str) -> None:
    document = orjson.loads(BEGINS.payload())
    damage(document)
    with pytest.raises(TrustError, match=words):
        parse_release(orjson.dumps(document))
