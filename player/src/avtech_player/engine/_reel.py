"""What mpv's playlist holds and which entry is on screen, told from mpv's events alone; no I/O, and time is an argument."""

from dataclasses import dataclass, field

from avtech_player.ports import Clip, Ended, EngineEvent, Started
from avtech_schema.identifiers import DurationMs

MAX_DECODER_ERRORS = 25
"""A clip that brings so many is taken off the screen before its end."""
_BAD_DECODER_ERRORS = 3
_SHORT_MS = 300
_SILENT = "audio output initialization failed"
"""How mpv ends a clip that has sound where there is no audio device, after it showed it."""
_DROPPED = 16


@dataclass(eq=False, slots=True)
class Entry:
    """One entry of mpv's playlist; no clip is the slate. `id` is known once mpv has answered. Times are seconds, monotonic."""

    clip: Clip | None
    id: int | None = None
    begun: float | None = None
    shown: float | None = None
    position: float | None = None
    moved: float | None = None
    started: bool = False
    ended: bool = False
    told: bool = False
    decoder_errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Reel:
    """The playlist in step with mpv's, and the entry that is on."""

    entries: list[Entry] = field(default_factory=list)
    dropped: list[Entry] = field(default_factory=list)
    """Entries taken out of the playlist of late: mpv may not have begun or ended them yet."""
    current: Entry | None = None
    failed: list[Ended] = field(default_factory=list)
    """Clips that brought no frame: told once another entry proves that the display works."""

    def find(self, entry_id: object) -> Entry | None:
        """The entry mpv speaks of."""
        known = (*self.entries, *self.dropped)
        return next((entry for entry in known if entry.id is not None and entry.id == entry_id), None)

    def place(self) -> int:
        """Where in the playlist mpv is: at the entry that is on or, between two events, the one that it is about to begin."""
        if self.current in self.entries:
            return self.entries.index(self.current)
        return next((index for index, entry in enumerate(self.entries) if not entry.ended), len(self.entries))

    def overtaken(self) -> int | None:
        """The place of the clip that was to be on screen where the slate is: it was queued while mpv went past it."""
        waiting = (index for index, entry in enumerate(self.entries) if entry.clip and entry.begun is None)
        return next(waiting, None)

    def drop(self, first: int, last: int) -> None:
        """Entries `[first, last)` leave the playlist."""
        self.dropped = (self.dropped + self.entries[first:last])[-_DROPPED:]
        del self.entries[first:last]

    def begin(self, entry: Entry, now: float) -> None:
        """mpv opens an entry."""
        self.current = entry
        entry.begun = now

    def picture(self, now: float) -> list[EngineEvent]:
        """The first picture of the entry is decoded: the display works, so what failed before was the clips' fault."""
        if self.current and self.current.shown is None:
            self.current.shown = now
        failed, self.failed = self.failed, []
        return list(failed)

    def progress(self, position: float, now: float) -> list[EngineEvent]:
        """The position of the entry, in seconds: frames advance when two readings differ."""
        entry = self.current
        if entry is None or entry.clip is None or entry.shown is None:
            return []
        before, entry.position = entry.position, position
        if before is None or position == before:
            return []
        entry.moved = now
        return self._start(entry, now)

    def end(self, entry: Entry, reason: str, error: str, now: float) -> list[EngineEvent]:
        """mpv closes an entry, for `reason` (`eof`, `stop`, `error`, …)."""
        if self.current is entry:
            self.current = None
        entry.ended = True
        clip = entry.clip
        if clip is None or entry.told:
            return []
        entry.told = True
        played = _played(entry, now)
        if entry.shown is None and reason not in ("stop", "quit"):
            self.failed.append(
                Ended(clip, "error", DurationMs(0), f"{clip.video} does not play: {error or 'it brought no picture'}")
            )
            return []
        if reason == "eof" or error == _SILENT:  # without sound its pictures were shown all the same
            return self._end_of_file(entry, clip, played, now)
        if reason in ("stop", "quit", "redirect"):
            return [Ended(clip, "cut", played)]
        return [Ended(clip, "error", played, f"{clip.video} stopped: {error or reason}")]

    def give_up(self, entry: Entry, why: str, now: float) -> list[EngineEvent]:
        """The entry is about to be skipped because of what it shows, or does not."""
        if entry.clip is None or entry.told:
            return []
        entry.told = True
        return [Ended(entry.clip, "error", _played(entry, now), f"{entry.clip.video} {why}")]

    def still_since(self) -> float | None:
        """Since when the clip on screen has shown no new frame; None for the slate."""
        entry = self.current
        if entry is None or entry.clip is None:
            return None
        return entry.moved or entry.shown or entry.begun

    def _end_of_file(self, entry: Entry, clip: Clip, played: DurationMs, now: float) -> list[EngineEvent]:
        if entry.decoder_errors and len(entry.decoder_errors) >= _BAD_DECODER_ERRORS:
            why = f"brought {len(entry.decoder_errors)} decoding errors: {entry.decoder_errors[0]}"
            return [Ended(clip, "error", played, f"{clip.video} {why}")]
        if played + max(_SHORT_MS, clip.duration // 10) < clip.duration:
            return [Ended(clip, "error", played, f"{clip.video} ended after {played} of {clip.duration} ms")]
        return [*self._start(entry, now), Ended(clip, "eof", min(played, clip.duration) if entry.started else played)]

    def _start(self, entry: Entry, now: float) -> list[EngineEvent]:
        if entry.started or entry.clip is None:
            return []
        entry.started = True
        return [Started(entry.clip, _played(entry, now))]


def _played(entry: Entry, now: float) -> DurationMs:
    return DurationMs(0 if entry.shown is None else round((now - entry.shown) * 1000))
