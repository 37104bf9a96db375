"""Checks of what rules mean together: each fires at its place where it should, and stays silent where it should not."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from avtech_controller.desired import Loaded
from tests.controller.desired_files import MINIMAL, codes, document, loaded, marked

TODAY = date(2026, 11, 24)
CLIENT = "fleet/CLI-A/client.yaml"
SCREEN = "fleet/CLI-A/screens/one.yaml"
HOUSE = "fleet/CLI-A/playlists/house.yaml"
CLIP = "content-index/CLI-A/VID-A-ONE.yaml"
FLEET = "fleet/fleet.yaml"
TWO = CLIP.replace("ONE", "TWO")
EXTRA = "fleet/CLI-A/extra.yaml"


def clip(name: str = "VID-A-TWO", more: str = "", *, seconds: int = 5, size: str = "width: 640, height: 360") -> str:
    text = MINIMAL[CLIP].replace("VID-A-ONE", name).replace("durationMs: 5000", f"durationMs: {seconds * 1000}")
    return text.replace("width: 640, height: 360", size) + more


def playlist(name: str, *items: str) -> str:
    return document("Playlist", name, "client: CLI-A\nitems:\n" + "".join(f"  - {item}\n" for item in items))


def schedule(*rules: str, name: str = "s", screens: str = "{names: [SCR-A-1]}") -> str:
    listed = "".join(f"  - {rule}\n" for rule in rules)
    return document("Schedule", name, f"client: CLI-A\nscreens: {screens}\nrules:\n{listed}")


def screen(name: str, spec: str = "", labels: str = "{}") -> str:
    return document("Screen", name, f"client: CLI-A\n{spec}", labels=labels)


def found(root: Path, *documents: str, files: dict[str, str] | None = None, only: str = "", endings: bool = False) -> Loaded:
    """What is found; that programmes end and rules are over, which has tests of its own, only with `endings`."""
    plain = {CLIENT: MINIMAL[CLIENT].replace("Europe/Madrid", "Etc/UTC"), EXTRA: "---\n".join(documents)}
    state = loaded(root, {**plain, **(files or {})}, today=TODAY)
    if not endings:
        state = replace(state, findings=tuple(one for one in state.findings if one.code not in ("AVT315", "AVT316")))
    if only:
        assert set(codes(state)) <= {only}, [finding.message for finding in state.findings]
    return state


# --- AVT307: covered by higher priorities


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("{play: house, from: '08:00', until: '12:00'}", "{play: house, priority: 5}"),
        ("{play: house, from: '08:00', until: '12:00'}", "{play: house, from: '08:00', until: '12:00', priority: 5}"),
        ("{play: house, days: [sat]}", "{play: house, days: [sat, sun], priority: 5}"),
        ("{play: house, from: '23:00', until: '01:00'}", "{play: house, from: '22:00', until: '02:00', priority: 5}"),
        (
            "{play: house, days: [sun], from: '23:00', until: '01:00'}",
            "{play: house, days: [sun], from: '22:00', until: '02:00', priority: 5}",
        ),
        ("{play: house, validFrom: 2026-12-01, validUntil: 2026-12-24}", "{play: house, validUntil: 2026-12-31, priority: 5}"),
        (
            "{play: house, validFrom: 2026-12-01, validUntil: 2026-12-24}",
            "{play: house, validFrom: 2026-12-01, validUntil: 2026-12-24, priority: 5}",
        ),
        ("{play: house, except: [2026-12-25]}", "{play: house, except: [2026-12-25], priority: 5}"),
        ("{play: house, validFrom: 2026-01-01, rrule: FREQ=MONTHLY}", "{play: house, priority: 5}"),
        ("{play: house, maxPlaysPerHour: 3}", "{play: house, priority: 5}"),
        ("{play: house, from: '08:00:30', until: '08:00:40'}", "{play: house, from: '08:00', until: '08:01', priority: 5}"),
        ("{play: house, priority: 100, validUntil: 2026-12-24}", "{play: house, emergency: true, validUntil: 2026-12-24}"),
    ],
)
def test_a_rule_that_others_cover_is_found(tmp_path: Path, low: str, high: str) -> None:
    state = found(tmp_path, schedule(low, high), only="AVT307")
    assert codes(state) == ["AVT307"]
    assert state.findings[0].message.startswith("rule s/1 is never on air")
    assert marked(state) == "house"
    assert state.findings[0].related[0][1] == "s/2 plays instead"
    assert state.findings[0].impact == "concerns 1 screen: SCR-A-1"


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("{play: house, from: '08:00', until: '12:01'}", "{play: house, from: '08:00', until: '12:00', priority: 5}"),
        ("{play: house, from: '08:00:00', until: '12:00:01'}", "{play: house, from: '08:00', until: '12:00', priority: 5}"),
        ("{play: house}", "{play: house}"),
        ("{play: house}", "{play: house, maxPlaysPerHour: 3, priority: 5}"),
        ("{play: house}", "{play: house, validUntil: 2027-06-01, priority: 5}"),
        ("{play: house}", "{play: house, except: [2026-12-25], priority: 5}"),
        ("{play: house}", "{play: house, validFrom: 2026-01-01, rrule: FREQ=DAILY, priority: 5}"),
        ("{play: house, days: [sun], from: '23:00', until: '01:00'}", "{play: house, days: [sun], priority: 5}"),
        ("{play: house, days: [sat, sun]}", "{play: house, days: [sat], priority: 5}"),
        (
            "{play: house, validFrom: 2026-12-01, validUntil: 2026-12-24, from: '22:00', until: '02:00'}",
            "{play: house, validFrom: 2026-12-01, validUntil: 2026-12-24, priority: 5}",
        ),
        ("{play: house, validUntil: 2026-01-01}", "{play: house, priority: 5}"),
    ],
)
def test_a_rule_that_has_some_air_is_left_alone(tmp_path: Path, low: str, high: str) -> None:
    assert codes(found(tmp_path, schedule(low, high))) == []


def test_a_rule_covered_on_one_screen_but_not_on_another_is_left_alone(tmp_path: Path) -> None:
    everywhere = schedule("{play: house, days: [mon]}", name="low", screens="{names: [SCR-A-1, SCR-A-2]}")
    state = found(tmp_path, screen("SCR-A-2"), everywhere, schedule("{play: house, priority: 9}", name="high"))
    assert codes(state) == []


def test_a_rule_is_covered_by_several_together_across_schedules(tmp_path: Path) -> None:
    rules = [
        schedule("{play: house, from: '08:00', until: '12:00'}", name="low"),
        schedule("{play: house, until: '10:00', priority: 2}", name="morning"),
        schedule("{play: house, from: '10:00', priority: 3}", name="later"),
    ]
    state = found(tmp_path, *rules, only="AVT307")
    assert codes(state) == ["AVT307"]
    assert state.findings[0].label == "covered by later/1 (priority 3), morning/1 (priority 2)"


def test_a_rule_whose_clips_are_limited_in_time_covers_nothing(tmp_path: Path) -> None:
    dated = playlist("dated", "{clip: VID-A-ONE, validUntil: 2029-12-24}")
    assert codes(found(tmp_path, dated, schedule("{play: house}", "{play: dated, priority: 3}"))) == []


# --- AVT308, AVT414: rights


def test_a_rule_that_outlasts_all_its_clips_is_found(tmp_path: Path) -> None:
    files = {TWO: clip(more="  rights: {until: 2026-12-31}\n")}
    state = found(
        tmp_path, playlist("offer", "clip: VID-A-TWO"), schedule("{play: offer, days: [mon]}"), files=files, only="AVT308"
    )
    assert [finding.message for finding in state.findings] == ["rule s/1 has no clip that may be shown on 2027-01-04"]
    assert marked(state) == "offer"
    assert [(place.file, what) for place, what in state.findings[0].related] == [(TWO, "the rights of VID-A-TWO end here")]


@pytest.mark.parametrize(
    ("rule", "rights", "day"),
    [
        ("{play: offer}", "{until: 2026-12-31}", "2027-01-01"),
        ("{play: offer}", "{until: '2026-12-31T12:00'}", "2026-12-31"),
        ("{play: offer, until: '12:00'}", "{until: '2026-12-31T12:00'}", "2027-01-01"),
        ("{play: offer, validUntil: 2026-12-31}", "{until: 2026-12-31}", ""),
        ("{play: offer, validUntil: 2026-12-31, from: '22:00', until: '02:00'}", "{until: 2026-12-31}", "2027-01-01"),
        ("{play: offer, except: [2027-01-01]}", "{until: 2026-12-31}", "2027-01-02"),
        ("{play: offer}", "{from: 2026-12-31}", ""),
        ("{play: offer}", "{from: 2026-12-01, until: 2026-12-31}", "2027-01-01"),
        ("{play: offer}", "{until: 2030-12-31}", ""),
        ("{play: offer, validFrom: 2026-01-31, rrule: FREQ=MONTHLY}", "{until: 2026-12-31}", "2027-01-31"),
    ],
)
def test_the_first_day_without_a_clip_is_told(tmp_path: Path, rule: str, rights: str, day: str) -> None:
    files = {TWO: clip(more=f"  rights: {rights}\n")}
    state = found(tmp_path, playlist("offer", "clip: VID-A-TWO"), schedule(rule), files=files, only="AVT308")
    assert [finding.message.rpartition(" ")[2] for finding in state.findings] == ([day] if day else [])


def test_a_clip_without_limit_or_a_later_one_covers_the_air(tmp_path: Path) -> None:
    files = {TWO: clip(more="  rights: {until: 2026-12-31}\n")}
    nested = playlist("offer", "clip: VID-A-TWO", "playlist: house")
    assert codes(found(tmp_path / "a", nested, schedule("{play: offer}"), files=files)) == ["AVT314"]
    relay = playlist("offer", "clip: VID-A-TWO", "{clip: VID-A-ONE, validFrom: 2027-01-01}")
    assert codes(found(tmp_path / "b", relay, schedule("{play: offer}"), files=files)) == ["AVT314"]
    ended = relay.replace("clip: VID-A-TWO", "{clip: VID-A-TWO, validUntil: 2026-12-31}")
    assert codes(found(tmp_path / "ended", ended, schedule("{play: offer}"), files=files)) == []
    late = playlist("offer", "clip: VID-A-TWO", "{clip: VID-A-ONE, validFrom: 2027-01-02}")
    assert codes(found(tmp_path / "c", late, schedule("{play: offer}"), files=files)) == ["AVT308"]


@pytest.mark.parametrize(
    ("item", "rule", "rights", "told"),
    [
        ("{clip: VID-A-TWO}", "{play: offer}", "{until: 2026-12-10}", "on 2026-12-11"),
        (
            "{clip: VID-A-TWO, validFrom: 2026-12-01, validUntil: 2027-06-30}",
            "{play: offer}",
            "{until: 2026-12-10}",
            "on 2026-12-11",
        ),
        ("{clip: VID-A-TWO, validUntil: 2026-12-10}", "{play: offer}", "{until: 2026-12-10}", ""),
        ("{clip: VID-A-TWO}", "{play: offer, validUntil: 2026-12-10}", "{until: 2026-12-10}", ""),
        ("{clip: VID-A-TWO}", "{play: offer, days: [mon]}", "{until: 2026-12-10}", "on 2026-12-14"),
        ("{clip: VID-A-TWO}", "{play: offer}", "{until: 2030-12-10}", ""),
        ("{clip: VID-A-TWO}", "{play: offer}", "{from: 2026-12-05}", ""),
        ("{clip: VID-A-TWO}", "{play: offer, validFrom: 2026-01-01}", "{from: 2026-12-05}", ""),
        ("{clip: VID-A-TWO}", "{play: offer, validFrom: 2026-12-01}", "{from: 2026-12-05}", "on 2026-12-01"),
        ("{clip: VID-A-TWO, validFrom: 2026-12-02}", "{play: offer}", "{from: 2026-12-05}", "on 2026-12-02"),
    ],
)
def test_a_clip_whose_rights_leave_out_its_air_is_told_with_the_first_day(
    tmp_path: Path, item: str, rule: str, rights: str, told: str
) -> None:
    files = {TWO: clip(more=f"  rights: {rights}\n")}
    state = found(tmp_path, playlist("offer", "clip: VID-A-ONE", item), schedule(rule), files=files, only="AVT314")
    assert [finding.message for finding in state.findings] == (
        [f"rule s/1 has no rights to clip VID-A-TWO {told}"] if told else []
    )
    if told:
        assert marked(state) == "VID-A-TWO"
        assert [what for _, what in state.findings[0].related] == ["its rights are here", "the rule is on air then"]


def test_a_rule_whose_only_clip_comes_after_it_is_told(tmp_path: Path) -> None:
    files = {TWO: clip(more="  rights: {from: 2026-12-05}\n")}
    rule = schedule("{play: offer, validFrom: 2026-12-01}")
    assert codes(found(tmp_path, playlist("offer", "clip: VID-A-TWO"), rule, files=files)) == ["AVT314"]


def test_clips_whose_rights_are_over_or_miss_the_item_are_found_where_they_stand(tmp_path: Path) -> None:
    over = {TWO: clip(more="  rights: {until: 2026-11-23}\n")}
    state = found(tmp_path / "over", playlist("offer", "clip: VID-A-ONE", "clip: VID-A-TWO"), files=over, only="AVT414")
    assert (codes(state), marked(state)) == (["AVT414"], "VID-A-TWO")
    assert "ended with 2026-11-23" in state.findings[0].message
    last_day = {TWO: clip(more="  rights: {until: 2026-11-24}\n")}
    assert codes(found(tmp_path / "last", playlist("offer", "clip: VID-A-ONE", "clip: VID-A-TWO"), files=last_day)) == []
    missed = playlist("offer", "clip: VID-A-ONE", "{clip: VID-A-TWO, validFrom: 2027-02-01}")
    files = {TWO: clip(more="  rights: {until: 2027-01-31}\n")}
    assert codes(found(tmp_path / "miss", missed, files=files)) == ["AVT414"]
    met = missed.replace("2027-02-01", "2027-01-31")
    assert codes(found(tmp_path / "met", met, files=files)) == []


# --- AVT309, AVT310: gaps and screens left out


def powered(hours: str = "{from: '08:00', until: '20:00'}") -> dict[str, str]:
    return {SCREEN: MINIMAL[SCREEN] + f"  display:\n    powerHours: {hours}\n"}


def test_a_gap_in_power_hours_is_found(tmp_path: Path) -> None:
    rules = ("{play: house, from: '08:00', until: '12:00'}", "{play: house, from: '12:30', until: '20:00'}")
    state = found(tmp_path, schedule(*rules), files=powered(), only="AVT309")
    assert codes(state) == ["AVT309"]
    assert marked(state) == "powerHours"
    assert "on mon from 12:00 until 12:30 (and more) on SCR-A-1" in state.findings[0].message
    assert state.findings[0].label == "3:30 h a week are left to the fallback"


@pytest.mark.parametrize(
    ("rules", "hours", "gap"),
    [
        ("{play: house, from: '08:00', until: '20:00'}", "{from: '08:00', until: '20:00'}", False),
        ("{play: house, from: '08:00', until: '20:00', days: [mon]}", "{from: '08:00', until: '20:00', days: [mon]}", False),
        ("{play: house, from: '08:00', until: '20:00', days: [mon]}", "{from: '08:00', until: '20:00', days: [tue]}", True),
        ("{play: house, from: '22:00', until: '02:00'}", "{from: '23:00', until: '01:00'}", False),
        ("{play: house, from: '22:00', until: '02:00', days: [sun]}", "{from: '00:30', until: '01:00', days: [mon]}", False),
        ("{play: house, from: '08:00', until: '20:00', validUntil: 2026-11-23}", "{from: '08:00', until: '20:00'}", True),
        ("{play: house, from: '08:00', until: '20:00', validFrom: 2026-11-28}", "{from: '08:00', until: '20:00'}", False),
        ("{play: house, from: '08:00', until: '20:00', validFrom: 2027-11-28}", "{from: '08:00', until: '20:00'}", True),
    ],
)
def test_gaps_are_judged_by_the_coming_week(tmp_path: Path, rules: str, hours: str, gap: bool) -> None:
    assert codes(found(tmp_path, schedule(rules), files=powered(hours))) == (["AVT309"] if gap else [])


def test_gaps_are_ignored_without_power_hours_and_where_the_fleet_says_so(tmp_path: Path) -> None:
    gap = schedule("{play: house, from: '08:00', until: '12:00'}")
    assert codes(found(tmp_path / "none", gap)) == []
    quiet = {FLEET: MINIMAL[FLEET].replace("{}", "{checks: {gaps: ignore}}")}
    assert codes(found(tmp_path / "quiet", gap, files={**powered(), **quiet})) == []


def test_screens_with_the_same_gap_make_one_finding(tmp_path: Path) -> None:
    hours = "display: {powerHours: {from: '08:00', until: '20:00'}}"
    screens = [screen(f"SCR-A-{number}", hours) for number in range(2, 9)]
    names = ", ".join(f"SCR-A-{number}" for number in range(2, 9))
    state = found(tmp_path, schedule("{play: house, days: [mon]}", screens=f"{{names: [SCR-A-1, {names}]}}"), *screens)
    assert codes(state) == ["AVT309"]
    assert state.findings[0].impact == "concerns 7 screens: SCR-A-2, SCR-A-3, SCR-A-4 and 4 more"


def test_screens_that_no_schedule_reaches_are_told_once_for_a_client(tmp_path: Path) -> None:
    state = found(tmp_path, screen("SCR-A-2"), screen("SCR-A-3"), schedule("{play: house}"), only="AVT310")
    assert codes(state) == ["AVT310"]
    assert state.findings[0].message == "no schedule of CLI-A reaches SCR-A-2 and 1 more"
    assert marked(state) == "SCR-A-2"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (["{play: house, validUntil: 2026-12-31}"], {"AVT315"}),
        (["{play: house, validUntil: 2026-11-24}"], {"AVT315"}),
        (["{play: house, validUntil: 2026-11-20}"], {"AVT315"}),
        (["{play: house, validUntil: 2020-01-01}"], {"AVT315", "AVT316"}),
        (["{play: house, validUntil: 2027-10-31}"], set()),
        (["{play: house, validUntil: 2026-12-31}", "{play: house, validFrom: 2027-01-01}"], set()),
        (["{play: house, from: '12:00', until: '15:00', validUntil: 2026-12-31}"], set()),
        (["{play: house}", "{play: house, from: '08:00', until: '09:00', validUntil: 2026-10-24}"], {"AVT316"}),
        (["{play: house}", "{play: house, from: '08:00', until: '09:00', validUntil: 2026-10-25}"], set()),
    ],
)
def test_a_programme_that_ends_for_good_and_rules_long_over_are_told(tmp_path: Path, rules: list[str], told: set[str]) -> None:
    assert set(codes(found(tmp_path, schedule(*rules), endings=True))) == told


def test_the_end_of_a_programme_names_the_first_day_without_it(tmp_path: Path) -> None:
    state = found(tmp_path, schedule("{play: house, validUntil: 2026-12-31}"), only="AVT315", endings=True)
    message = "from 2027-01-01 on no rule is on air on SCR-A-1: only the fallback plays"
    assert ([finding.message for finding in state.findings], marked(state)) == ([message], "2026-12-31")
    quiet = {FLEET: MINIMAL[FLEET].replace("{}", "{checks: {gaps: ignore}}")}
    assert codes(found(tmp_path / "quiet", schedule("{play: house, validUntil: 2026-12-31}"), files=quiet, endings=True)) == []


def test_a_schedule_for_emergencies_alone_reaches_nobody(tmp_path: Path) -> None:
    alarm = schedule(
        "{play: house, emergency: true, validUntil: 2026-12-31}", name="alarm", screens="{names: [SCR-A-1, SCR-A-2]}"
    )
    state = found(tmp_path / "two", screen("SCR-A-2"), schedule("{play: house}"), alarm, only="AVT310")
    assert [finding.message for finding in state.findings] == ["no schedule of CLI-A reaches SCR-A-2"]
    assert codes(found(tmp_path / "alone", screen("SCR-A-2"), alarm)) == []


def test_a_client_that_lives_by_its_fallback_is_left_alone(tmp_path: Path) -> None:
    assert codes(found(tmp_path / "none", screen("SCR-A-2"))) == []
    nobody = schedule("{play: house}", screens="{matchLabels: {no: body}}")
    assert codes(found(tmp_path / "nobody", nobody)) == ["AVT214"]


# --- AVT311, AVT312, AVT313: caps, lengths and weights


@pytest.mark.parametrize(("cap", "fires"), [(719, False), (720, True), (3600, True)])
def test_a_cap_that_clips_are_too_long_for_is_found(tmp_path: Path, cap: int, fires: bool) -> None:
    state = found(tmp_path, schedule(f"{{play: house, maxPlaysPerHour: {cap}}}"))
    assert codes(state) == (["AVT311"] if fires else [])
    if fires:
        assert marked(state) == str(cap)
        assert state.findings[0].label == "at most 720 plays of its clips fit into an hour: the shortest takes 5 s"


def many(count: int, seconds: int = 10) -> dict[str, str]:
    return {f"content-index/CLI-A/{n}.yaml": clip(f"VID-A-N{n}", seconds=seconds) for n in range(count)}


def test_a_playlist_longer_than_its_air_names_the_clips_left_out(tmp_path: Path) -> None:
    long = playlist("long", *(f"clip: VID-A-N{n}" for n in range(20)))
    minute = "from: '08:00', until: '08:01'"
    state = found(tmp_path, long, schedule(f"{{play: long, {minute}, days: [mon, tue]}}"), files=many(20), only="AVT312")
    assert codes(state) == ["AVT312"]
    assert marked(state) == "long"
    assert state.findings[0].label == "not reached in a week: VID-A-N12, VID-A-N13, VID-A-N14, VID-A-N15 and 4 more"
    assert codes(found(tmp_path / "daily", long, schedule(f"{{play: long, {minute}}}"), files=many(20))) == []


FOUR_MINUTES = "days: [mon], from: '08:00', until: '08:04'"


@pytest.mark.parametrize(
    ("other", "fires"),
    [
        (f"{{play: house, {FOUR_MINUTES}}}", True),
        ("{play: house}", True),
        ("{play: house, from: '08:01', until: '08:02', priority: 1}", True),
        (f"{{play: house, {FOUR_MINUTES}, validUntil: 2026-12-24}}", False),
        (f"{{play: house, {FOUR_MINUTES}, maxPlaysPerHour: 9}}", False),
        ("{play: house, days: [tue]}", False),
        ("{play: house, from: '08:04'}", False),
    ],
    ids=["a tie", "a tie all day", "a higher one", "one that ends", "a capped one", "another day", "another time"],
)
def test_air_that_is_shared_or_covered_counts_only_in_part(tmp_path: Path, other: str, fires: bool) -> None:
    long = playlist("long", *(f"clip: VID-A-N{n}" for n in range(20)))
    state = found(tmp_path, long, schedule(f"{{play: long, {FOUR_MINUTES}}}", other), files=many(20))
    assert codes(state) == (["AVT312"] if fires else [])
    if fires:
        assert [text for _, text in state.findings[0].related] == ["this rule has part of the air"]


def test_the_screen_where_a_rule_has_most_air_counts(tmp_path: Path) -> None:
    long = playlist("long", *(f"clip: VID-A-N{n}" for n in range(20)))
    two = screen("SCR-A-2")
    both = schedule(f"{{play: long, {FOUR_MINUTES}}}", screens="{names: [SCR-A-1, SCR-A-2]}")
    tie = schedule("{play: house}", name="tie")
    assert codes(found(tmp_path / "one", long, two, both, tie, files=many(20))) == []
    tied = schedule("{play: house}", name="tie", screens="{names: [SCR-A-1, SCR-A-2]}")
    assert codes(found(tmp_path / "all", long, two, both, tied, files=many(20))) == ["AVT312"]


def test_a_heavier_rule_has_the_larger_share(tmp_path: Path) -> None:
    long = playlist("long", *(f"clip: VID-A-N{n}" for n in range(20)))
    heavy = schedule(f"{{play: long, weight: 9, {FOUR_MINUTES}}}", "{play: house}")
    assert codes(found(tmp_path, long, heavy, files=many(20))) == []


def test_a_rule_of_one_day_has_the_air_of_that_day(tmp_path: Path) -> None:
    long = playlist("long", *(f"clip: VID-A-N{n}" for n in range(20)))
    day = "validFrom: 2026-12-01, validUntil: 2026-12-01, from: '08:00', until: '08:03'"
    assert codes(found(tmp_path, long, schedule(f"{{play: long, {day}}}"), files=many(20))) == ["AVT312"]


def test_weights_that_starve_clips_are_found_at_the_largest(tmp_path: Path) -> None:
    uneven = playlist("uneven", "{clip: VID-A-N0, weight: 1000}", "{clip: VID-A-N1, weight: 1}", "clip: VID-A-N2")
    state = found(
        tmp_path, uneven, schedule("{play: uneven, days: [mon], from: '08:00', until: '09:00'}"), files=many(3), only="AVT313"
    )
    assert codes(state) == ["AVT313"]
    assert marked(state) == "1000"
    assert "VID-A-N2" in state.findings[0].label
    assert state.findings[0].impact == "concerns 1 screen: SCR-A-1"
    assert codes(found(tmp_path / "all-day", uneven, schedule("{play: uneven}"), files=many(3))) == []


def test_a_nested_playlist_is_reckoned_with_its_own_turns(tmp_path: Path) -> None:
    inner = playlist("inner", *(f"clip: VID-A-N{n}" for n in range(1, 10)))
    outer = playlist("outer", "{clip: VID-A-N0, weight: 9}", "playlist: inner")
    rule = "{{play: outer, days: [mon], from: '08:00', until: '{}'}}"
    assert codes(found(tmp_path / "a", inner, outer, schedule(rule.format("08:10")), files=many(10))) == ["AVT313"]
    assert codes(found(tmp_path / "b", inner, outer, schedule(rule.format("08:15")), files=many(10))) == []


def test_a_hopelessly_long_playlist_costs_little(tmp_path: Path) -> None:
    huge = playlist("huge", *("{clip: VID-A-ONE, weight: 1000}" for _ in range(300)), "clip: VID-A-N0")
    state = found(tmp_path, huge, schedule("{play: huge, from: '08:00'}"), files=many(1))
    assert codes(state) == ["AVT313"]
    assert "some clips" in state.findings[0].label


# --- AVT415: shapes


UPRIGHT = "width: 360, height: 640"


def portrait(name: str) -> str:
    return screen(name, "display: {orientation: portrait}")


def test_an_upright_clip_on_a_wide_screen_is_found(tmp_path: Path) -> None:
    state = found(
        tmp_path, playlist("up", "clip: VID-A-TWO"), schedule("{play: up}"), files={TWO: clip(size=UPRIGHT)}, only="AVT415"
    )
    assert codes(state) == ["AVT415"]
    assert marked(state) == "VID-A-TWO"
    assert state.findings[0].message == "clip VID-A-TWO is upright (360x640), the wrong shape for SCR-A-1"


def test_shapes_that_fit_or_are_square_are_left_alone(tmp_path: Path) -> None:
    assert codes(found(tmp_path / "wide", schedule("{play: house}"))) == []
    square = {TWO: clip(size="width: 360, height: 360")}
    assert codes(found(tmp_path / "square", playlist("sq", "clip: VID-A-TWO"), schedule("{play: sq}"), files=square)) == []
    upright = [portrait("SCR-A-2") + "  fallback: up\n", schedule("{play: house}"), playlist("up", "clip: VID-A-TWO")]
    upright.append(schedule("{play: up}", name="t", screens="{names: [SCR-A-2]}"))
    assert codes(found(tmp_path / "upright", *upright, files={TWO: clip(size=UPRIGHT)})) == []
    quiet = {FLEET: MINIMAL[FLEET].replace("{}", "{checks: {orientation: ignore}}"), TWO: clip(size=UPRIGHT)}
    assert codes(found(tmp_path / "quiet", playlist("up", "clip: VID-A-TWO"), schedule("{play: up}"), files=quiet)) == []


def test_wrong_shapes_on_the_same_screens_make_one_finding(tmp_path: Path) -> None:
    lists = [playlist("a", "clip: VID-A-N0", "clip: VID-A-N1"), playlist("b", "clip: VID-A-N2")]
    rules = schedule("{play: a}", "{play: b}", screens="{names: [SCR-A-1, SCR-A-2, SCR-A-3]}")
    state = found(tmp_path, *lists, portrait("SCR-A-2"), portrait("SCR-A-3"), rules, files=many(3), only="AVT415")
    assert codes(state) == ["AVT415"]
    assert (
        "is wide (640x360), the wrong shape for SCR-A-2 and 1 more (3 more such clips in its play" in state.findings[0].message
    )
