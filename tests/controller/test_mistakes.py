"""Slips of people who are no programmers, each in an otherwise good state: one finding, at its place, that says what to do."""

from datetime import date
from pathlib import Path

import pytest

from avtech_controller.findings import Finding
from tests.controller.desired_files import document, loaded, write
from tests.controller.slips import CHECK, CLIENT, DAY, HALLS, LOBBY, LUNCH, ON_BOTH, ON_LOBBY, SCENE, SLIPS, SOUP, Edit, swap

TODAY = date(2026, 11, 24)


def found_in(root: Path, path: str, edit: Edit, to: str | None = None) -> tuple[Finding, ...]:
    scene: dict[str, str | bytes | None] = dict(SCENE)
    scene[to or path] = edit(str(scene[path]))
    if to:
        scene[path] = None
    return loaded(root, scene, TODAY).findings


def under_the_caret(root: Path, finding: Finding) -> str:
    place = finding.place
    data = (root / place.file).read_bytes().decode("utf-8-sig", "replace").replace("\r\n", "\n")
    assert place.line == place.end_line
    return data.split("\n")[place.line - 1][place.column - 1 : place.end_column - 1]


def test_nothing_is_wrong_with_the_scene(tmp_path: Path) -> None:
    assert found_in(tmp_path, DAY, str) == ()


@pytest.mark.parametrize("slip", SLIPS)
def test_one_slip_is_one_finding(tmp_path: Path, slip: str) -> None:
    path, edit, code, text, help_, impact = SLIPS[slip]
    (finding,) = found_in(tmp_path, path, edit)
    assert (finding.code, under_the_caret(tmp_path, finding)) == (code, text)
    assert (finding.help, finding.impact) == (help_, impact)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        swap(("The day", "☕ The day")),
        swap(("day\n  labels: {}", "day\n  labels: {team: off}")),
    ],
    ids=["Windows line ends", "a byte order mark", "an emoji in a title", "off is a word"],
)
def test_what_is_no_mistake_is_not_told(tmp_path: Path, edit: Edit) -> None:
    assert found_in(tmp_path, DAY, edit) == ()


@pytest.mark.parametrize("text", ["", "\n\n", "# to do\n"])
def test_an_empty_file_is_told_to_be_empty(tmp_path: Path, text: str) -> None:
    scene = {**SCENE, "fleet/CLI-ACME/playlists/new.yaml": text}
    (finding,) = loaded(tmp_path, scene, TODAY).findings
    assert (finding.code, finding.place.file) == ("AVT102", "fleet/CLI-ACME/playlists/new.yaml")


def test_a_file_in_another_clients_folder_is_told_once(tmp_path: Path) -> None:
    (finding,) = found_in(tmp_path, LUNCH, str, to="fleet/CLI-B/playlists/lunch.yaml")
    assert (finding.code, finding.help) == ("AVT212", "move it to fleet/CLI-ACME/")


def test_a_missing_client_is_one_finding_however_much_it_owns(tmp_path: Path) -> None:
    (finding,) = loaded(tmp_path, {**SCENE, CLIENT: None}, TODAY).findings
    assert (finding.code, finding.message) == ("AVT201", 'client "CLI-ACME" does not exist, but 10 resources belong to it')
    assert finding.impact == ON_BOTH
    assert finding.help.startswith("write fleet/CLI-ACME/client.yaml")


def test_a_misspelt_client_does_not_hide_what_else_is_wrong_in_the_file(tmp_path: Path) -> None:
    findings = found_in(tmp_path, LUNCH, swap(("CLI-ACME", "CLI-ACEM"), ("weight: 2", "weight: two")))
    assert [finding.code for finding in findings] == ["AVT201", "AVT124"]
    assert {finding.impact for finding in findings} == {ON_LOBBY}
    findings = found_in(tmp_path, LUNCH, swap(("CLI-ACME", "CLI-ACEM"), ("VID-ACME-HELLO", "VID-ACME-HALLO")))
    assert [finding.code for finding in findings] == ["AVT201", "AVT205"]


def test_a_clip_that_is_gone_is_one_finding_however_often_it_is_named(tmp_path: Path) -> None:
    lists = {
        f"fleet/CLI-ACME/playlists/p{n}.yaml": document("Playlist", f"p{n}", "client: CLI-ACME\nitems: [{clip: VID-ACME-SOUP}]")
        for n in range(5)
    }
    (finding,) = loaded(tmp_path, {**SCENE, **lists, SOUP: None}, TODAY).findings
    assert finding.message == 'clip "VID-ACME-SOUP" does not exist, but 6 places name it'
    assert [text for _, text in finding.related][:2] == ["it is named here, too", "here, too, and in 3 more places"]
    assert finding.impact == ON_LOBBY


@pytest.mark.parametrize("line", range(1, len(str(SCENE[LUNCH]).splitlines())))
def test_a_stray_marker_is_one_finding_wherever_it_cuts(tmp_path: Path, line: int) -> None:
    lines = str(SCENE[LUNCH]).split("\n")
    cut = "\n".join([*lines[:line], "---", *lines[line:]])
    (finding,) = loaded(tmp_path, {**SCENE, LUNCH: cut}, TODAY).findings
    assert (finding.code, finding.impact) == ("AVT115", ON_LOBBY)
    assert (under_the_caret(tmp_path, finding), finding.place.line) == ("---", line + 1)


def test_a_marker_between_whole_resources_is_no_slip(tmp_path: Path) -> None:
    both = f"---\n{SCENE[LUNCH]}--- # the next\n{SCENE[DAY]}...\n---\n# nothing more\n"
    assert loaded(tmp_path, {**SCENE, LUNCH: both, DAY: None}, TODAY).state
    spare = str(SCENE[LUNCH]).replace("apiVersion: avtech/v1\nkind: Playlist\n", "").replace("lunch", "supper")
    (finding,) = loaded(tmp_path, {**SCENE, LUNCH: f"{SCENE[LUNCH]}---\n{spare}"}, TODAY).findings
    assert finding.code == "AVT120"


@pytest.mark.parametrize("path", [LOBBY, LUNCH, DAY, HALLS, SOUP, CLIENT])
@pytest.mark.parametrize("edit", [swap(("metadata:", "metadata:\n  lable: x")), lambda text: text + "  : [\n"])
def test_nothing_follows_from_a_file_that_cannot_be_used(tmp_path: Path, path: str, edit: Edit) -> None:
    (finding,) = found_in(tmp_path, path, edit)
    assert finding.place.file == path
    assert finding.impact


def test_nothing_follows_from_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, {"elsewhere.yaml": str(SCENE[LUNCH])})
    (tmp_path / LUNCH).parent.mkdir(parents=True)
    (tmp_path / LUNCH).symlink_to(tmp_path / "elsewhere.yaml")
    (finding,) = loaded(tmp_path, {**SCENE, LUNCH: None}, TODAY).findings
    assert (finding.code, finding.place.file) == ("AVT111", LUNCH)


def test_a_short_window_that_lasts_till_tomorrow_is_taken_for_swapped(tmp_path: Path) -> None:
    swapped = str(SCENE[DAY]).replace('"12:30"', "LATE").replace('"15:00"', '"12:30"').replace("LATE", '"15:00"')
    (finding,) = loaded(tmp_path, {**SCENE, DAY: swapped, CHECK: None}, TODAY).findings
    assert (finding.code, under_the_caret(tmp_path, finding)) == ("AVT317", '"15:00"')
    night = str(SCENE[DAY]).replace('from: "12:30"', 'from: "22:00"').replace('"15:00"', '"06:00"')
    assert [found.code for found in loaded(tmp_path, {**SCENE, DAY: night, CHECK: None}, TODAY).findings] == ["AVT306"]


def test_a_selected_screen_that_is_faulty_counts_among_those_touched(tmp_path: Path) -> None:
    scene = {**SCENE, LOBBY: str(SCENE[LOBBY]).replace("client:", "colour: red\n  client:")}
    findings = loaded(tmp_path, {**scene, DAY: str(SCENE[DAY]).replace("lunch", "lnch")}, TODAY).findings
    assert {finding.code: finding.impact for finding in findings} == {"AVT122": ON_LOBBY, "AVT204": ON_LOBBY}


def test_a_group_that_is_faulty_tells_whom_it_touches(tmp_path: Path) -> None:
    (finding,) = found_in(tmp_path, HALLS, swap(("screens:", "screns:")))
    assert (finding.code, finding.impact) == ("AVT122", "1 screen would not compile: SCR-ACME-HALL")


def test_a_fleet_that_is_faulty_brings_no_warning_that_it_would_turn_off(tmp_path: Path) -> None:
    powered = str(SCENE[LOBBY]) + "  display: {powerHours: {from: '00:00', until: '24:00'}}\n"
    quiet = document("Fleet", "fleet", "checks: {gaps: ignore}")
    assert loaded(tmp_path, {**SCENE, LOBBY: powered, "fleet/fleet.yaml": quiet}, TODAY).findings == ()
    broken = quiet.replace("spec:", "sepc:")
    assert [f.code for f in loaded(tmp_path, {**SCENE, LOBBY: powered, "fleet/fleet.yaml": broken}, TODAY).findings] == [
        "AVT122"
    ]
