"""Renames of screens: which entries hold, which are told to be wrong, and what looks like a rename."""

from pathlib import Path
from typing import Any

import pytest

from avtech_controller.moves import likely_renames, moves
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Fleet, Screen
from tests.controller.desired_files import codes, document, loaded, marked

KEYS = [f"ed25519:{letter * 42}E=" for letter in "AB"]


def fleet(*renames: tuple[str, str]) -> Fleet:
    moved = [{"kind": "Screen", "from": old, "to": new} for old, new in renames]
    document_ = {"apiVersion": "avtech/v1", "kind": "Fleet", "metadata": {"name": "f"}, "spec": {"moved": moved}}
    return Fleet.model_validate(document_)


def screen(name: str, labels: dict[str, str] | None = None, **spec: Any) -> Screen:
    metadata = {"name": name, "labels": labels or {}}
    return Screen.model_validate(
        {"apiVersion": "avtech/v1", "kind": "Screen", "metadata": metadata, "spec": {"client": "CLI-A", **spec}}
    )


def screens(*given: Screen) -> dict[ScreenId, Screen]:
    return {ScreenId(one.metadata.name): one for one in given}


@pytest.mark.parametrize(
    ("renames", "there", "holding"),
    [
        ([("SCR-A", "SCR-B")], {"SCR-B"}, {"SCR-A": "SCR-B"}),
        ([("SCR-A", "SCR-B")], {"SCR-A", "SCR-B"}, {}),
        ([("SCR-A", "SCR-B")], {"SCR-C"}, {}),
        ([("SCR-A", "SCR-B"), ("SCR-B", "SCR-C")], {"SCR-C"}, {"SCR-A": "SCR-C", "SCR-B": "SCR-C"}),
        ([("SCR-A", "SCR-B"), ("SCR-B", "SCR-A")], {"SCR-C"}, {}),
        ([("SCR-A", "SCR-B"), ("SCR-B", "SCR-A")], {"SCR-B"}, {"SCR-A": "SCR-B"}),
        ([("SCR-A", "SCR-B"), ("SCR-A", "SCR-C")], {"SCR-B", "SCR-C"}, {}),
        ([("SCR-A", "SCR-C"), ("SCR-B", "SCR-C")], {"SCR-C"}, {}),
        ([("SCR-A", "SCR-B"), ("SCR-A", "SCR-B")], {"SCR-B"}, {"SCR-A": "SCR-B"}),
    ],
)
def test_moves_lead_from_names_that_are_no_more_to_names_that_are(
    renames: list[tuple[str, str]], there: set[str], holding: dict[str, str]
) -> None:
    assert moves(fleet(*renames), {ScreenId(name) for name in there}) == holding


@pytest.mark.parametrize(
    ("moved", "word", "said"),
    [
        ("[{kind: Screen, from: SCR-A-0, to: SCR-A-1}]", "", ""),
        ("[{kind: Screen, from: SCR-A-1, to: SCR-A-2}]", "SCR-A-1", "SCR-A-1 is still there"),
        ("[{kind: Screen, from: SCR-A-0, to: SCR-A-9}]", "SCR-A-9", "SCR-A-9 does not exist"),
        ("[{kind: Screen, from: SCR-X, to: SCR-A-1}, {kind: Screen, from: SCR-Y, to: SCR-A-1}]", "SCR-A-1", "other screens"),
    ],
)
def test_an_entry_without_effect_is_a_warning_at_its_place(tmp_path: Path, moved: str, word: str, said: str) -> None:
    found = loaded(tmp_path, {"fleet/fleet.yaml": document("Fleet", "fleet", f"moved: {moved}")})
    assert set(codes(found)) == ({"AVT215"} if word else set())
    assert found.state is not None
    if word:
        assert marked(found) == word
        assert said in found.findings[0].message
        assert found.findings[0].impact == ("" if word == "SCR-A-9" else "concerns 1 screen: SCR-A-1")


def test_the_same_device_under_another_name_is_a_likely_rename() -> None:
    before = screens(screen("SCR-OLD", {"a": "1"}, device={"publicKey": KEYS[0]}))
    after = screens(screen("SCR-NEW", {"b": "2"}, device={"publicKey": KEYS[0]}))
    assert likely_renames(before, after, ()) == [("SCR-OLD", "SCR-NEW")]
    assert likely_renames(before, after, [ScreenId("SCR-OLD")]) == []
    assert likely_renames(before, {**before, **after}, ()) == []


def test_alike_words_are_a_likely_rename_only_where_no_other_could_be_meant() -> None:
    before, after = screens(screen("SCR-OLD", {"a": "1"})), screens(screen("SCR-NEW", {"a": "1"}))
    assert likely_renames(before, after, ()) == [("SCR-OLD", "SCR-NEW")]
    two = screens(screen("SCR-NEW", {"a": "1"}), screen("SCR-NEWER", {"a": "1"}))
    assert likely_renames(before, two, ()) == []
    assert likely_renames(before, screens(screen("SCR-NEW", {"a": "2"})), ()) == []
