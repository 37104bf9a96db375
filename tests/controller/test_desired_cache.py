"""What is remembered between two looks: it changes no finding, survives nothing it should not, and is ignored in doubt."""

import os
import random
import stat
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired import _cache, check_source, load, open_source
from avtech_controller.desired._cache import Memory, cache_directory, recall
from tests.controller.desired_files import MINIMAL, client, document, write

TODAY = date(2026, 11, 24)
HOUSE_B, CLIENT_C = "fleet/CLI-B/playlists/house.yaml", "fleet/CLI-C/client.yaml"
OLD_NS = 1_600_000_000_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVTECH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "root", {**MINIMAL, **client("CLI-B"), **client("CLI-C")})


def agree(root: Path) -> list[str]:
    """The codes found, after holding what the cache gives against a look at everything."""
    source = open_source(root)
    whole = load(source, today=TODAY)
    for _ in range(2):
        quick = check_source(source, today=TODAY)
        assert (quick.findings, quick.files, quick.screens) == (whole.findings, whole.files, whole.screens)
        assert quick.texts == whole.texts
    return [finding.code for finding in whole.findings]


def noted(memory: Memory) -> int:
    """How many files are remembered."""
    return sum(len(folder.files) for folder in memory.folders.values())


def kept(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_a_second_look_finds_the_same_and_remembers_every_part(root: Path, cache: Path) -> None:
    write(root, {"fleet/CLI-A/g.yaml": document("Group", "g", "client: CLI-A\nmatchLabels: {a: b}")})
    assert agree(root) == ["AVT214"]
    memory = recall(root, "tree")
    assert memory.parts.keys() == {"", "CLI-A", "CLI-B", "CLI-C"}
    assert noted(memory) == 14
    assert stat.S_IMODE(kept(cache).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def link(path: Path) -> None:
    if not path.is_symlink():
        path.symlink_to("nowhere")


EDITS: dict[str, Callable[[Path], object]] = {
    "a clip goes": lambda root: (root / "content-index/CLI-B/VID-B-ONE.yaml").unlink(missing_ok=True),
    "a screen comes": lambda root: write(root, {"fleet/n.yaml": document("Screen", "SCR-A-9", "client: CLI-A")}),
    "a twin comes": lambda root: write(root, {"fleet/CLI-A/t.yaml": document("Screen", "SCR-B-1", "client: CLI-A")}),
    "a file breaks": lambda root: write(root, {"fleet/CLI-C/screens/one.yaml": "kind: [\n"}),
    "a nameless one": lambda root: write(root, {"fleet/x.yaml": "kind: Screne\nmetadata: {name: SCR-B-7}\n"}),
    "the fleet": lambda root: write(root, {"fleet/fleet.yaml": document("Fleet", "f", "checks: {gaps: ignore}")}),
    "a client goes": lambda root: (root / "fleet/CLI-C/client.yaml").unlink(missing_ok=True),
    "a foreign name": lambda root: write(
        root, {"fleet/CLI-B/p.yaml": document("Playlist", "p", "client: CLI-B\nitems: [{clip: VID-C-ONE}, {clip: VID-A-ONE}]")}
    ),
    "two clients in a file": lambda root: write(
        root,
        {
            "fleet/two.yaml": "---\n".join(
                document("Group", "two", f"client: {c}\nscreens: [SCR-B-1]") for c in ("CLI-A", "CLI-B")
            )
        },
    ),
    "a secret": lambda root: write(root, {"fleet/CLI-B/s.yaml": MINIMAL["fleet/fleet.yaml"] + "# AKIAQWERTYUIOPASDFGH\n"}),
    "a link": lambda root: link(root / "fleet/CLI-A/link.yaml"),
    "a client misspelt": lambda root: write(
        root, {HOUSE_B: client("CLI-B")[HOUSE_B].replace("client: CLI-B", "client: CLI-BB")}
    ),
    "another client's": lambda root: write(root, {HOUSE_B: client("CLI-B")[HOUSE_B].replace("client: CLI-B", "client: CLI-C")}),
    "a misspelt client": lambda root: write(root, {CLIENT_C: client("CLI-C")[CLIENT_C].replace("CLI-C", "CLI-CCC")}),
    "a group's client misspelt": lambda root: write(
        root, {"fleet/CLI-C/g.yaml": document("Group", "g", "client: CLI-CC\nscreens: [SCR-C-1]")}
    ),
    "a schedule": lambda root: write(
        root, {"fleet/CLI-C/s.yaml": document("Schedule", "s", "client: CLI-C\nscreens: {groups: [g]}\nrules: [{play: house}]")}
    ),
    "another client's screen": lambda root: write(
        root, {"fleet/CLI-C/screens/one.yaml": document("Screen", "SCR-C-1", "client: CLI-B")}
    ),
    "back": lambda root: write(root, {**MINIMAL, **client("CLI-B"), **client("CLI-C")}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_no_edit_is_missed(root: Path, edit: str) -> None:
    agree(root)
    EDITS[edit](root)
    agree(root)


@pytest.mark.parametrize("seed", range(8))
def test_no_row_of_edits_is_missed(root: Path, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(12):
        EDITS[dice.choice(list(EDITS))](root)
        agree(root)


def test_a_change_that_keeps_size_and_time_is_seen(root: Path) -> None:
    file = root / "fleet/CLI-A/client.yaml"
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert agree(root) == []
    file.write_text(MINIMAL["fleet/CLI-A/client.yaml"].replace("fallback: house", "fallback: mouse"))
    os.utime(file, ns=(OLD_NS, OLD_NS))
    assert agree(root) == ["AVT204"]


def test_the_day_counts(root: Path) -> None:
    rights = MINIMAL["content-index/CLI-A/VID-A-ONE.yaml"] + "  rights: {until: 2026-11-24}\n"
    write(root, {"content-index/CLI-A/VID-A-ONE.yaml": rights})
    assert [found.code for found in check_source(open_source(root), today=TODAY).findings] == ["AVT305"]
    assert "AVT414" in [found.code for found in check_source(open_source(root), today=date(2026, 11, 25)).findings]


def damage(data: bytes, how: str) -> bytes:
    match how:
        case "cut":
            return data[:-100]
        case "flipped":
            return data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]
        case "empty":
            return b""
        case "other format":
            return b"avtech-validate-1" + data[17:]
        case "noise":
            return b"\xff\x00" * 5000
        case _:
            head, _, *sections = data.split(b"\n")
            changed = [b"[" * 50_000 if how == "deep" else b'{"x": 1}' for _ in sections[1:]]
            body = [sections[0], *changed]
            return b"\n".join([head, _cache._sealed(body).encode(), *body])


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "other format", "noise", "deep", "sealed nonsense"])
def test_a_damaged_memory_is_ignored_and_replaced(root: Path, cache: Path, how: str) -> None:
    write(root, {"fleet/CLI-A/g.yaml": document("Group", "g", "client: CLI-A\nmatchLabels: {a: b}")})
    agree(root)
    kept(cache).write_bytes(damage(kept(cache).read_bytes(), how))
    assert recall(root, "tree").folders == {}
    assert agree(root) == ["AVT214"]
    assert noted(recall(root, "tree")) == 14


def test_a_memory_that_another_could_have_written_is_ignored(root: Path, cache: Path, tmp_path: Path) -> None:
    agree(root)
    kept(cache).chmod(0o666)
    assert recall(root, "tree").folders == {}
    kept(cache).chmod(0o600)
    assert recall(root, "tree").folders
    copy = tmp_path / "copy"
    kept(cache).rename(copy)
    (cache / _cache._name(root, "tree")).symlink_to(copy)
    assert recall(root, "tree").folders == {}


def test_another_version_of_the_program_remembers_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(root)
    monkeypatch.setattr(_cache, "program", lambda: "another")
    assert recall(root, "tree").folders == {}


@pytest.mark.parametrize("place", ["file", "full", "none"])
def test_validation_works_without_a_place_for_the_cache(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "file":
        (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("AVTECH_CACHE_DIR", {"file": str(tmp_path / "occupied"), "full": "/dev/full/x", "none": ""}[place])
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    assert agree(root) == []


def test_the_directory_follows_the_environment(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert cache_directory() == cache
    monkeypatch.delenv("AVTECH_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_directory() == Path("/xdg/avtech")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/a")
    assert cache_directory() == Path("/home/a/.cache/avtech")


def test_no_cache_reads_and_writes_none(root: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cli, ["validate", str(root), "--no-cache"]) == 0
    assert not cache.exists()
    assert run(cli, ["validate", str(root)]) == 0
    assert kept(cache).name.startswith("validate-tree-")
    assert "no findings in 13 files" in capsys.readouterr().err


def test_commits_are_remembered_by_their_blobs(root: Path, cache: Path) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")

    def commit() -> None:
        for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x")):
            subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, timeout=30)

    commit()
    for _ in range(2):
        assert check_source(open_source(root, "HEAD"), today=TODAY).findings == ()
    assert noted(recall(root, "commit")) == 13
    (root / "fleet/CLI-A/playlists/house.yaml").unlink()
    commit()
    quick = check_source(open_source(root, "HEAD"), today=TODAY)
    assert quick.findings == load(open_source(root, "HEAD"), today=TODAY).findings
    assert "AVT210" in [finding.code for finding in quick.findings]
    assert kept(cache).name.startswith("validate-commit-")
