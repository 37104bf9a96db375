"""How soon a message of a broker has a release on screen: `python benchmarks/wake.py [--rounds N]`. Needs mosquitto.

The player is a process of its own with its simulated engine, and would look again in an hour. Each round publishes a
release and says "look now"; measured is until the player wants it, and until the report that it plays lies in the store.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.player.broker import broker, free_port, publish
from tests.player.devices import Device
from tests.player.material import video_bytes
from tests.player.repository import Repository, manifest_of

from avtech_player.alarm import APART_SECONDS


def main() -> int:
    """Wake, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    rounds: int = parser.parse_args().rounds
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), rounds)
    for what, times in zip(("wanted", "on screen and reported"), zip(*found, strict=True), strict=True):
        median, most = statistics.median(times), max(times)
        print(f"{what:24} {median:.2f} s after the message (median of {rounds}; most {most:.2f} s)   under a second")
    return 0


def measure(folder: Path, rounds: int) -> list[tuple[float, float]]:
    """For each round the seconds from the message until the release is wanted, and until it is reported as playing."""
    repository = Repository(folder / "store")
    device, port = Device(folder / "device", repository), free_port()
    settings = {"AVTECH_PLAYER_POLL_SECONDS": "3600", "AVTECH_PLAYER_WAKE": f"mqtt://127.0.0.1:{port}"}
    log, found = device.folder / "log", list[tuple[float, float]]()
    repository.publish(manifest_of({"VID-RED": repository.put_clip(video_bytes("red"))}))
    with broker(folder, port), device.running(environment=settings):
        device.reported(lambda report: report.applied is not None, within=60)
        wait_for(log, "listening to avtech/wake")
        for number in range(rounds):
            time.sleep(APART_SECONDS)  # Looks keep apart.
            clip = "VID-" + ("BLUE", "RED")[number % 2]
            ref = repository.publish(manifest_of({clip: repository.put_clip(video_bytes(clip[4:].lower()))}))
            began = time.monotonic()
            publish(port)
            wait_for(log, f"release {ref.sequence}")
            wanted = time.monotonic() - began
            device.reported(lambda report, clip=clip: report.now_playing is not None and report.now_playing.clip == clip)  # type: ignore[misc]
            found.append((wanted, time.monotonic() - began))
            device.reported(lambda report, ref=ref: report.applied == ref)  # type: ignore[misc]
    return found


def wait_for(log: Path, words: str) -> None:
    """Wait until a log has some words."""
    deadline = time.monotonic() + 30
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
