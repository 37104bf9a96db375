"""Compiling part by part: what is compiled anew, what comes from the cache, and what must be looked at together."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from avtech_controller.compiler import compile_state
from avtech_controller.desired import load, open_source, require_state
from avtech_controller.incremental import Cache, Compilation, Directory, compile_source
from avtech_schema.errors import FindingsError
from tests.controller.commits import Commits
from tests.controller.desired_files import MINIMAL, client, document, loaded, write

TODAY = date(2026, 6, 1)
SCREEN = "fleet/{0}/screens/{1}.yaml"


def lobby(name: str, screens: int = 10) -> dict[str, str]:
    """A client with some screens more; the schedule `news` reaches every third of them, and nests a playlist."""
    files = client(name)
    short = name[4:]
    clip = files[f"content-index/{name}/VID-{short}-ONE.yaml"]
    for word in ("TWO", "NEW", "OLD"):
        other = clip.replace("ONE", word).replace("a" * 64, f"{len(files):x}".rjust(64, "c"))
        files[f"content-index/{name}/VID-{short}-{word}.yaml"] = other
    for number in range(screens):
        label = "{news: 'yes'}" if number % 3 == 0 else "{news: 'no'}"
        files[SCREEN.format(name, number)] = document("Screen", f"SCR-{short}-L{number}", f"client: {name}", labels=label)
    files[f"fleet/{name}/playlists/inner.yaml"] = document(
        "Playlist", "inner", f"client: {name}\nitems: [{{clip: VID-{short}-OLD}}]"
    )
    files[f"fleet/{name}/playlists/news.yaml"] = document(
        "Playlist", "news", f"client: {name}\nitems: [{{playlist: inner}}, {{clip: VID-{short}-TWO}}]"
    )
    files[f"fleet/{name}/news.yaml"] = document(
        "Schedule", "news", f"client: {name}\nscreens: {{matchLabels: {{news: 'yes'}}}}\nrules: [{{play: news}}]"
    )
    return files


WORLD: Mapping[str, str] = {**MINIMAL, **lobby("CLI-B"), **lobby("CLI-C")}


class Desk:
    """A repository with a cache of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.shelf = tmp_path / "cache"
        self.commits = Commits(tmp_path / "git")

    def cache(self, *, secret: bytes = b"s" * 32, today: date = TODAY, limit: int = 1 << 30) -> Cache:
        return Cache(Directory(self.shelf), secret, today=today, limit=limit)

    def compile(self, files: Mapping[str, str | bytes], cache: Cache | None = None) -> Compilation:
        """Compile a commit of these files, and hold it against compiling anew."""
        source = self.commits.add(files)
        made = compile_source(source, cache or self.cache())
        state = compile_state(require_state(load(source)))
        assert {name: one.data for name, one in made.screens.items()} == {name: one.data for name, one in state.items()}
        assert {name: one.digest for name, one in made.screens.items()} == {name: one.digest for name, one in state.items()}
        return made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_nothing_is_compiled_twice(desk: Desk) -> None:
    assert desk.compile(WORLD).compiled == 23
    assert desk.compile(WORLD).compiled == 0


def test_one_clip_s_reference_costs_the_screens_that_can_reach_it(desk: Desk) -> None:
    desk.compile(WORLD)
    inner = WORLD["fleet/CLI-B/playlists/inner.yaml"].replace("VID-B-OLD", "VID-B-NEW")
    files = {**WORLD, "fleet/CLI-B/playlists/inner.yaml": inner}
    assert desk.compile(files).compiled == 4
    files[SCREEN.format("CLI-B", 1)] = WORLD[SCREEN.format("CLI-B", 1)].replace("'no'", "'yes'")
    assert desk.compile(files).compiled == 1


def test_what_changes_no_manifest_compiles_no_screen(desk: Desk) -> None:
    desk.compile(WORLD)
    files = {**WORLD, "fleet/CLI-B/news.yaml": "# a comment\n" + WORLD["fleet/CLI-B/news.yaml"]}
    files["content-index/CLI-C/VID-C-NEW.yaml"] = WORLD["content-index/CLI-C/VID-C-NEW.yaml"].replace("1000", "1001")
    files["fleet/CLI-C/README.md"] = "nothing that is read"
    assert desk.compile(files).compiled == 0
    files["fleet/CLI-C/moved/news.yml"] = files.pop("fleet/CLI-C/news.yaml")
    assert desk.compile(files).compiled == 0


def test_the_fleet_s_zone_reaches_whoever_has_no_other(desk: Desk) -> None:
    desk.compile(WORLD)
    fleet = MINIMAL["fleet/fleet.yaml"].replace("spec: {}", "spec: {defaults: {timeZone: Asia/Tokyo}}")
    assert desk.compile({**WORLD, "fleet/fleet.yaml": fleet}).compiled == 0
    homeless = {path: text.replace("  timeZone: Europe/Madrid\n", "") for path, text in WORLD.items() if "CLI-C" in path}
    assert desk.compile({**WORLD, **homeless, "fleet/fleet.yaml": fleet}).compiled == 11


def test_going_back_to_what_was_compiled_before_compiles_nothing(desk: Desk) -> None:
    desk.compile(WORLD)
    changed = {**WORLD, SCREEN.format("CLI-B", 1): WORLD[SCREEN.format("CLI-B", 1)].replace("'no'", "'yes'")}
    desk.compile(changed)
    assert desk.compile(WORLD).compiled == 0
    assert desk.compile(changed).compiled == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fleet/all.yaml", document("Client", "CLI-D", "title: D")),
        ("fleet/CLI-B/x.yaml", lobby("CLI-C")["fleet/CLI-C/news.yaml"].replace("name: news", "name: other")),
        ("fleet/screens/x.yaml", document("Screen", "SCR-B-X", "client: CLI-B")),
    ],
)
def test_a_repository_that_is_not_divided_by_client_is_compiled_all_the_same(desk: Desk, path: str, text: str) -> None:
    for _ in range(2):
        made = desk.compile({**WORLD, path: text})
        assert made.compiled == len(made.screens) >= 23


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fleet/CLI-B/x.yaml", document("Screen", "SCR-C-L1", "client: CLI-B")),
        ("fleet/CLI-B/x.yaml", "kind: Screne\n"),
        ("fleet/CLI-B/playlists/inner.yaml", WORLD["fleet/CLI-B/playlists/inner.yaml"].replace("VID-B-OLD", "VID-C-OLD")),
        ("fleet/x.yaml", MINIMAL["fleet/fleet.yaml"]),
        ("content-index/CLI-B/x.yaml", WORLD["content-index/CLI-C/VID-C-OLD.yaml"]),
        ("fleet/fleet.yaml", MINIMAL["fleet/fleet.yaml"].replace("spec: {}", "spec: {defaults: {timeZone: Here/There}}")),
    ],
)
def test_what_is_wrong_is_told_as_ever_and_never_remembered(desk: Desk, path: str, text: str) -> None:
    desk.compile(WORLD)
    source = desk.commits.add({**WORLD, path: text})
    with pytest.raises(FindingsError) as clean:
        require_state(load(source))
    for _ in range(2):
        with pytest.raises(FindingsError) as found:
            compile_source(source, desk.cache())
        assert (str(found.value), found.value.hint) == (str(clean.value), clean.value.hint)
    assert desk.compile(WORLD).compiled == 0


def test_an_air_check_that_fails_is_not_remembered_as_sound(desk: Desk) -> None:
    check = document("AirCheck", "now", "client: CLI-B\nscreen: SCR-B-L0\nat: 2026-06-01T12:00\nplays: news")
    files = {**WORLD, "fleet/CLI-B/checks/now.yaml": check}
    desk.compile(files)
    label = files[SCREEN.format("CLI-B", 0)].replace("'yes'", "'no'")
    with pytest.raises(FindingsError, match="AVT301"):
        compile_source(desk.commits.add({**files, SCREEN.format("CLI-B", 0): label}), desk.cache())


def test_warnings_are_those_of_a_clean_look_and_come_from_the_cache_too(desk: Desk) -> None:
    unreached = document("Group", "nobody", "client: CLI-B\nmatchLabels: {floor: cellar}")
    fleet = MINIMAL["fleet/fleet.yaml"].replace("spec: {}", "spec:\n  moved: [{kind: Screen, from: SCR-X, to: SCR-Y}]")
    files = {**WORLD, "fleet/CLI-B/nobody.yaml": unreached, "fleet/fleet.yaml": fleet}
    expected = load(desk.commits.add(files)).findings
    assert {finding.code for finding in expected} >= {"AVT214", "AVT215"}
    for _ in range(2):
        assert desk.compile(files).findings == expected


def test_a_work_tree_is_compiled_part_by_part_as_a_commit_is(tmp_path: Path, desk: Desk) -> None:
    root = write(tmp_path / "tree", WORLD)
    assert compile_source(open_source(root), desk.cache()).compiled == 23
    (root / "fleet/CLI-B/playlists/inner.yaml").write_text(
        WORLD["fleet/CLI-B/playlists/inner.yaml"].replace("VID-B-OLD", "VID-B-NEW")
    )
    again = compile_source(open_source(root), desk.cache())
    assert again.compiled == 4
    assert {n: one.data for n, one in again.screens.items()} == {
        n: one.data for n, one in compile_state(require_state(loaded(root))).items()
    }
    assert again.commit is None


def test_a_plan_finds_all_it_asks_for(desk: Desk) -> None:
    for _ in range(2):
        made = desk.compile(WORLD)
        state = require_state(load(desk.commits.add(WORLD)))
        assert made.fleet == state.fleet
        assert made.clients == state.clients
        assert made.labels == {name: screen.metadata.labels for name, screen in state.screens.items()}
        assert made.titles == {name: video.spec.title or video.spec.original_name for name, video in state.videos.items()}
        assert made.screens["SCR-B-L0"].manifest == compile_state(state)["SCR-B-L0"].manifest  # type: ignore[index]


def test_of_a_part_only_so_many_versions_are_kept_and_packs_of_others_go(desk: Desk) -> None:
    for number in range(8):
        screen = WORLD[SCREEN.format("CLI-B", 1)].replace("'no'", f"'{number}'")
        desk.compile({**WORLD, SCREEN.format("CLI-B", 1): screen})
    assert len([path for path in desk.shelf.rglob("packs/*") if path.is_file()]) <= 2 + 4 + 1


def test_a_cache_stays_within_its_size_and_keeps_what_was_used_last(desk: Desk) -> None:
    desk.compile(WORLD)
    sizes = [path.stat().st_size for path in desk.shelf.rglob("packs/*")]
    small = 2 * max(sizes)
    later = TODAY + timedelta(days=30)
    only_b = {path: text for path, text in WORLD.items() if "CLI-C" not in path}
    desk.compile(only_b, desk.cache(today=later, limit=small))
    changed = {**only_b, SCREEN.format("CLI-B", 1): only_b[SCREEN.format("CLI-B", 1)].replace("'no'", "'yes'")}
    desk.compile(changed, desk.cache(today=later + timedelta(days=1), limit=small))
    assert sum(path.stat().st_size for path in desk.shelf.rglob("packs/*")) <= small
    assert desk.compile(changed, desk.cache(today=later + timedelta(days=2), limit=small)).compiled == 0
    assert desk.compile(WORLD, desk.cache(today=later + timedelta(days=2))).compiled >= 11


def test_manifests_of_earlier_commits_are_known_until_they_are_forgotten(desk: Desk) -> None:
    before = desk.compile(WORLD)
    zones = {path: text.replace("Europe/Madrid", "Asia/Tokyo") for path, text in WORLD.items() if "CLI-B" in path}
    after = desk.compile({**WORLD, **zones})
    replaced = [old for name, old in before.screens.items() if old.digest != after.screens[name].digest]
    assert replaced
    assert [after.earlier(old) for old in before.screens.values()] == [old.data for old in before.screens.values()]
    for pack in (desk.shelf).rglob("packs/*"):
        pack.write_bytes(pack.read_bytes()[:-1])
    again = compile_source(desk.commits.add({**WORLD, **zones}), desk.cache())
    assert [again.earlier(old) for old in replaced] == [None] * len(replaced)


def test_without_a_cache_no_manifest_of_an_earlier_commit_is_known(desk: Desk) -> None:
    before = desk.compile(WORLD)
    made = compile_source(desk.commits.add(WORLD))
    assert [made.earlier(old) for old in before.screens.values()] == [None] * len(before.screens)
