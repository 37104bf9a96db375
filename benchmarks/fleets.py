"""Synthetic fleets of any size, always the same for the same numbers: `python benchmarks/fleets.py DIR --screens 10000`.

For N screens there are N/10 schedules, N/10 playlists and N/2 clips, divided among clients. Nothing in them is wrong.
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

AREAS = ("entrance", "lobby", "canteen", "shop", "window", "hall")
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Etc/UTC")
MODELINE = "# yaml-language-server: $schema=../../../schema/json/v1/avtech.schema.json\n"


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet is."""

    screens: int
    clients: int

    @classmethod
    def of(cls, screens: int, clients: int | None = None) -> "Size":
        """One client for each 500 screens, unless their number is given."""
        return cls(screens, clients or max(1, screens // 500))


def fleet(size: Size) -> Iterator[tuple[str, str]]:
    """The files of a fleet: paths below its root, and their text."""
    spec = "spec:\n  defaults:\n    timeZone: Europe/Madrid\n"
    yield "fleet/fleet.yaml", _document("Fleet", "fleet", spec)
    for number in range(size.clients):
        share = _share(size.screens, size.clients, number)
        yield from _client(number, share)


def write_fleet(root: Path, size: Size) -> int:
    """Write the files of a fleet below a directory; returns how many there are."""
    count = 0
    for path, text in fleet(size):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        count += 1
    return count


def _share(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)


def _client(number: int, screens: int) -> Iterator[tuple[str, str]]:
    dice = random.Random(number)
    name = f"CLI-C{number:03}"
    clips = [f"VID-C{number:03}-{clip:05}" for clip in range(max(1, screens // 2))]
    playlists = max(2, screens // 10)
    sites = max(1, screens // 12)
    home = f"fleet/{name}"
    yield f"{home}/client.yaml", _document("Client", name, f"spec:\n  title: Client {number}\n  fallback: list-0\n")
    for area in AREAS:
        spec = f"spec:\n  client: {name}\n  matchLabels:\n    area: {area}\n"
        yield f"{home}/groups/{area}.yaml", _document("Group", area, spec)
    for screen in range(screens):
        label = f"  labels:\n    site: site-{screen % sites}\n    area: {dice.choice(AREAS)}\n"
        zone = ZONES[screen % sites % len(ZONES)]
        spec = f"spec:\n  client: {name}\n  title: Screen {screen}\n  timeZone: {zone}\n{_display(dice)}"
        place = f"{home}/screens/SCR-C{number:03}-{screen:05}.yaml"
        yield place, _document("Screen", f"SCR-C{number:03}-{screen:05}", label + spec)
    for playlist in range(playlists):
        held = clips[playlist::playlists] if playlist < len(clips) else [clips[playlist % len(clips)]]
        yield f"{home}/playlists/list-{playlist}.yaml", _playlist(name, playlist, held, dice)
    for schedule in range(max(1, screens // 10)):
        yield f"{home}/schedules/plan-{schedule}.yaml", _schedule(name, schedule, playlists, sites)
    for clip in clips:
        yield f"content-index/{name}/{clip}.yaml", _clip(name, clip, dice)


def _document(kind: str, name: str, rest: str) -> str:
    return f"{MODELINE}apiVersion: avtech/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{rest}"


def _display(dice: random.Random) -> str:
    if dice.random() < 0.8:
        return "  display:\n    resolution: 1920x1080\n"
    return '  display:\n    resolution: 3840x2160\n    powerHours:\n      from: "06:00"\n      until: "23:00"\n'


def _playlist(client: str, number: int, clips: list[str], dice: random.Random) -> str:
    items = "".join(f"    - clip: {clip}\n      weight: {dice.randint(1, 4)}\n" for clip in clips)
    nested = f"    - playlist: list-{number // 2 - 1}\n" if number > 3 and number % 4 == 0 else ""
    return _document(
        "Playlist", f"list-{number}", f"spec:\n  client: {client}\n  title: List {number}\n  items:\n{items}{nested}"
    )


def _schedule(client: str, number: int, playlists: int, sites: int) -> str:
    if number % 5 == 4:
        chosen = f"    groups:\n      - {AREAS[number // 5 % len(AREAS)]}\n"
    else:
        chosen = f"    matchLabels:\n      site: site-{number % sites}\n"
    rules = "".join(
        f"    - play: list-{(number * 4 + part) % playlists}\n"
        f'      from: "{start:02}:00"\n'
        f'      until: "{start + 4:02}:00"\n'
        f"      days: [mon, tue, wed, thu, fri{', sat, sun' if part % 2 else ''}]\n"
        f"      priority: {10 + part % 2}\n"
        for part, start in enumerate((6, 10, 14, 18))
    )
    night = f"    - play: list-{number % playlists}\n      priority: 1\n"
    return _document("Schedule", f"plan-{number}", f"spec:\n  client: {client}\n  screens:\n{chosen}  rules:\n{rules}{night}")


def _clip(client: str, name: str, dice: random.Random) -> str:
    return _document(
        "Video",
        name,
        f"spec:\n  client: {client}\n  title: Clip {name}\n  sha256: {hashlib.sha256(name.encode()).hexdigest()}\n"
        f"  sizeBytes: {dice.randint(200_000, 5_000_000)}\n  durationMs: {dice.randint(3_000, 15_000)}\n"
        "  media:\n    container: mp4\n    videoCodec: h264\n    pixelFormat: yuv420p\n    width: 1920\n    height: 1080\n"
        f"    frameRate: 25/1\n  originalName: {name.lower()}.mp4\n",
    )


def main() -> int:
    """Write a fleet to a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--screens", type=int, default=10_000)
    parser.add_argument("--clients", type=int, help="one for each 500 screens if missing")
    options = parser.parse_args()
    print(f"{write_fleet(options.directory, Size.of(options.screens, options.clients)):,} files in {options.directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
