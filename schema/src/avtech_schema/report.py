"""The player's report: its statement of what it shows and why, signed with the device key (DESIGN section 6)."""

from dataclasses import dataclass
from enum import StrEnum

from avtech_schema.canonical import canonical_bytes
from avtech_schema.errors import TrustError
from avtech_schema.fields import Fields, FieldsError
from avtech_schema.identifiers import (
    ByteSize,
    CommitId,
    DurationMs,
    ScreenId,
    Sha256,
    VideoId,
    commit_id,
    screen_id,
    sha256,
    video_id,
)
from avtech_schema.localtime import utc_time

PAYLOAD_TYPE = "application/vnd.avtech.report+json"
MAX_REPORT_BYTES = 256_000


class SyncState(StrEnum):
    """How what the screen shows relates to what it is meant to show."""

    SYNCED = "synced"
    """It shows the released manifest."""
    PENDING = "pending"
    """It is fetching, trying, or has not heard of a release yet."""
    FAILED = "failed"
    """The release was tried, rolled back and quarantined."""
    ERROR = "error"
    """The last attempt to learn or fetch the release failed; it will be tried again."""


@dataclass(frozen=True, slots=True)
class ReleaseRef:
    """One release as a screen sees it: the record's sequence, the commit, and the screen's manifest."""

    sequence: int
    commit: CommitId
    digest: Sha256


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A manifest that failed on this screen; it is not tried again before a record later than `sequence`."""

    digest: Sha256
    sequence: int
    commit: CommitId
    reason: str
    time: str


@dataclass(frozen=True, slots=True)
class SyncCounters:
    """Attempts to reach the desired release since the state directory was made."""

    attempts: int = 0
    successes: int = 0
    failures: int = 0
    consecutive_failures: int = 0
    mean_time: DurationMs = DurationMs(0)


@dataclass(frozen=True, slots=True)
class Storage:
    """The file system that holds the state directory, and what of it is ours."""

    total: ByteSize
    free: ByteSize
    content: ByteSize


@dataclass(frozen=True, slots=True)
class System:
    """The device. CPU and memory in basis points (1/100 of a percent); temperature in thousandths of a degree Celsius."""

    uptime_s: int
    cpu_bp: int
    memory_bp: int
    temperature_mc: int | None


@dataclass(frozen=True, slots=True)
class EngineHealth:
    """What draws the pictures: its kind, version, state (`playing`, `starting`, `failed`, `slate`) and restarts."""

    kind: str
    version: str
    state: str
    restarts: int


@dataclass(frozen=True, slots=True)
class Spooled:
    """Proof of play that is not uploaded yet, in segments, and the records that were lost for want of space."""

    waiting: int
    dropped: int


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """The clip on screen. `rule` is None for the fallback; `since` is UTC, RFC 3339."""

    clip: VideoId
    sha256: Sha256
    rule: str | None
    since: str


@dataclass(frozen=True, slots=True)
class Report:
    """One report. Times are UTC, RFC 3339 with `Z`; `sequence` rises with every report, across restarts."""

    screen: ScreenId
    sequence: int
    time: str
    player: str
    state: SyncState
    phase: str
    desired: ReleaseRef | None
    applied: ReleaseRef | None
    last_error: str | None
    quarantine: tuple[Quarantined, ...]
    counters: SyncCounters
    storage: Storage
    system: System
    engine: EngineHealth
    now_playing: NowPlaying | None
    clock_trusted: bool
    plays: Spooled | None = None

    def payload(self) -> bytes:
        """The canonical bytes that are signed."""
        now = self.now_playing
        return canonical_bytes(
            {
                "apiVersion": "avtech/v1",
                "kind": "Report",
                "screen": self.screen,
                "sequence": self.sequence,
                "time": self.time,
                "player": self.player,
                "state": self.state.value,
                "phase": self.phase,
                "desired": _ref_json(self.desired),
                "applied": _ref_json(self.applied),
                "lastError": self.last_error,
                "quarantine": [
                    {
                        "digest": q.digest,
                        "sequence": q.sequence,
                        "commit": q.commit,
                        "reason": q.reason,
                        "time": q.time,
                    }
                    for q in self.quarantine
                ],
                "counters": {
                    "attempts": self.counters.attempts,
                    "successes": self.counters.successes,
                    "failures": self.counters.failures,
                    "consecutiveFailures": self.counters.consecutive_failures,
                    "meanTimeMs": self.counters.mean_time,
                },
                "storage": {
                    "totalBytes": self.storage.total,
                    "freeBytes": self.storage.free,
                    "contentBytes": self.storage.content,
                },
                "system": {
                    "uptimeSeconds": self.system.uptime_s,
                    "cpuBasisPoints": self.system.cpu_bp,
                    "memoryBasisPoints": self.system.memory_bp,
                    "temperatureMilliCelsius": self.system.temperature_mc,
                },
                "engine": {
                    "kind": self.engine.kind,
                    "version": self.engine.version,
                    "state": self.engine.state,
                    "restarts": self.engine.restarts,
                },
                "nowPlaying": now and {"clip": now.clip, "sha256": now.sha256, "rule": now.rule, "since": now.since},
                "clockTrusted": self.clock_trusted,
                "plays": self.plays and {"waiting": self.plays.waiting, "dropped": self.plays.dropped},
            }
        )


def parse_report(payload: bytes) -> Report:
    """Read a report's signed payload; verify its signature first.

    Raises:
        TrustError: it is not a report of this format.
    """
    if len(payload) > MAX_REPORT_BYTES:
        raise TrustError(f"the report has {len(payload)} bytes; at most {MAX_REPORT_BYTES} are read")
    try:
        return _report(Fields.parse(payload, "report"))
    except FieldsError as error:
        raise TrustError(str(error)) from error


def _report(fields: Fields) -> Report:
    fields.constant("apiVersion", "avtech/v1")
    fields.constant("kind", "Report")
    report = Report(
        screen=fields.one("screen", screen_id),
        sequence=fields.integer("sequence", low=1),
        time=fields.one("time", utc_time),
        player=fields.text("player", limit=100),
        state=fields.one("state", SyncState),
        phase=fields.text("phase", limit=40),
        desired=_ref(fields.optional_object("desired")),
        applied=_ref(fields.optional_object("applied")),
        last_error=fields.optional("lastError", str),
        quarantine=tuple(_quarantined(entry) for entry in fields.objects("quarantine")),
        counters=_counters(fields.object("counters")),
        storage=_storage(fields.object("storage")),
        system=_system(fields.object("system")),
        engine=_engine(fields.object("engine")),
        now_playing=_now(fields.optional_object("nowPlaying")),
        clock_trusted=fields.boolean("clockTrusted"),
        plays=_plays(fields.optional_object("plays")) if fields.has("plays") else None,
    )
    fields.finish()
    return report


def _ref_json(ref: ReleaseRef | None) -> dict[str, object] | None:
    return None if ref is None else {"sequence": ref.sequence, "commit": ref.commit, "digest": ref.digest}


def _ref(fields: Fields | None) -> ReleaseRef | None:
    if fields is None:
        return None
    ref = ReleaseRef(fields.integer("sequence", low=1), fields.one("commit", commit_id), fields.one("digest", sha256))
    fields.finish()
    return ref


def _quarantined(fields: Fields) -> Quarantined:
    entry = Quarantined(
        digest=fields.one("digest", sha256),
        sequence=fields.integer("sequence", low=1),
        commit=fields.one("commit", commit_id),
        reason=fields.text("reason", limit=2000),
        time=fields.one("time", utc_time),
    )
    fields.finish()
    return entry


def _counters(fields: Fields) -> SyncCounters:
    counters = SyncCounters(
        attempts=fields.integer("attempts"),
        successes=fields.integer("successes"),
        failures=fields.integer("failures"),
        consecutive_failures=fields.integer("consecutiveFailures"),
        mean_time=DurationMs(fields.integer("meanTimeMs")),
    )
    fields.finish()
    return counters


def _storage(fields: Fields) -> Storage:
    storage = Storage(
        total=ByteSize(fields.integer("totalBytes")),
        free=ByteSize(fields.integer("freeBytes")),
        content=ByteSize(fields.integer("contentBytes")),
    )
    fields.finish()
    return storage


def _system(fields: Fields) -> System:
    system = System(
        uptime_s=fields.integer("uptimeSeconds"),
        cpu_bp=fields.integer("cpuBasisPoints", high=10_000),
        memory_bp=fields.integer("memoryBasisPoints", high=10_000),
        temperature_mc=fields.optional_integer("temperatureMilliCelsius", low=-100_000, high=300_000),
    )
    fields.finish()
    return system


def _engine(fields: Fields) -> EngineHealth:
    engine = EngineHealth(
        kind=fields.text("kind", limit=40),
        version=fields.text("version", limit=100),
        state=fields.text("state", limit=40),
        restarts=fields.integer("restarts"),
    )
    fields.finish()
    return engine


def _plays(fields: Fields | None) -> Spooled | None:
    if fields is None:
        return None
    plays = Spooled(fields.integer("waiting"), fields.integer("dropped"))
    fields.finish()
    return plays


def _now(fields: Fields | None) -> NowPlaying | None:
    if fields is None:
        return None
    now = NowPlaying(
        clip=fields.one("clip", video_id),
        sha256=fields.one("sha256", sha256),
        rule=fields.optional("rule", str),
        since=fields.one("since", utc_time),
    )
    fields.finish()
    return now
