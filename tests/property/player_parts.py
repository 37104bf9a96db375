"""What surrounds the player in its model: clips of every kind, a screen that can fail, a wire to the store that can break."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from avtech_player.engine import ClipCheck, SimulatedEngine
from avtech_player.ports import Clip, Died, EngineEvent, Started
from avtech_player.store import NotModified, Store, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import Sha256
from avtech_schema.report import EngineHealth
from tests.player.material import make_clip, scrambled, video_bytes
from tests.property.lossy_disk import DiedError, LossyDisk

MS = 400


class Kind(StrEnum):
    """What a clip does to a screen."""

    FINE = "plays"
    BROKEN = "does not decode"
    DARK = "decodes, but brings no frames on this screen"
    CRASHING = "kills mpv whenever it is shown"
    DEADLY = "kills the player whenever it is shown"


@cache
def clips(kind: Kind) -> tuple[bytes, ...]:
    """Some real clips of a kind: all of one picture, told apart by what no decoder looks at."""
    picture = video_bytes("testsrc=s=32x32:r=10", MS / 1000)
    marked = [picture + _free_box(f"{kind} {number}".encode()) for number in range(6 if kind is Kind.FINE else 1)]
    return tuple(scrambled(clip) for clip in marked) if kind is Kind.BROKEN else tuple(marked)


def _free_box(text: bytes) -> bytes:
    """A part of an MP4 file that says nothing to a decoder."""
    return (8 + len(text)).to_bytes(4) + b"free" + text


@cache
def kinds() -> dict[Sha256, Kind]:
    """Of each clip that the model knows, by its digest."""
    return {sha256_hex(clip): kind for kind in Kind for clip in clips(kind)}


@cache
def patient_check() -> ClipCheck:
    """Has decoded every clip once, for real, and not given up because this machine is busy."""
    with tempfile.TemporaryDirectory() as folder:
        made = [
            make_clip(Path(folder), f"{kind.name}-{number}", data) for kind in Kind for number, data in enumerate(clips(kind))
        ]

        async def judge(check: ClipCheck) -> bool:
            faults = [await check.fault(clip) for clip in made]
            return [clip for clip, fault in zip(made, faults, strict=True) if fault] == [c for c in made if "BROKEN" in c.video]

        for _ in range(5):
            if asyncio.run(judge(check := ClipCheck())):
                return check
    raise AssertionError("clips do not decode here")


@dataclass
class Weather:
    """What fails around the player: clips in the store are `garbled`, all else `mixed_up`; at `cut` downloads end."""

    down: bool = False
    garbled: bool = False
    mixed_up: bool = False
    cut: int | None = None
    blind: bool = False
    frozen: bool = False

    def clear(self) -> None:
        """Everything works again."""
        self.down = self.garbled = self.mixed_up = self.blind = self.frozen = False
        self.cut = None


class Screen(SimulatedEngine):
    """A simulated screen that notes which releases brought frames, and that some clips and some weather keep from it."""

    def __init__(self, weather: Weather, disk: LossyDisk, check: Callable[[Clip], None]) -> None:
        super().__init__(check=patient_check())
        self._weather = weather
        self._disk = disk
        self._look = check
        self._last: Clip | None = None
        self.seen: set[Sha256] = set()
        """The releases, by digest, of which frames advanced."""

    async def show(self, clip: Clip) -> None:
        self._last = clip
        kind = kinds().get(clip.sha256, Kind.FINE)
        if kind is Kind.DEADLY:
            raise self._disk.die()
        if self._weather.blind or kind is Kind.CRASHING:
            await super().slate()
            reason = "there is no display" if self._weather.blind else "mpv was killed by signal 11"
            self._events.put_nowait(Died(reason, blind=self._weather.blind))
        elif self._weather.frozen or kind is Kind.DARK:
            await super().slate()
        else:
            await super().show(clip)

    async def queue(self, clip: Clip) -> None:
        if self._current is None:
            await self.show(clip)
        else:
            await super().queue(clip)

    async def slate(self) -> None:
        self._last = None
        await super().slate()

    async def events(self) -> AsyncIterator[EngineEvent]:
        async for event in super().events():
            if isinstance(event, Started):
                self._look(event.clip)
                if event.clip.release is not None:
                    self.seen.add(event.clip.release.digest)
            yield event

    def health(self) -> EngineHealth:
        found = super().health()
        return EngineHealth(found.kind, found.version, "failed", 0) if self._weather.blind else found

    async def crash(self) -> None:
        """Mpv dies once, and what was queued is lost."""
        await super().slate()
        self._events.put_nowait(Died("mpv was killed by signal 9"))


@dataclass
class Wire:
    """A store behind a network. `asked` hears of every download: its key, and how many bytes it is to bring."""

    store: Store
    weather: Weather
    asked: Callable[[str, int], None]
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url, self.tally = self.store.url, self.store.tally

    def read(self, key: str, *, limit: int, if_none_match: str = "") -> Stored | NotModified | None:
        self._fail(key)
        found = self.store.read(key, limit=limit, if_none_match=if_none_match)
        return Stored(garbled(found.data), "") if self.weather.mixed_up and isinstance(found, Stored) else found

    def stream(self, key: str, *, offset: int, size: int | None = None) -> Iterator[bytes]:
        self._fail(key)
        self.asked(key, (size or 0) - offset)
        left = self.weather.cut
        for chunk in self.store.stream(key, offset=offset, size=size):
            if left is not None:
                yield chunk[:left]
                raise StoreError(f"{key} broke off")
            yield garbled(chunk) if self.weather.garbled else chunk

    def reject(self, key: str) -> None:
        if not self.weather.garbled:
            self.store.reject(key)

    def write(self, key: str, data: bytes) -> None:
        self._fail(key)
        self.store.write(key, data)

    def create(self, key: str, data: bytes) -> bool:
        self._fail(key)
        return self.store.create(key, data)

    def _fail(self, key: str) -> None:
        if self.weather.down:
            raise StoreError(f"{key}: the store does not answer")


def garbled(data: bytes) -> bytes:
    """As long, and other bytes."""
    return bytes(byte ^ 0x55 for byte in data[:8]) + data[8:]


def spoil(path: Path, how: str, outside: Path) -> None:
    """Damage what has a name; `outside` is a file that does not belong to the player."""
    data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    if how not in ("flipped", "truncated", "zeroed", "emptied"):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    match how:
        case "flipped" if data:
            at = len(data) // 2
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        case "truncated" if data:
            path.write_bytes(data[: len(data) // 2])
        case "zeroed" if data:
            path.write_bytes(bytes(len(data)))
        case "emptied" if data:
            path.write_bytes(b"")
        case "a link":
            path.symlink_to(outside)
        case "a directory":
            path.mkdir()
            (path / "stray").write_bytes(b"stray")
        case _:
            pass  # It is gone, or was empty.


SPOILT = ("flipped", "truncated", "zeroed", "emptied", "deleted", "a link", "a directory")

__all__ = ["MS", "SPOILT", "DiedError", "Kind", "Screen", "Weather", "Wire", "clips", "garbled", "kinds", "spoil"]
