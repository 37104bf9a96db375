"""A generation on the air: its airtime compiled ahead, and which of its clips do not play on this device for now."""

import itertools
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from avtech_player.engine import file_stamp
from avtech_player.playback._undated import Dates, dated_out
from avtech_player.ports import Clip, Generation
from avtech_schema.airtime import MOST_STEPS, EffortError, History, Play, Segment, Timeline, airtime, playout
from avtech_schema.identifiers import Sha256, VideoId
from avtech_schema.manifest import Manifest, Orientation

_LOGGER = logging.getLogger("avtech.player.playback")
_DAYS = 8
_MARGIN = timedelta(days=1)
_PAROLE_S = 5.0
_MAX_PAROLE_S = 600.0

Stamp = tuple[int, int, int, int]

_DEGREES = {
    Orientation.LANDSCAPE: 0,
    Orientation.PORTRAIT: 270,
    Orientation.LANDSCAPE_FLIPPED: 180,
    Orientation.PORTRAIT_FLIPPED: 90,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A clip chosen to play, the segment it was chosen from, and what the rotation must remember of it."""

    clip: Clip
    play: Play
    segment: Segment

    @property
    def is_capped(self) -> bool:
        """Whether plays of its rule are counted."""
        shares = itertools.chain(self.segment.shares, *self.segment.reserves)
        return any(share.rule == self.play.rule and share.max_plays_per_hour is not None for share in shares)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A clip set aside until its file changes or, when it may have been bad luck, until a monotonic instant."""

    sha256: Sha256
    stamp: Stamp | None
    until: float | None


class Airing:
    """What one generation plays, and when. Instants are the trusted clock's, `monotonic` is in seconds."""

    def __init__(
        self,
        generation: Generation,
        instant: datetime,
        *,
        before: "Airing | None" = None,
        dates: Dates = Dates(),  # noqa: B008  an immutable pair
        stamp: Callable[[Path], Stamp | None] = file_stamp,
        strict: bool = False,
    ) -> None:
        self.generation = generation
        self._stamp = stamp
        self._refused: dict[VideoId, _Refused] = {}
        self._offences: dict[VideoId, int] = {}
        self._dates = dates
        self._manifest = dated_out(generation.manifest, dates)
        self._emergencies = frozenset(rule.id for rule in generation.manifest.rules if rule.emergency)
        if before:
            self._inherit(before)
        self._timeline = self._worked_out(instant) if strict else self._compile(instant)

    @property
    def emergencies(self) -> frozenset[str]:
        """The ids of its emergency rules."""
        return self._emergencies

    @property
    def degrees(self) -> int:
        """How far a picture is turned clockwise to stand upright: a portrait panel is one turned clockwise by a quarter."""
        return _DEGREES[self.generation.manifest.display.orientation]

    def believe(self, dates: Dates, instant: datetime) -> None:
        """The clock is to be believed from now on, or not: what dates decide comes or goes."""
        if dates != self._dates:
            self._dates = dates
            self._manifest = dated_out(self.generation.manifest, dates)
            self._timeline = self._compile(instant)

    def is_current(self, dates: Dates, instant: datetime, monotonic: float) -> bool:
        """Whether nothing has to be compiled anew to say what is on air at an instant."""
        held = any(self._may_return(video, note, monotonic) for video, note in self._refused.items())
        return dates == self._dates and not held and self._covers(instant)

    def renew(self, dates: Dates, instant: datetime, monotonic: float) -> None:
        """Compile anew whatever the passing of time asks for."""
        self.believe(dates, instant)
        self.review(instant, monotonic)
        self.segment(instant)

    def segment(self, instant: datetime) -> Segment:
        """What is on air at an instant; compiles anew when that lies near the end of what is compiled, or before it."""
        timeline = self._timeline
        if not self._covers(instant):
            timeline = self._timeline = self._compile(instant)
        return timeline.at(instant)

    def choose(self, history: History, instant: datetime) -> Choice | None:
        """The clip that plays next at an instant, after what has played; None when nothing can play."""
        segment = self.segment(instant)
        play = playout(segment, history, instant)
        return None if play is None else Choice(self.clip(play.clip, play.rule), play, segment)

    def clip(self, video: VideoId, rule: str | None) -> Clip:
        """A clip of this generation, as engines take it; a new object every time."""
        asset = self.generation.manifest.assets[video]
        generation = self.generation
        return Clip(video, asset.sha256, generation.files[video], asset.duration, rule, generation.ref)

    def on_air(self, instant: datetime) -> list[Clip]:
        """Every clip that is meant to play at an instant, each once, in order, whether it does or not."""
        found: dict[VideoId, Clip] = {}
        segment = self.segment(instant)
        if self._refused:
            segment = airtime(self._manifest, instant, unplayable=self._missing())
        for entry in segment.on_air():
            found.setdefault(entry.clip, self.clip(entry.clip, entry.rule))
        return list(found.values())

    def holds(self, video: VideoId, sha256: Sha256) -> bool:
        """Whether the generation has this clip with these bytes."""
        asset = self.generation.manifest.assets.get(video)
        return asset is not None and asset.sha256 == sha256

    def refuse(self, clip: Clip, instant: datetime, *, parole_from: float | None = None) -> None:
        """Set a clip aside until its file changes, or with `parole_from` (monotonic) for a while that grows each time."""
        offences = self._offences[clip.video] = self._offences.get(clip.video, 0) + 1
        until = None if parole_from is None else parole_from + min(_MAX_PAROLE_S, _PAROLE_S * 2 ** min(offences - 1, 16))
        self._refused[clip.video] = _Refused(clip.sha256, self._stamp(clip.path), until)
        self._timeline = self._compile(instant)

    def refuse_all(self, clips: Collection[Clip], instant: datetime) -> None:
        """Set clips aside until their files change."""
        for clip in clips:
            self._offences[clip.video] = self._offences.get(clip.video, 0) + 1
            self._refused[clip.video] = _Refused(clip.sha256, self._stamp(clip.path), None)
        if clips:
            self._timeline = self._compile(instant)

    def played_well(self, clip: Clip) -> None:
        """Forget what was held against a clip."""
        self._offences.pop(clip.video, None)

    def review(self, instant: datetime, monotonic: float) -> bool:
        """Take back clips whose file was replaced or whose time is up; whether there were any."""
        freed = [video for video, note in self._refused.items() if self._may_return(video, note, monotonic)]
        for video in freed:
            del self._refused[video]
        if freed:
            self._timeline = self._compile(instant)
        return bool(freed)

    def _inherit(self, before: "Airing") -> None:
        """What was found out about a clip holds for the same bytes in another generation."""
        for video, asset in self.generation.manifest.assets.items():
            if before.holds(video, asset.sha256):
                if video in before._refused:
                    self._refused[video] = before._refused[video]
                if video in before._offences:
                    self._offences[video] = before._offences[video]

    def _may_return(self, video: VideoId, note: _Refused, monotonic: float) -> bool:
        if note.until is not None and monotonic >= note.until:
            return True
        stamp = self._stamp(self.generation.files[video])
        return stamp is not None and stamp != note.stamp

    def _covers(self, instant: datetime) -> bool:
        timeline = self._timeline
        margin = min(_MARGIN, (timeline.horizon - timeline.start) / 8)
        return timeline.start <= instant < timeline.horizon - margin

    def _compile(self, instant: datetime) -> Timeline:
        """The airtime of the days to come; of less than all where that grew to more than can be worked out."""
        try:
            return self._worked_out(instant)
        except EffortError as error:
            _LOGGER.error("%s: only its fallback plays", error)  # noqa: TRY400
            manifest = _simplest(self._manifest)
            return Timeline.compile(manifest, instant, days=1, unplayable=self._refused.keys() | self._missing())

    def _worked_out(self, instant: datetime) -> Timeline:
        unplayable = self._refused.keys() | self._missing()
        return Timeline.compile(self._manifest, instant, days=_DAYS, unplayable=unplayable, most=MOST_STEPS)

    def _missing(self) -> set[VideoId]:
        return self.generation.manifest.assets.keys() - self.generation.files.keys()


def _simplest(manifest: Manifest) -> Manifest:
    """The manifest with its fallback alone, or with what its first rule plays."""
    playlist = manifest.fallback or manifest.rules[0].playlist
    return replace(manifest, rules=(), fallback=playlist)


def make_airing(generation: Generation | None, instant: datetime, before: Airing | None, dates: Dates) -> Airing | None:
    """The generation's airing; None, and a line in the log, for one whose airtime this device cannot work out."""
    try:
        return Airing(generation, instant, before=before, dates=dates) if generation else None
    except ValueError as error:
        _LOGGER.error("the airtime of the manifest cannot be worked out: %s", error)  # noqa: TRY400
        return None
