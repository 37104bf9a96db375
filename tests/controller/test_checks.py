"""Resources held against each other: each check finds what it is for, at its place, and nothing else."""

from datetime import date
from pathlib import Path

import pytest

from tests.controller.desired_files import MINIMAL, client, codes, document, loaded, marked

CLIENT = "fleet/CLI-A/client.yaml"
SCREEN = "fleet/CLI-A/screens/one.yaml"
HOUSE = "fleet/CLI-A/playlists/house.yaml"
CLIP = "content-index/CLI-A/VID-A-ONE.yaml"
EXTRA = "fleet/CLI-A/extra.yaml"
TODAY = date(2026, 11, 24)


def schedule(rules: str, *, screens: str = "{names: [SCR-A-1]}") -> str:
    return document("Schedule", "s", f"client: CLI-A\nscreens: {screens}\nrules: {rules}")


def check(at: str, plays: str, *, screen: str = "SCR-A-1") -> str:
    return document("AirCheck", "c", f"client: CLI-A\nscreen: {screen}\nat: {at}\nplays: {plays}")


def test_the_minimal_state_has_no_finding(tmp_path: Path) -> None:
    found = loaded(tmp_path, client("CLI-B"))
    assert found.findings == ()
    assert found.screens == 2


DID_ZONE = 'did you mean "Europe/Madrid"?'


@pytest.mark.parametrize(
    ("path", "text", "code", "text_marked", "help_"),
    [
        (SCREEN, MINIMAL[SCREEN].replace("CLI-A", "CLI-AA"), "AVT201", "CLI-AA", 'did you mean "CLI-A"?'),
        (
            EXTRA,
            schedule("[{play: house}]", screens="{names: [SCR-A-2, SCR-A-1]}"),
            "AVT202",
            "SCR-A-2",
            'did you mean "SCR-A-1"?',
        ),
        (
            EXTRA,
            schedule("[{play: house}]", screens="{groups: [all], names: [SCR-A-1]}"),
            "AVT203",
            "all",
            "there is no group at all",
        ),
        (EXTRA, schedule("[{play: huose}]"), "AVT204", "huose", 'did you mean "house"?'),
        (HOUSE, MINIMAL[HOUSE] + "    - clip: VID-A-TWO\n", "AVT205", "VID-A-TWO", 'did you mean "VID-A-ONE"?'),
        (HOUSE, MINIMAL[HOUSE] + "    - playlist: hous\n", "AVT204", "hous", 'did you mean "house"?'),
        (CLIENT, MINIMAL[CLIENT].replace("house", "home"), "AVT204", "home", 'did you mean "house"?'),
        (SCREEN, MINIMAL[SCREEN] + "  fallback: xyz\n", "AVT204", "xyz", "there is house"),
        (EXTRA, check("2026-01-01T00:00", "VID-A-TWO"), "AVT205", "VID-A-TWO", 'did you mean "VID-A-ONE"?'),
        (EXTRA, check("2026-01-01T00:00", "house", screen="SCR-A-9"), "AVT202", "SCR-A-9", 'did you mean "SCR-A-1"?'),
        (EXTRA, document("Group", "g", "client: CLI-A\nscreens: [SCR-A-1, SCR-B-1]"), "AVT210", "SCR-B-1", ""),
        (HOUSE, MINIMAL[HOUSE] + "    - clip: VID-B-ONE\n", "AVT210", "VID-B-ONE", ""),
        (
            CLIENT,
            MINIMAL[CLIENT].replace("Europe/Madrid", "Europe/Madird"),
            "AVT213",
            "Europe/Madird",
            'did you mean "Europe/Madrid"?',
        ),
        (CLIENT, MINIMAL[CLIENT].replace("Europe/Madrid", "localtime"), "AVT213", "localtime", ""),
        (
            EXTRA,
            schedule("[{play: house}]", screens='{matchLabels: {floor: "2"}}'),
            "AVT214",
            '"2"',
            "values of floor of the client's screens: 1",
        ),
        (
            EXTRA,
            schedule("[{play: house}]", screens="{matchLabels: {flor: x}}"),
            "AVT214",
            "flor",
            'did you mean the label "floor"?',
        ),
        (
            EXTRA,
            document("Group", "g", "client: CLI-A\nmatchLabels: {x: y}"),
            "AVT214",
            "x",
            "labels of the client's screens: floor",
        ),
        (CLIP, MINIMAL[CLIP] + "  state: archived\n", "AVT411", "VID-A-ONE", ""),
        (CLIENT, MINIMAL[CLIENT] + "  storageQuotaBytes: 999\n", "AVT413", "999", ""),
    ],
)
def test_each_check_marks_its_place(tmp_path: Path, path: str, text: str, code: str, text_marked: str, help_: str) -> None:
    found = loaded(tmp_path, {**client("CLI-B"), path: text})
    assert codes(found) == [code]
    assert marked(found) == text_marked
    if help_:
        assert found.findings[0].help == help_


def test_a_misspelt_label_shows_the_nearest_and_the_screens_that_carry_it(tmp_path: Path) -> None:
    labelled = MINIMAL[SCREEN].replace('floor: "1"', "area: canteen")
    found = loaded(tmp_path, {SCREEN: labelled, EXTRA: schedule("[{play: house}]", screens="{matchLabels: {area: kanteen}}")})
    finding = found.findings[0]
    assert (finding.code, marked(found), finding.help) == ("AVT214", "kanteen", 'did you mean "canteen"?')
    assert finding.label == "no screen of CLI-A has area: kanteen"
    assert [(place.file, text) for place, text in finding.related] == [(SCREEN, "a similar label is here")]
    assert finding.impact == "concerns 1 screen: SCR-A-1"


def test_another_clients_playlist_is_told_from_a_missing_one(tmp_path: Path) -> None:
    other = client("CLI-B")
    other["fleet/CLI-B/playlists/special.yaml"] = other["fleet/CLI-B/playlists/house.yaml"].replace("house", "special")
    found = loaded(tmp_path, {**other, EXTRA: schedule("[{play: special}]")})
    assert codes(found) == ["AVT210"]
    (place, text), *_ = found.findings[0].related
    assert (place.file, text) == ("fleet/CLI-B/playlists/special.yaml", "it is CLI-B's")


def test_a_missing_name_shows_the_similar_one_and_whom_it_touches(tmp_path: Path) -> None:
    finding = loaded(tmp_path, {EXTRA: schedule("[{play: huose}]")}).findings[0]
    assert [(place.file, place.line, text) for place, text in finding.related] == [(HOUSE, 4, "a similar name is here")]
    assert finding.impact == "1 screen would not compile: SCR-A-1"


def test_a_name_used_twice_shows_both_places(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"fleet/CLI-A/screens/two.yaml": MINIMAL[SCREEN]})
    assert codes(found) == ["AVT206"]
    finding = found.findings[0]
    assert finding.place.file == "fleet/CLI-A/screens/two.yaml"
    assert [place.file for place, _ in finding.related] == [SCREEN]
    assert finding.impact == "1 screen would not compile: SCR-A-1"


def test_screens_with_the_same_limited_fallback_make_one_finding(tmp_path: Path) -> None:
    files = {
        HOUSE: MINIMAL[HOUSE].replace("clip: VID-A-ONE", "{clip: VID-A-ONE, validUntil: 2027-01-01}"),
        "fleet/CLI-A/screens/two.yaml": MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-2"),
    }
    found = loaded(tmp_path, files)
    assert codes(found) == ["AVT305"]
    assert found.findings[0].impact == "concerns 2 screens: SCR-A-1, SCR-A-2"


def test_two_clients_may_use_one_slug_but_not_one_screen(tmp_path: Path) -> None:
    other = client("CLI-B")
    assert loaded(tmp_path / "a", other).findings == ()
    other["fleet/CLI-B/screens/one.yaml"] = other["fleet/CLI-B/screens/one.yaml"].replace("SCR-B-1", "SCR-A-1")
    assert codes(loaded(tmp_path / "b", other)) == ["AVT206"]


def test_exactly_one_fleet_must_exist(tmp_path: Path) -> None:
    fleet = MINIMAL["fleet/fleet.yaml"]
    assert codes(loaded(tmp_path / "none", {"fleet/fleet.yaml": None})) == ["AVT207"]
    assert codes(loaded(tmp_path / "two", {"fleet/other.yaml": fleet})) == ["AVT208"]
    assert codes(loaded(tmp_path / "named", {"fleet/other.yaml": fleet.replace("name: fleet", "name: b")})) == ["AVT208"]
    assert codes(loaded(tmp_path / "faulty", {"fleet/fleet.yaml": fleet.replace("{}", "{x: 1}")})) == ["AVT122"]


def test_an_empty_answer_is_never_trusted(tmp_path: Path) -> None:
    assert codes(loaded(tmp_path / "screens", {SCREEN: None})) == ["AVT209"]
    everything = dict.fromkeys(MINIMAL)
    (tmp_path / "nothing").mkdir()
    found = loaded(tmp_path / "nothing", everything)
    assert found.state is None
    assert codes(found) == ["AVT207", "AVT209"]


def test_a_circle_of_playlists_is_found_once_with_its_way(tmp_path: Path) -> None:
    def playlist(name: str, nested: str) -> str:
        return document("Playlist", name, f"client: CLI-A\nitems: [{{clip: VID-A-ONE}}, {{playlist: {nested}}}]")

    circle = {"fleet/CLI-A/p.yaml": "---\n".join(playlist(a, b) for a, b in (("a", "b"), ("b", "c"), ("c", "a")))}
    found = loaded(tmp_path / "circle", circle)
    assert codes(found) == ["AVT211"]
    assert found.findings[0].label == "a > b > c > a"
    assert codes(loaded(tmp_path / "self", {"fleet/CLI-A/p.yaml": playlist("a", "a")})) == ["AVT211"]


def test_a_diamond_of_playlists_is_no_circle_and_a_long_chain_is_no_burden(tmp_path: Path) -> None:
    def playlist(name: str, *nested: str) -> str:
        items = "".join(f"\n  - playlist: {other}" for other in nested) or "\n  - clip: VID-A-ONE"
        return document("Playlist", name, f"client: CLI-A\nitems:{items}")

    diamond = [playlist("top", "left", "right"), playlist("left", "end"), playlist("right", "end"), playlist("end")]
    chain = [playlist(f"p{n}", f"p{n + 1}") for n in range(1500)] + [playlist("p1500", "end")]
    files = {"fleet/CLI-A/p.yaml": "---\n".join(diamond + chain), EXTRA: schedule("[{play: top}, {play: p0}]")}
    assert loaded(tmp_path, files).findings == ()


def test_a_file_in_another_clients_folder_is_a_warning(tmp_path: Path) -> None:
    files = {**client("CLI-B"), "fleet/CLI-B/screens/stray.yaml": MINIMAL[SCREEN].replace("SCR-A-1", "SCR-A-2")}
    found = loaded(tmp_path, files)
    assert codes(found) == ["AVT212"]
    assert found.state is not None
    assert found.findings[0].help == "move it to fleet/CLI-A/"


def test_a_screen_with_nothing_to_play_is_an_error(tmp_path: Path) -> None:
    found = loaded(tmp_path, {CLIENT: MINIMAL[CLIENT].replace("  fallback: house\n", "")})
    assert codes(found) == ["AVT302"]
    assert found.findings[0].impact == "1 screen would not compile: SCR-A-1"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{play: house}", []),
        ("{play: house, from: '00:00', until: '24:00'}", []),
        ("{play: house, from: '08:00'}", ["AVT305"]),
        ("{play: house, days: [mon]}", ["AVT305"]),
        ("{play: house, maxPlaysPerHour: 3}", ["AVT305"]),
        ("{play: house, except: [2026-12-25]}", ["AVT305"]),
    ],
)
def test_a_screen_that_could_go_black_at_times_is_a_warning(tmp_path: Path, rule: str, expected: list[str]) -> None:
    files = {CLIENT: MINIMAL[CLIENT].replace("  fallback: house\n", ""), EXTRA: schedule(f"[{rule}]")}
    assert codes(loaded(tmp_path, files)) == expected


def test_screens_that_could_go_black_for_one_cause_are_one_finding(tmp_path: Path) -> None:
    more = "---\n".join(document("Screen", f"SCR-A-{n}", "client: CLI-A") for n in range(2, 9))
    no_fallback = {CLIENT: MINIMAL[CLIENT].replace("  fallback: house\n", ""), "fleet/CLI-A/more.yaml": more}
    found = loaded(tmp_path / "never", {**no_fallback, HOUSE: None, CLIP: None})
    assert codes(found) == ["AVT302"]
    assert found.findings[0].message == "SCR-A-1 and 7 more have nothing to play: no rule and no fallback"
    assert found.findings[0].impact == "8 screens would not compile: SCR-A-1, SCR-A-2, SCR-A-3 and 5 more"
    some = schedule("[{play: house, days: [mon]}]", screens="{names: [SCR-A-1, SCR-A-2, SCR-A-3]}")
    found = loaded(tmp_path / "times", {**no_fallback, EXTRA: some})
    assert {(finding.code, finding.message) for finding in found.findings if finding.code != "AVT310"} == {
        ("AVT305", "SCR-A-1 and 2 more could go black: at times none of their rules can play, and they have no fallback"),
        ("AVT302", "SCR-A-4 and 4 more have nothing to play: no rule and no fallback"),
    }


def test_a_screen_that_a_check_names_and_that_is_not_there_is_told_at_the_check_alone(tmp_path: Path) -> None:
    found = loaded(tmp_path, {EXTRA: check("2026-01-01T00:00", "house", screen="SCR-A-9")})
    (finding,) = found.findings
    assert (finding.code, finding.place.file, marked(found)) == ("AVT202", EXTRA, "SCR-A-9")
    assert (finding.help, finding.impact) == ('did you mean "SCR-A-1"?', "")


def test_a_screen_that_a_schedule_names_and_that_is_not_there_leaves_no_gap_to_tell_of(tmp_path: Path) -> None:
    powered = MINIMAL[SCREEN] + "  display: {powerHours: {from: '08:00', until: '20:00'}}\n"
    morning = schedule("[{play: house, from: '08:00', until: '12:00'}]")
    rest = schedule("[{play: house, from: '12:00', until: '20:00'}]", screens="{names: [SCR-A-11]}").replace(
        "name: s", "name: r"
    )
    found = loaded(tmp_path, {SCREEN: powered, EXTRA: f"{morning}---\n{rest}"}, TODAY)
    assert codes(found) == ["AVT202"]


def test_a_fallback_that_holds_only_limited_clips_is_a_warning(tmp_path: Path) -> None:
    rights = {CLIP: MINIMAL[CLIP] + "  rights: {until: 2027-01-01}\n"}
    assert codes(loaded(tmp_path / "rights", rights)) == ["AVT305"]
    dated = {HOUSE: MINIMAL[HOUSE] + "      validFrom: 2027-01-01\n"}
    assert codes(loaded(tmp_path / "dated", dated)) == ["AVT305"]


def test_a_rule_that_never_plays_is_a_warning(tmp_path: Path) -> None:
    monday = "{play: house, days: [tue], validFrom: 2026-11-23, validUntil: 2026-11-23}"
    found = loaded(tmp_path, {EXTRA: schedule(f"[{monday}]")})
    assert codes(found) == ["AVT304"]
    assert marked(found) == "validUntil"


@pytest.mark.parametrize(
    ("at", "plays", "holds"),
    [
        ("2026-11-23T10:00", "day", True),
        ("2026-11-23T10:00", "VID-A-ONE", True),
        ("2026-11-23T09:00:00Z", "day", True),
        ("2026-11-23T10:00:00+01:00", "day", True),
        ("2026-11-23T07:59:59", "day", False),
        ("2026-11-23T08:00:00Z", "day", True),
        ("2026-11-23T07:00:00Z", "day", True),
        ("2026-11-23T06:59:59Z", "day", False),
        ("2026-11-23T18:00", "day", False),
        ("2026-11-23T18:00", "house", True),
    ],
)
def test_an_air_check_is_held_against_the_schedule(tmp_path: Path, at: str, plays: str, holds: bool) -> None:
    day = document("Playlist", "day", "client: CLI-A\nitems: [{clip: VID-A-ONE}]")
    files = {EXTRA: "---\n".join([day, schedule("[{play: day, from: '08:00', until: '18:00'}]"), check(at, plays)])}
    found = loaded(tmp_path, files)
    assert codes(found) == ([] if holds else ["AVT301"])
    if not holds:
        assert marked(found) == plays
        assert "on air then: " in found.findings[0].label


def test_a_clip_in_no_playlist_is_a_warning(tmp_path: Path) -> None:
    spare = MINIMAL[CLIP].replace("VID-A-ONE", "VID-A-SPARE")
    found = loaded(tmp_path / "active", {"content-index/CLI-A/spare.yaml": spare})
    assert codes(found) == ["AVT412"]
    assert found.state is not None
    archived = {"content-index/CLI-A/spare.yaml": spare + "  state: archived\n"}
    assert loaded(tmp_path / "archived", archived).findings == ()


def test_the_quota_counts_equal_files_once(tmp_path: Path) -> None:
    files = {
        "content-index/CLI-A/again.yaml": MINIMAL[CLIP].replace("VID-A-ONE", "VID-A-AGAIN"),
        HOUSE: MINIMAL[HOUSE] + "    - clip: VID-A-AGAIN\n",
        CLIENT: MINIMAL[CLIENT] + "  storageQuotaBytes: 1000\n",
    }
    assert loaded(tmp_path, files).findings == ()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{play: house, from: '02:15', until: '02:45'}", "does not play on 2027-03-28 in Europe/Madrid"),
        ("{play: house, from: '22:00', until: '06:00'}", "is on air for 7:00 h instead of 8:00 h on 2027-03-27"),
        ("{play: house, from: '22:00', until: '06:00', days: [sun]}", ""),
        ("{play: house, from: '01:00', until: '05:00', validFrom: 2027-06-01}", "5:00 h instead of 4:00 h on 2027-10-31"),
        ("{play: house, from: '01:00', until: '05:00', except: [2027-03-28, 2027-10-31]}", ""),
        ("{play: house, from: '01:00', until: '05:00', validFrom: 2026-11-01, rrule: FREQ=MONTHLY;BYMONTHDAY=1}", ""),
        ("{play: house, from: '08:00', until: '20:00'}", ""),
        ("{play: house}", ""),
    ],
)
def test_a_rule_that_a_change_of_the_clocks_alters_is_a_warning(tmp_path: Path, rule: str, words: str) -> None:
    files = {EXTRA: schedule(f"[{rule}]")}
    found = loaded(tmp_path, files, today=date(2026, 11, 24))
    assert codes(found) == (["AVT306"] if words else [])
    assert found.state is not None
    if words:
        assert words in found.findings[0].message
    assert loaded(tmp_path, files).findings == ()
