"""Whether a clip will play, found out off screen: its bytes are what they claim, and their first second decodes."""

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from avtech_player.digest import file_digest
from avtech_player.engine._decode import decode_fault
from avtech_player.ports import Clip
from avtech_schema.identifiers import Sha256

_WORKERS = 2
_REMEMBERED = 8192

Stamp = tuple[int, int, int, int]

_K = TypeVar("_K")
_V = TypeVar("_V")


class FaultKind(StrEnum):
    """Whose fault it is that a clip does not play."""

    ROTTEN = "rotten"
    """The file on this device is not, or no longer, what was released: fetch it again."""
    UNDECODABLE = "undecodable"
    """The released bytes themselves do not decode."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a clip will not play; `reason` is one line for a human."""

    kind: FaultKind
    reason: str


class ClipCheck:
    """Judges clips, two at a time; a file is read once, and a content decoded once, however many screens share it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="clip-check")
        self._digests: OrderedDict[tuple[Path, Stamp], Sha256] = OrderedDict()
        self._verdicts: OrderedDict[Sha256, str] = OrderedDict()
        self._deciding: dict[Sha256, threading.Lock] = {}
        self._lock = threading.Lock()

    async def fault(self, clip: Clip, *, afresh: bool = False) -> Fault | None:
        """What is wrong with a clip; None says that it plays. Ends within a bounded time, and never raises for a bad file.

        `afresh` reads the file again even if it looks untouched: a card that forgets does not change a file's time.
        """
        known = _UNKNOWN if afresh else self._known(clip)
        if known is not _UNKNOWN:
            return known
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._judge, clip)

    def _known(self, clip: Clip) -> Fault | None:
        """The verdict if it needs no work, else `_UNKNOWN`."""
        stamp = file_stamp(clip.path)
        with self._lock:
            digest = self._digests.get((clip.path, stamp)) if stamp else None
            if digest == clip.sha256 and clip.sha256 in self._verdicts:
                return _fault(clip, self._verdicts[clip.sha256])
        return _UNKNOWN

    def _judge(self, clip: Clip) -> Fault | None:
        stamp = file_stamp(clip.path)
        try:
            with clip.path.open("rb") as file:
                digest = file_digest(file)
        except OSError as error:
            return Fault(FaultKind.ROTTEN, f"{clip.video} cannot be read: {error.strerror or error}")
        if digest != clip.sha256:
            return Fault(FaultKind.ROTTEN, f"{clip.video} is not what was released: its checksum differs")
        with self._lock:
            if stamp:
                _remember(self._digests, (clip.path, stamp), digest)
            deciding = self._deciding.setdefault(digest, threading.Lock())
        with deciding:
            with self._lock:
                verdict = self._verdicts.get(digest)
            if verdict is None:
                verdict = decode_fault(clip.path)
                with self._lock:
                    _remember(self._verdicts, digest, verdict)
                    self._deciding.pop(digest, None)
        return _fault(clip, verdict)


@cache
def shared_check() -> ClipCheck:
    """The process's one check, so that a thousand simulated screens decode each clip once."""
    return ClipCheck()


def file_stamp(path: Path) -> Stamp | None:
    """What changes when a file is replaced or written: device, inode, size, time; None when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _fault(clip: Clip, verdict: str) -> Fault | None:
    return Fault(FaultKind.UNDECODABLE, f"{clip.video} does not decode: {verdict}") if verdict else None


def _remember(known: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > _REMEMBERED:
        known.popitem(last=False)


_UNKNOWN = Fault(FaultKind.ROTTEN, "not judged yet")
