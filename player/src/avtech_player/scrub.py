"""The scrub: clips are read anew, slowly, one at a time, all of them within a day, to find what the card forgot."""

import os
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from avtech_player.clock import parse_instant, spell
from avtech_player.durable import TooLargeError, read_bounded, replace_atomically
from avtech_schema.canonical import canonical_bytes
from avtech_schema.fields import Fields
from avtech_schema.identifiers import Sha256

PASS = timedelta(days=1)
"""Within this, every clip is read once."""
LONGEST = timedelta(hours=6)
"""Two clips are read at most this far apart, so that a short programme is read more often."""
BYTES_PER_SECOND = 4_000_000
_CHUNK = 1 << 20
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ScrubState:
    """Where the scrub stands: the clip that was read last, when the next is due, and counts since the device was made."""

    after: str = ""
    due: datetime | None = None
    checked: int = 0
    damaged: int = 0
    finished: datetime | None = None


def next_clip(names: Collection[Sha256], after: str) -> Sha256 | None:
    """The clip to read after another, in the order of their digests; after the last comes the first."""
    ordered = sorted(names)
    return next((name for name in ordered if name > after), ordered[0] if ordered else None)


def wait_for(state: ScrubState, now: datetime) -> timedelta:
    """How long to wait until the next clip is due; a clock that was set makes it no longer than the longest."""
    if state.due is None:
        return timedelta(0)
    return max(timedelta(0), min(state.due - now, LONGEST))


def advance(state: ScrubState, name: Sha256, count: int, now: datetime, *, damaged: bool) -> ScrubState:
    """A clip of `count` was read; the next one is due so that all are within a day."""
    return replace(
        state,
        after=name,
        due=now + min(LONGEST, PASS / max(1, count)),
        checked=state.checked + 1,
        damaged=state.damaged + damaged,
        finished=now if name <= state.after else state.finished,
    )


def load_scrub(path: Path) -> ScrubState:
    """Where the scrub stood; damage starts it anew.

    Raises:
        DiskError: the disk cannot be read.
    """
    try:
        data = read_bounded(path, limit=_MAX_BYTES)
        if data is None:
            return ScrubState()
        fields = Fields.parse(data, "scrub")
        state = ScrubState(
            after=fields.text("after", limit=64),
            due=fields.optional("due", parse_instant),
            checked=fields.integer("checked"),
            damaged=fields.integer("damaged"),
            finished=fields.optional("finished", parse_instant),
        )
        fields.finish()
    except (TooLargeError, ValueError, OverflowError):
        return ScrubState()
    return state


def save_scrub(path: Path, state: ScrubState) -> None:
    """Note where the scrub stands.

    Raises:
        DiskError: the disk refused.
    """
    value = {
        "after": state.after,
        "due": spell(state.due) if state.due else None,
        "checked": state.checked,
        "damaged": state.damaged,
        "finished": spell(state.finished) if state.finished else None,
    }
    replace_atomically(path, canonical_bytes(value), ours=True)


def is_damaged(path: Path, digest: Sha256, stop: threading.Event, *, rate: int = BYTES_PER_SECOND) -> bool:
    """Read a clip from the disk itself, at a bounded rate, and say whether it is another than was released.

    One that cannot be read is damaged; one that is not there, or whose reading was stopped, is not.
    """
    found = Hash(SHA256())
    try:
        with path.open("rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # Memory may be right where the disk is not.
            began, read = time.monotonic(), 0
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                read += len(chunk)
                if stop.wait(max(0.0, began + read / rate - time.monotonic())):
                    return False
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return found.finalize().hex() != digest
