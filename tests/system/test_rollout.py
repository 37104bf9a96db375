"""A rollout on real players: the first wave rolls a bad release back, the tick takes it back, and the second never sees it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key
from tests.system.published import AVTECH, CLIENT, SCREEN, Published, publish_example

pytestmark = [pytest.mark.slow, pytest.mark.media]

OTHER = "SCR-EXAMPLE-WINDOW"
PLAYER = AVTECH.with_name("avtech-player")
SPOILT = "VID-EXAMPLE-SPOILT"


@pytest.fixture
def example(tmp_path: Path) -> Published:
    """The example of `avtech init` with both screens enrolled, and a rollout that begins in the lobby."""
    (tmp_path / "store").mkdir()
    made = publish_example(tmp_path, (tmp_path / "store").as_uri())
    for screen, file in ((SCREEN, "lobby.yaml"), (OTHER, "window.yaml")):
        enrol(made, tmp_path / screen, screen, made.repo / f"fleet/{CLIENT}/screens/{file}")
    fleet = made.repo / "fleet/fleet.yaml"
    value = yaml.safe_load(fleet.read_text())
    value["spec"]["rollout"] = {"waves": [{"matchLabels": {"area": "lobby"}, "soakMinutes": 0}]}
    value["spec"]["limits"] = {"changedPercent": 100}
    fleet.write_text(yaml.safe_dump(value))
    made.publish()
    return made


def enrol(made: Published, state: Path, screen: str, file: Path) -> None:
    config = state / "player.yaml"
    where = ["--store", made.store, "--root", str(made.repo / "trust/1.root.json"), "--state-dir", str(state)]
    who = ["--screen", screen, "--client", CLIENT, "--engine", "simulated", "--config", str(config), "--output", "json"]
    ran = subprocess.run([str(PLAYER), "enroll", *who, *where], capture_output=True, text=True, check=True, timeout=60)
    key = json.loads(ran.stdout)["publicKey"]
    file.write_text(f"{file.read_text().rstrip()}\n  device:\n    publicKey: {key}\n")
    values = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**values, "pollSeconds": 1}))


@contextmanager
def playing(tmp_path: Path) -> Iterator[None]:
    configs = [option for screen in (SCREEN, OTHER) for option in ("--config", str(tmp_path / screen / "player.yaml"))]
    with (tmp_path / "players.log").open("wb") as log:
        process = subprocess.Popen([str(PLAYER), "run", *configs], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def run(made: Published, *arguments: str) -> tuple[int, Any]:
    env = {**os.environ, "AVTECH_STORE": made.store, "AVTECH_KEYS_DIR": str(made.keys)}
    command = [str(AVTECH), *arguments, "--output", "json"]
    ran = subprocess.run(command, cwd=made.repo, env=env, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else ran.stderr


def states(made: Published) -> dict[str, str]:
    return {row["screen"]: row["state"] for row in run(made, "status")[1]["screens"]}


def await_that(what: Callable[[], bool], *, seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.2)


def put_spoilt_on_air(made: Published, store: Path) -> None:
    """A clip whose digest is right and which will not decode, in the index and on air everywhere."""
    clip = next((made.repo / "clips").glob("*.mp4")).read_bytes()
    spoilt = clip[: len(clip) // 8] + bytes(len(clip) - len(clip) // 8)
    digest = sha256_hex(spoilt)
    (store / content_key(ClientId(CLIENT), digest)).write_bytes(spoilt)
    index = made.repo / f"content-index/{CLIENT}"
    entry = yaml.safe_load((index / "VID-EXAMPLE-WELCOME.yaml").read_text())
    entry["metadata"]["name"] = SPOILT
    entry["spec"] |= {"sha256": digest, "sizeBytes": len(spoilt)}
    entry["spec"].pop("thumbnail", None)
    (index / f"{SPOILT}.yaml").write_text(yaml.safe_dump(entry))
    folder = made.repo / f"fleet/{CLIENT}"
    for check in (folder / "checks").iterdir():
        check.unlink()
    head = {"apiVersion": "avtech/v1", "metadata": {"name": "spoilt"}}
    playlist = {"client": CLIENT, "title": "Spoilt", "items": [{"clip": SPOILT}]}
    schedule = {
        "client": CLIENT,
        "title": "Spoilt",
        "screens": {"names": [SCREEN, OTHER]},
        "rules": [{"play": "spoilt", "priority": 99, "cut": "now"}],
    }
    (folder / "playlists/spoilt.yaml").write_text(yaml.safe_dump({**head, "kind": "Playlist", "spec": playlist}))
    (folder / "schedules/spoilt.yaml").write_text(yaml.safe_dump({**head, "kind": "Schedule", "spec": schedule}))


def test_a_bad_release_stops_at_the_first_player_and_its_revert_brings_everything_back(
    example: Published, tmp_path: Path
) -> None:
    with playing(tmp_path):
        await_that(lambda: states(example) == {SCREEN: "synced", OTHER: "synced"})
        put_spoilt_on_air(example, tmp_path / "store")
        example.publish()
        await_that(lambda: states(example)[SCREEN] == "failed")
        assert states(example)[OTHER] == "synced"
        code, ticked = run(example, "rollout", "tick", "--patch", str(tmp_path / "revert.patch"))
        assert (code, ticked["acted"], ticked["state"]) == (7, "halt", "halted")
        await_that(lambda: states(example) == {SCREEN: "synced", OTHER: "synced"})
        assert run(example, "publish", "--yes")[0] == 7
        example.git("am", str(tmp_path / "revert.patch"))
        assert run(example, "publish", "--yes")[0] == 0
        assert states(example) == {SCREEN: "synced", OTHER: "synced"}
        checks = run(example, "verify", "--chain")
        assert checks[0] == 0


def test_a_good_release_is_published_and_waited_for_until_every_player_has_it(example: Published, tmp_path: Path) -> None:
    with playing(tmp_path):
        await_that(lambda: states(example) == {SCREEN: "synced", OTHER: "synced"})
        client = example.repo / f"fleet/{CLIENT}/client.yaml"
        value = yaml.safe_load(client.read_text())
        value["spec"]["fallback"] = "offers" if value["spec"]["fallback"] != "offers" else "welcome"
        client.write_text(yaml.safe_dump(value))
        for check in (example.repo / f"fleet/{CLIENT}/checks").iterdir():
            check.unlink()
        example.git("add", "--all")
        example.git("commit", "--quiet", "--message", "Another fallback")
        code, value = run(example, "publish", "--yes", "--wait", "--poll", "1", "--timeout", "1")
        assert (code, value["waited"]["state"], value["waited"]["wave"]) == (0, "complete", 2)
        assert states(example) == {SCREEN: "synced", OTHER: "synced"}
