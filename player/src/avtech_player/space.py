"""Space for clips: what must stay free, what may be removed and in which order, and refusing what cannot fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from avtech_player.clock import spell
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.identifiers import ByteSize


class NoSpaceError(EnvironmentFailedError):
    """The disk cannot take the release, even without everything that is not needed."""

    hint = "a larger disk, a smaller release, or another minFreeBytes or maxBytes"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a player may take of its disk.

    A fetch leaves `min_free` bytes for the state, the logs and the file system itself; clips take `max_bytes` at most (None:
    what there is); clips that no kept release needs stay for `retention`, since they may come back.
    """

    min_free: ByteSize = ByteSize(16_000_000)
    max_bytes: ByteSize | None = None
    retention: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Idle:
    """A file that may be removed: its name, its bytes, when it was last needed (seconds since 1970)."""

    name: str
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Room:
    """The disk as it is: bytes that are free, and bytes that clips take."""

    free: int
    content: int

    def for_more(self, limits: Limits) -> int:
        """How many bytes may be added; negative when there are too many already."""
        room = self.free - limits.min_free
        return room if limits.max_bytes is None else min(room, limits.max_bytes - self.content)


def choose_removals(needed: int, room: Room, limits: Limits, idle: Sequence[Idle]) -> list[Idle]:
    """What to remove so that `needed` bytes fit: as little as does, from the beginning of `idle` on.

    Raises:
        NoSpaceError: it does not fit even without all of them; then nothing is to be removed.
    """
    lacking = needed - room.for_more(limits)
    chosen: list[Idle] = []
    if needed == 0:
        return chosen
    for file in idle:
        if lacking <= 0:
            break
        chosen.append(file)
        lacking -= file.size
    if lacking > 0:
        raise NoSpaceError(_shortage(needed, room, limits, sum(file.size for file in idle)))
    return chosen


def removals_json(files: Sequence[Idle], *, only_tell: bool) -> dict[str, Any]:
    """What was removed, or with `only_tell` would be, as JSON."""
    return {
        "dryRun": only_tell,
        "removed": [idle_json(file) for file in files],
        "bytes": sum(file.size for file in files),
    }


def idle_json(file: Idle) -> dict[str, Any]:
    """A file that may be removed, as JSON."""
    used = datetime.fromtimestamp(max(0.0, min(file.used, 2.0**33)), UTC)
    return {"name": file.name, "size": file.size, "used": spell(used)}


def _shortage(needed: int, room: Room, limits: Limits, freeable: int) -> str:
    text = (
        f"the release needs {needed} bytes more on the disk: {room.free} are free, of which {limits.min_free} must stay free,"
        f" and {freeable} could be freed"
    )
    if limits.max_bytes is not None:
        text += f"; clips take {room.content} bytes and may take {limits.max_bytes}"
    return text
