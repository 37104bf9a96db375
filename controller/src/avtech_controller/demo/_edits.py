"""The edits of the demo, written as an editor would write them: a playlist, and a schedule that puts it on air at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from avtech_schema.airtime import time_zone

CLIENT = "CLI-ACME"
SCREEN = "SCR-ACME-MADRID-LOBBY"
"""The screen whose player has the real display."""
SITE, ZONE = {"site": "madrid"}, "Europe/Madrid"
"""Where the edits are shown."""


def put_on_air(repo: Path, clip: str, *, name: str, title: str, priority: int, now: datetime) -> None:
    """Add a playlist with one clip, and a schedule by which it cuts in on the screens in Madrid, for an hour from now.

    Without an end it would play for ever, and the fleet's own air checks would refuse it.
    """
    folder = repo / "fleet" / CLIENT
    playlist = {"client": CLIENT, "title": title, "items": [{"clip": clip}]}
    begins = now.astimezone(time_zone(ZONE)).replace(tzinfo=None, second=0, microsecond=0)
    validity = {"validFrom": begins.isoformat(), "validUntil": (begins + timedelta(hours=1)).isoformat()}
    rule = {"play": name, "priority": priority, "cut": "now", **validity}
    schedule = {"client": CLIENT, "title": title, "screens": {"matchLabels": SITE}, "rules": [rule]}
    _write(folder / "playlists" / f"{name}.yaml", "Playlist", name, playlist)
    _write(folder / "schedules" / f"{name}.yaml", "Schedule", name, schedule)


def on_site(row: Mapping[str, object]) -> bool:
    """Whether a row of `avtech status` is of a screen that the edits touch."""
    return str(row["screen"]).startswith("SCR-ACME-MADRID-")


def index_by_hand(repo: Path, *, like: str, clip: str, sha256: str, size: int) -> None:
    """Write an index entry for a file that `avtech content add` refused, with the facts of a clip that it took."""
    index = repo / "content-index" / CLIENT
    entry = yaml.safe_load((index / f"{like}.yaml").read_text(encoding="utf-8"))
    spec = {key: value for key, value in entry["spec"].items() if key != "thumbnail"}
    _write(index / f"{clip}.yaml", "Video", clip, {**spec, "sha256": sha256, "sizeBytes": size, "title": "Spoilt"})


def screens_of(repo: Path, client: str) -> list[dict[str, dict[str, str]]]:
    """The Screen documents of a client."""
    files = sorted((repo / "fleet" / client / "screens").glob("*.yaml"))
    return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]


def enrol(repo: Path, screen: str, public_key: str) -> None:
    """Put a device's public key into its Screen resource, as the pull request after `avtech-player enroll` does."""
    for file in sorted((repo / "fleet").glob("*/screens/*.yaml")):
        text = file.read_text(encoding="utf-8")
        if yaml.safe_load(text)["metadata"]["name"] == screen:
            file.write_text(f"{text.rstrip()}\n  device:\n    publicKey: {public_key}\n", encoding="utf-8")


def _write(path: Path, kind: str, name: str, spec: Mapping[str, object]) -> None:
    document = {"apiVersion": "avtech/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
