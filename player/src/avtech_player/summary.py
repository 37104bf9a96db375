"""What a player knows, as one JSON value: for `status`, from the disk, and for the local API, from the running player."""

from dataclasses import dataclass
from typing import Any

from avtech_player.state import PlayerState, ref_json
from avtech_schema.report import EngineHealth, NowPlaying, Quarantined, SyncState


@dataclass(frozen=True, slots=True)
class Live:
    """What only a running player knows; `reported` is when the last report was made, None for never."""

    state: SyncState
    last_error: str | None
    now_playing: NowPlaying | None
    engine: EngineHealth | None
    clock_trusted: bool | None
    reported: str | None


def summary(screen: str, state: PlayerState, live: Live) -> dict[str, Any]:
    """Everything, ready for JSON."""
    counters = state.counters
    return {
        "screen": screen,
        "state": live.state.value,
        "phase": state.phase.value,
        "desired": ref_json(state.desired),
        "applied": ref_json(state.good),
        "candidate": ref_json(state.candidate),
        "quarantine": [_quarantined_json(entry) for entry in state.quarantine],
        "counters": {
            "attempts": counters.attempts,
            "successes": counters.successes,
            "failures": counters.failures,
            "consecutiveFailures": counters.consecutive_failures,
            "meanTimeMs": counters.mean_time,
        },
        "lastError": live.last_error,
        "nowPlaying": now_json(live.now_playing),
        "engine": engine_json(live.engine),
        "clockTrusted": live.clock_trusted,
        "reported": live.reported,
    }


def now_json(now: NowPlaying | None) -> dict[str, Any] | None:
    """The clip on screen as JSON."""
    return None if now is None else {"clip": now.clip, "rule": now.rule, "since": now.since}


def engine_json(engine: EngineHealth | None) -> dict[str, Any] | None:
    """What draws the pictures, as JSON."""
    return (
        None
        if engine is None
        else {"kind": engine.kind, "version": engine.version, "state": engine.state, "restarts": engine.restarts}
    )


def _quarantined_json(entry: Quarantined) -> dict[str, Any]:
    return {
        "digest": entry.digest,
        "sequence": entry.sequence,
        "commit": entry.commit,
        "reason": entry.reason,
        "time": entry.time,
    }
