"""One life of a player as a process, to be killed at any system call: real trust, store, disk, state, spool and report.

`python -m tests.player.lifetime DIRECTORY STORE ROOT` starts on a state directory, shows what is good, writes down a play,
takes the release that the store offers, reports, uploads proof of play, and says `done`. Blocking work has one thread, so
that calls can be counted.
"""

import asyncio
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from avtech_player.durable import replace_atomically
from avtech_player.logs import screen_log
from avtech_player.plays import Journal, Spool
from avtech_player.reports import Reporter
from avtech_player.scrub import ScrubState, save_scrub
from avtech_player.space import Limits
from avtech_schema.identifiers import ByteSize, CommitId, DurationMs, Sha256, VideoId
from avtech_schema.plays import Played, PlayResult
from avtech_schema.report import ReleaseRef
from tests.player.repository import ACME, LOBBY
from tests.player.rig import Rig

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ROOM = Limits(min_free=ByteSize(0), max_bytes=ByteSize(150_000))
"""Room for two releases of the tests, so that the third has idle clips removed."""


def play(second: int) -> Played:
    """A play to write down."""
    digest = Sha256("a" * 64)
    return Played(
        clip=VideoId("VID-A"),
        sha256=digest,
        rule=None,
        release=ReleaseRef(1, CommitId("c" * 40), digest),
        start=f"2026-11-24T10:00:{second:02d}.000Z",
        end=f"2026-11-24T10:00:{second + 1:02d}.000Z",
        played=DurationMs(1000),
        result=PlayResult.COMPLETE,
        reason="",
        clock_trusted=True,
    )


def open_spool(directory: Path) -> Spool:
    """The spool of a life, signed by the tests' key."""
    return Spool(directory / "plays", ACME, LOBBY, CryptoSigner(KEY), max_bytes=1_000_000)


async def live(directory: Path, url: str, root: bytes) -> None:
    """Start, take what the store offers, and tell of it."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    rig = Rig(directory, url, root, limits=ROOM)
    await rig.updater.start()
    journal = Journal(lambda: open_spool(directory), rig.store, screen_log("plays", LOBBY))
    journal.note(play(journal.stats.open_records))
    await journal.close()
    await rig.updater.settle()
    await rig.updater.step()
    replace_atomically(directory / "history.json", b"{}")
    save_scrub(directory / "scrub.json", ScrubState(after="a"))
    reporter = Reporter(directory, ACME, LOBBY, lambda: KEY, rig.store, rig.library, rig.clock, "1.0", journal)
    await reporter.report(rig.updater, rig.stage)
    await journal.upload()


def main() -> None:
    """Live once."""
    logging.disable()
    directory, url, root = sys.argv[1:]
    asyncio.run(live(Path(directory), url, Path(root).read_bytes()))
    print("done")


if __name__ == "__main__":
    main()
