"""What is wrong with one resource: the right code, at the right place, in words an editor understands."""

from pathlib import Path

import pytest

from tests.controller.desired_files import MINIMAL, codes, document, loaded, marked

SCREEN = "fleet/CLI-A/screens/one.yaml"
HOUSE = "fleet/CLI-A/playlists/house.yaml"
SCHEDULE = "fleet/CLI-A/schedules/s.yaml"


def schedule(rule: str) -> dict[str, str]:
    return {SCHEDULE: document("Schedule", "s", f"client: CLI-A\nscreens: {{names: [SCR-A-1]}}\nrules:\n  - {rule}\n")}


def screen(old: str, new: str) -> dict[str, str]:
    assert old in MINIMAL[SCREEN]
    return {SCREEN: MINIMAL[SCREEN].replace(old, new)}


def items(item: str) -> dict[str, str]:
    return {HOUSE: document("Playlist", "house", f"client: CLI-A\nitems:\n  - clip: VID-A-ONE\n  - {item}\n")}


NEVER = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
NO_PREFIX = "leave `RRULE:` out"
EVERY = "write it like FREQ=WEEKLY;INTERVAL=2;BYDAY=MO; for certain days of every week, `days` will do"
NO_ZONE = 'write the time of the clock beside the screen, without a zone, like "2026-12-24T18:30:00"'
NO_FILE = "name its entry in content-index/, VID-…, not the file; `avtech content list` shows all"
IN_PLAYLIST = "a rule plays a playlist: put the clip into one, and write `play:` and its name"
IN_RULES = "it belongs into a rule of a schedule, beside `play`"
IN_GROUPS = "a group lists screens by name, `screens: [SCR-…]`; `matchLabels` stands beside that, right below `spec`"

CASES = [
    (screen("kind: Screen", "kind: Screne"), "AVT120", "Screne", 'did you mean "Screen"?'),
    (screen("kind: Screen", "Kind: Screen"), "AVT120", "apiVersion", 'did you mean `kind` instead of "Kind"?'),
    (screen("kind: Screen", "kind: [Screen]"), "AVT120", "kind", ""),
    (screen("avtech/v1", "avtech/v2"), "AVT121", "avtech/v2", "write `apiVersion: avtech/v1`"),
    (screen("apiVersion: avtech/v1\n", ""), "AVT121", "kind", "write `apiVersion: avtech/v1`"),
    (screen("spec:\n", "spec:\n  timezone: Europe/Madrid\n"), "AVT122", "timezone", 'did you mean "timeZone"?'),
    (screen("spec:\n", "spec:\n  display: {orientaton: portrait}\n"), "AVT122", "orientaton", 'did you mean "orientation"?'),
    (screen("  client: CLI-A", "  title: x"), "AVT123", "spec", ""),
    (screen('"1"', "1"), "AVT124", "1", 'write it in quotes: "1"'),
    (screen('"1"', "true"), "AVT124", "true", 'write it in quotes: "true"'),
    (screen("spec:\n", "spec:\n  display: {orientation: portait}\n"), "AVT125", "portait", 'did you mean "portrait"?'),
    (screen("spec:\n", "spec:\n  display: {resolution: 1920*1080}\n"), "AVT126", "1920*1080", ""),
    (screen("SCR-A-1", "scr-a-1"), "AVT128", "scr-a-1", ""),
    (screen("SCR-A-1", f"SCR-{'A' * 70}"), "AVT128", f"SCR-{'A' * 70}", ""),
    (schedule("{play: house, days: [Mon]}"), "AVT125", "Mon", 'did you mean "mon"?'),
    (schedule("{play: house, days: mon}"), "AVT124", "mon", "write a list: [mon]"),
    (schedule("{play: house, priority: 101}"), "AVT126", "101", ""),
    (schedule("{play: house, weight: '2'}"), "AVT124", "'2'", "write it without quotes"),
    (schedule("{play: house, emergency: yes}"), "AVT124", "yes", "write true or false (yes, no, on and off are plain words)"),
    (schedule("{play: house, from: 8:30}"), "AVT126", "8:30", 'did you mean "08:30"?'),
    (schedule("{play: house, validFrom: 2026-02-30}"), "AVT126", "2026-02-30", ""),
    (schedule("{play: house, from: '10:00', until: '10:00'}"), "AVT127", "'10:00'", ""),
    (schedule("{play: house, emergency: true}"), "AVT127", "true", ""),
    (schedule("{play: house, validFrom: 2026-12-02, validUntil: 2026-12-01}"), "AVT127", "2026-12-01", ""),
    (schedule("{play: house, validFrom: 2026-01-01, rrule: FREQ=HOURLY}"), "AVT303", "FREQ=HOURLY", ""),
    (schedule("{play: house, untill: '10:00'}"), "AVT122", "untill", 'did you mean "until"?'),
    (schedule("{play: house, end: '10:00'}"), "AVT122", "end", 'did you mean "until"?'),
    (schedule("{clip: VID-A-ONE}"), "AVT122", "clip", IN_PLAYLIST),
    (schedule("{playlist: house}"), "AVT122", "playlist", 'did you mean "play"?'),
    (schedule("house"), "AVT124", "house", "write `play: house`"),
    (schedule(f"{{play: house, validFrom: 2026-01-01, from: '10:00', rrule: {NEVER}}}"), "AVT127", NEVER, ""),
    (schedule("{play: house, validFrom: 2026-01-01, rrule: 'RRULE:FREQ=DAILY'}"), "AVT303", "'RRULE:FREQ=DAILY'", NO_PREFIX),
    (schedule("{play: house, validFrom: 2026-01-01, rrule: every week}"), "AVT303", "every week", EVERY),
    (schedule("{play: house, validFrom: 2026-12-24 18:30}"), "AVT126", "2026-12-24 18:30", 'did you mean "2026-12-24T18:30"?'),
    (schedule("{play: house, validFrom: 2026-12-24T6pm}"), "AVT126", "2026-12-24T6pm", 'did you mean "2026-12-24T18:00"?'),
    (schedule("{play: house, validFrom: 2026-12-24T18:30:00Z}"), "AVT126", "2026-12-24T18:30:00Z", NO_ZONE),
    (schedule("{play: house, except: [2026-12-24T18:30]}"), "AVT126", "2026-12-24T18:30", 'write the day alone: "2026-12-24"'),
    (items("{clip: vid-a-one}"), "AVT126", "vid-a-one", 'did you mean "VID-A-ONE"?'),
    (items("{clip: one.mp4}"), "AVT126", "one.mp4", NO_FILE),
    (items("VID-A-ONE"), "AVT124", "VID-A-ONE", "write `clip: VID-A-ONE`"),
    (items("{clip: VID-A-ONE, maxPlaysPerHour: 4}"), "AVT122", "maxPlaysPerHour", IN_RULES),
    ({"fleet/g.yaml": document("Group", "g", "client: CLI-A\nscreens: {matchLabels: {a: b}}")}, "AVT124", "screens", IN_GROUPS),
]


@pytest.mark.parametrize(("files", "code", "text", "help_"), CASES, ids=[f"{case[1]}-{case[2][:20]}" for case in CASES])
def test_each_mistake_is_found_at_its_place(tmp_path: Path, files: dict[str, str], code: str, text: str, help_: str) -> None:
    found = loaded(tmp_path, files)
    assert found.state is None
    assert codes(found) == [code]
    assert marked(found) == text
    if help_:
        assert found.findings[0].help == help_
    words = f"{found.findings[0].message} {found.findings[0].label}"
    assert not any(jargon in words for jargon in ("pydantic", "Input should", "Value error", "https://", "type="))


def test_every_mistake_is_told_at_once_in_order_of_place(tmp_path: Path) -> None:
    files = {
        **schedule("{play: nothing, days: [Mon], priority: 200}"),
        SCREEN: MINIMAL[SCREEN].replace("spec:", "spec:\n  tilte: x\n  orientation: x"),
        "fleet/broken.yaml": "a: [",
        "fleet/zz.yaml": "kind: Nothing\n",
    }
    found = loaded(tmp_path, files)
    assert codes(found) == ["AVT125", "AVT126", "AVT122", "AVT122", "AVT101", "AVT120"]
    assert [finding.place for finding in found.findings] == sorted(finding.place for finding in found.findings)


def test_a_faulty_schedule_says_which_screens_it_touches(tmp_path: Path) -> None:
    found = loaded(tmp_path, schedule("{play: house, priority: 101}"))
    assert found.findings[0].impact == "1 screen would not compile: SCR-A-1"


def test_a_faulty_resource_still_counts_as_existing(tmp_path: Path) -> None:
    playlist = MINIMAL["fleet/CLI-A/playlists/house.yaml"].replace("items:", "itmes:")
    found = loaded(tmp_path, {"fleet/CLI-A/playlists/house.yaml": playlist})
    assert codes(found) == ["AVT122"]


def test_names_in_a_file_that_cannot_be_read_are_not_called_missing(tmp_path: Path) -> None:
    playlist = MINIMAL["fleet/CLI-A/playlists/house.yaml"] + "  bad: [\n"
    found = loaded(tmp_path, {"fleet/CLI-A/playlists/house.yaml": playlist})
    assert codes(found) == ["AVT101"]


def test_a_second_document_has_its_own_places(tmp_path: Path) -> None:
    second = MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-2").replace("CLI-A", "CLI-Z")
    found = loaded(tmp_path, {SCREEN: MINIMAL[SCREEN] + "---\n" + second})
    assert codes(found) == ["AVT201"]
    assert found.findings[0].place.line == 15
    assert marked(found) == "CLI-Z"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~\n", "---\n---\n...\n"])
def test_a_file_without_a_resource_is_a_finding(tmp_path: Path, text: str) -> None:
    assert codes(loaded(tmp_path, {"fleet/empty.yaml": text})) == ["AVT102"]


@pytest.mark.parametrize("text", ["- a\n", "text\n", "12\n"])
def test_a_document_that_is_no_mapping_is_a_finding(tmp_path: Path, text: str) -> None:
    assert codes(loaded(tmp_path, {"fleet/list.yaml": text})) == ["AVT110"]


def test_one_hopeless_file_does_not_bury_the_others(tmp_path: Path) -> None:
    keys = "".join(f"  wrong{number}: 1\n" for number in range(1000))
    found = loaded(tmp_path, {SCREEN: MINIMAL[SCREEN] + keys, "fleet/zz.yaml": "kind: Nothing\n"})
    assert len(found.findings) == 102
    assert "AVT129" in codes(found)
    assert "AVT120" in codes(found)
