"""The compiler is pure: same state, same bytes, whatever the files look like, and nothing a screen does not reach."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ScreenId
from avtech_schema.manifest import Cut, Orientation, parse_manifest
from tests.controller.desired_files import MINIMAL, client, document, loaded, write

SCREEN = MINIMAL["fleet/CLI-A/screens/one.yaml"]
CLIP = MINIMAL["content-index/CLI-A/VID-A-ONE.yaml"]
ONE = ScreenId("SCR-A-1")

RICH = {
    "content-index/CLI-A/two.yaml": CLIP.replace("ONE", "TWO").replace("a" * 64, "b" * 64) + "  rights: {until: 2027-06-30}\n",
    "content-index/CLI-A/old.yaml": CLIP.replace("ONE", "OLD") + "  state: archived\n",
    "fleet/CLI-A/screens/two.yaml": document(
        "Screen",
        "SCR-A-2",
        """
        client: CLI-A
        timeZone: Asia/Kathmandu
        fallback: ads
        display:
          resolution: 1080x720
          orientation: portrait
          powerHours: {from: "07:00", until: "00:00", days: [sun, mon]}
        """,
        labels="{area: shop, floor: '2'}",
    ),
    "fleet/CLI-A/group.yaml": document("Group", "shops", "client: CLI-A\nmatchLabels: {area: shop}"),
    "fleet/CLI-A/ads.yaml": document(
        "Playlist",
        "ads",
        "client: CLI-A\nitems: [{clip: VID-A-TWO, weight: 3}, {playlist: house, validUntil: 2027-01-01T12:00}]",
    ),
    "fleet/CLI-A/b.yaml": document(
        "Schedule",
        "b",
        """
        client: CLI-A
        screens: {groups: [shops]}
        rules:
          - {play: ads, from: "22:00", until: "02:00", days: [sun, mon], priority: 5, except: [2026-12-25, 2026-12-24]}
          - {play: ads, emergency: true, validUntil: 2026-01-01}
        """,
    ),
    "fleet/CLI-A/a.yaml": document(
        "Schedule",
        "a",
        'client: CLI-A\nscreens: {matchLabels: {floor: "2", area: shop}}\nrules: [{play: house, from: "20:00"}]',
    ),
}


def compiled(root: Path, files: Mapping[str, str | bytes | None] | None = None) -> dict[ScreenId, CompiledScreen]:
    return compile_state(require_state(loaded(root, files)))


@pytest.fixture
def rich(tmp_path: Path) -> DesiredState:
    return require_state(loaded(tmp_path, {**RICH, **client("CLI-B")}))


def test_a_screen_gets_what_it_reaches_and_nothing_else(rich: DesiredState) -> None:
    screens = compile_state(rich)
    one, two = screens[ONE].manifest, screens[ScreenId("SCR-A-2")].manifest
    assert list(screens) == ["SCR-A-1", "SCR-A-2", "SCR-B-1"]
    assert (set(one.playlists), set(one.assets), one.fallback) == ({"house"}, {"VID-A-ONE"}, "house")
    assert (set(two.playlists), set(two.assets), two.fallback) == ({"ads", "house"}, {"VID-A-ONE", "VID-A-TWO"}, "ads")
    assert [rule.id for rule in two.rules] == ["a/1", "b/1", "b/2"]
    assert one.rules == ()


def test_rules_and_displays_are_in_normal_form(rich: DesiredState) -> None:
    two = compile_state(rich)[ScreenId("SCR-A-2")].manifest
    late, night, emergency = two.rules
    assert (late.from_s, late.until_s, late.days) == (72000, 86400, (0, 1, 2, 3, 4, 5, 6))
    assert (night.from_s, night.until_s, night.days) == (79200, 7200, (0, 6))
    assert (night.excluded, night.priority, night.cut) == (("2026-12-24", "2026-12-25"), 5, Cut.CLIP)
    assert (emergency.emergency, emergency.cut, emergency.valid_until) == (True, Cut.NOW, "2026-01-01")
    display = two.display
    assert (display.width, display.height, display.orientation) == (1080, 720, Orientation.PORTRAIT)
    assert display.power is not None
    assert (display.power.from_s, display.power.until_s, display.power.days) == (25200, 86400, (0, 6))
    clip, nested = two.playlists[two.rules[1].playlist]
    assert (clip.clip, clip.weight, nested.playlist, nested.valid_until) == ("VID-A-TWO", 3, "house", "2027-01-01T12:00:00")


def test_zone_and_fallback_come_from_the_screen_then_the_client_then_the_fleet(tmp_path: Path) -> None:
    plain = MINIMAL["fleet/CLI-A/client.yaml"].replace("  timeZone: Europe/Madrid\n", "")
    fleet = document("Fleet", "fleet", "defaults: {timeZone: Asia/Tokyo}")
    own = SCREEN + "  timeZone: America/New_York\n"
    assert compiled(tmp_path / "a")[ONE].manifest.time_zone == "Europe/Madrid"
    assert compiled(tmp_path / "b", {"fleet/CLI-A/screens/one.yaml": own})[ONE].manifest.time_zone == "America/New_York"
    assert compiled(tmp_path / "c", {"fleet/CLI-A/client.yaml": plain})[ONE].manifest.time_zone == "Etc/UTC"
    named = {"fleet/CLI-A/client.yaml": plain, "fleet/fleet.yaml": fleet}
    assert compiled(tmp_path / "d", named)[ONE].manifest.time_zone == "Asia/Tokyo"


def test_every_manifest_is_one_that_players_accept(rich: DesiredState) -> None:
    for screen in compile_state(rich).values():
        assert parse_manifest(screen.data) == screen.manifest
        assert screen.digest == sha256_hex(screen.data)
        assert screen.manifest.screen == screen.screen


def test_names_order_and_layout_of_the_files_do_not_matter(tmp_path: Path) -> None:
    files = {**MINIMAL, **RICH}
    expected = {name: screen.data for name, screen in compiled(tmp_path / "files", dict(RICH)).items()}
    documents = list(files.values())
    for seed in range(5):
        random.Random(seed).shuffle(documents)
        root = write(tmp_path / str(seed), {"fleet/everything.yaml": "---\n".join(documents), "content-index/none.yaml": ""})
        (root / "content-index/none.yaml").unlink()
        screens = compile_state(require_state(load(open_source(root))))
        assert {name: screen.data for name, screen in screens.items()} == expected


def test_what_a_screen_does_not_reach_leaves_its_manifest_untouched(tmp_path: Path) -> None:
    before, after = compiled(tmp_path / "a"), compiled(tmp_path / "b", {**RICH, **client("CLI-B")})
    assert before[ONE].data == after[ONE].data


def test_single_screens_can_be_compiled_alone(rich: DesiredState) -> None:
    assert compile_state(rich, only={ONE}) == {ONE: compile_state(rich)[ONE]}
    assert compile_state(rich, only={ScreenId("SCR-NOBODY")}) == {}


def test_a_manifest_keeps_its_bytes_from_release_to_release(tmp_path: Path) -> None:
    """Changing these bytes makes every player fetch its manifest anew: do it knowingly."""
    assert compiled(tmp_path)[ONE].data.decode() == (
        '{"apiVersion":"avtech/v1","assets":{"VID-A-ONE":{"durationMs":5000,"key":"content/CLI-A/' + "a" * 64 + '",'
        '"rightsFrom":null,"rightsUntil":null,"sha256":"' + "a" * 64 + '","size":1000}},"client":"CLI-A",'
        '"display":{"height":1080,"orientation":"landscape","power":null,"width":1920},"fallback":"house","kind":"Manifest",'
        '"playlists":{"house":[{"clip":"VID-A-ONE","validFrom":null,"validUntil":null,"weight":1}]},"rules":[],'
        '"screen":"SCR-A-1","timeZone":"Europe/Madrid"}'
    )


def test_the_bytes_put_together_from_parts_are_the_manifest_s_canonical_bytes(rich: DesiredState) -> None:
    for screen in compile_state(rich).values():
        assert screen.data == screen.manifest.canonical()
        assert (screen.size, screen.digest) == (len(screen.data), sha256_hex(screen.data))
