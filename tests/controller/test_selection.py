"""Which screens a schedule means: those it names, those of its groups, and those that carry all of its labels; its client's."""

from pathlib import Path

import pytest

from avtech_controller.compiler import compile_state
from avtech_controller.desired import require_state
from tests.controller.desired_files import MINIMAL, client, document, loaded

SCREENS = {
    "SCR-A-1": "{floor: '1'}",
    "SCR-A-2": "{floor: '1', area: shop}",
    "SCR-A-3": "{floor: '2', area: shop}",
    "SCR-A-4": "{}",
}
GROUPS = {
    "named": "{client: CLI-A, screens: [SCR-A-4, SCR-A-2]}",
    "labelled": "{client: CLI-A, matchLabels: {area: shop}}",
    "both": "{client: CLI-A, screens: [SCR-A-4], matchLabels: {area: shop, floor: '2'}}",
}


@pytest.mark.parametrize(
    ("selector", "numbers"),
    [
        ("{names: [SCR-A-3]}", "3"),
        ("{names: [SCR-A-3, SCR-A-1]}", "13"),
        ("{matchLabels: {area: shop}}", "23"),
        ("{matchLabels: {area: shop, floor: '1'}}", "2"),
        ("{groups: [named]}", "24"),
        ("{groups: [labelled]}", "23"),
        ("{groups: [both]}", "34"),
        ("{groups: [named, labelled]}", "234"),
        ("{names: [SCR-A-1], groups: [named], matchLabels: {floor: '2'}}", "1234"),
        ("{names: [SCR-A-1], matchLabels: {area: bar}}", "1"),
    ],
)
def test_a_schedule_means_all_that_any_part_of_its_selector_names(tmp_path: Path, selector: str, numbers: str) -> None:
    """Labels are held against all of them; another client's screen never has it, whatever labels it carries."""
    files = {
        **client("CLI-B"),
        **{f"fleet/CLI-A/screens/{n}.yaml": document("Screen", n, "client: CLI-A", labels=own) for n, own in SCREENS.items()},
        **{f"fleet/CLI-A/groups/{name}.yaml": document("Group", name, spec) for name, spec in GROUPS.items()},
        "fleet/CLI-A/s.yaml": document(
            "Schedule", "s", f"client: CLI-A\nscreens: {selector}\nrules: [{{play: house, from: '08:00'}}]"
        ),
    }
    other = MINIMAL["fleet/CLI-A/screens/one.yaml"].replace("-A", "-B").replace("floor", "area").replace('"1"', "shop")
    screens = compile_state(
        require_state(loaded(tmp_path, {**files, "fleet/CLI-A/screens/one.yaml": None, "fleet/CLI-B/screens/one.yaml": other}))
    )
    assert {name for name, screen in screens.items() if screen.manifest.rules} == {f"SCR-A-{number}" for number in numbers}
    assert "SCR-B-1" in screens
