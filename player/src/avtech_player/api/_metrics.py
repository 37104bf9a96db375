"""The player's metrics in Prometheus' text format (docs/reference/metrics.md names each)."""

import os
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from avtech_player.api._surface import Surface
from avtech_player.store import FailureKind
from avtech_player.trust import Refusal
from avtech_player.version import player_version
from avtech_schema.plays import PlayResult
from avtech_schema.report import ReleaseRef, SyncState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its type (`gauge` or `counter`), what it means, and its values by labels; a value of None is left out."""

    name: str
    kind: str
    help: str
    values: tuple[tuple[Mapping[str, str], float | None], ...]


def render(metrics: Iterable[Metric]) -> bytes:
    """Metrics as text."""
    lines: list[str] = []
    for metric in metrics:
        values = [(labels, value) for labels, value in metric.values if value is not None]
        if not values:
            continue
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{_labels(labels)} {_number(value)}" for labels, value in values]
    return "\n".join([*lines, ""]).encode()


def measure(surface: Surface) -> list[Metric]:
    """Every metric, as it is now. Blocking: it asks the disk."""
    return [*_release(surface), *_network(surface), *_playing(surface), *_disk(surface), *_process(surface)]


def _release(surface: Surface) -> list[Metric]:
    player = surface.player
    updater, state = player.updater, player.updater.state
    counters, floor = state.counters, player.trust.floor
    about = {
        "screen": player.config.screen,
        "client": player.config.client,
        "version": player_version().rpartition(" ")[2],
        "engine": player.playback.health().kind,
    }
    return [
        _gauge("avtech_player_info", "The player; always 1.", 1, about),
        Metric(
            "avtech_player_state",
            "gauge",
            "How what the screen shows relates to what it is meant to show: 1 for the state it is in.",
            tuple(({"state": kind.value}, float(kind is updater.sync_state)) for kind in SyncState),
        ),
        _gauge("avtech_player_desired_release", "Sequence of the release that is asked for.", _sequence(state.desired)),
        _gauge("avtech_player_applied_release", "Sequence of the release that plays.", _sequence(state.good)),
        _counter("avtech_player_sync_attempts_total", "Releases that were taken up.", counters.attempts),
        _counter("avtech_player_sync_successes_total", "Releases that passed their trial.", counters.successes),
        _counter("avtech_player_sync_failures_total", "Attempts that failed.", counters.failures),
        _gauge(
            "avtech_player_sync_consecutive_failures", "Failed attempts since the last success.", counters.consecutive_failures
        ),
        _gauge(
            "avtech_player_sync_mean_seconds",
            "Mean time from a verified release to its passed trial.",
            counters.mean_time / 1000,
        ),
        _gauge("avtech_player_quarantined_releases", "Releases that failed on this screen.", len(state.quarantine)),
        _gauge(
            "avtech_player_last_look_timestamp_seconds",
            "When the store last said what is released, verified.",
            _seconds(updater.looked),
        ),
        _gauge(
            "avtech_player_metadata_expiry_timestamp_seconds",
            "When the signed metadata expire, unless they are renewed.",
            _seconds(floor.expiry),
        ),
        _gauge("avtech_player_clock_trusted", "Whether the clock is to be believed.", float(player.clock.read().trusted)),
    ]


def _network(surface: Surface) -> list[Metric]:
    player = surface.player
    tallies = {"releases": player.store.tally}
    if player.reporter.store is not player.store:
        tallies["reports"] = player.reporter.store.tally
    return [
        Metric(
            "avtech_player_store_requests_total",
            "counter",
            "What a store was asked.",
            tuple(({"store": store}, float(tally.requests)) for store, tally in tallies.items()),
        ),
        Metric(
            "avtech_player_store_received_bytes_total",
            "counter",
            "Bytes of objects that came from a store.",
            tuple(({"store": store}, float(tally.received)) for store, tally in tallies.items()),
        ),
        Metric(
            "avtech_player_store_failures_total",
            "counter",
            "What a store did not do, by what was at fault.",
            tuple(
                ({"store": store, "kind": kind.value}, float(tally.failures[kind]))
                for store, tally in tallies.items()
                for kind in FailureKind
            ),
        ),
        Metric(
            "avtech_player_trust_refusals_total",
            "counter",
            "Metadata that were refused, by why.",
            tuple(({"kind": kind.value}, float(player.trust.refusals[kind])) for kind in Refusal),
        ),
    ]


def _playing(surface: Surface) -> list[Metric]:
    player = surface.player
    health = player.playback.health()
    spool = player.journal.stats if player.journal else None
    return [
        _gauge("avtech_player_playing", "Whether a clip is on the screen.", float(player.playback.now() is not None)),
        _gauge("avtech_player_panel_off", "Whether nothing plays because the panel is off.", float(health.state == "off")),
        _counter("avtech_player_engine_restarts_total", "Restarts of what draws the pictures.", health.restarts),
        Metric(
            "avtech_player_plays_total",
            "counter",
            "Clips that were on the screen, by how that ended.",
            tuple(({"result": result.value}, float(player.plays[result])) for result in PlayResult),
        ),
        _counter("avtech_player_skipped_clips_total", "Clips that did not play and were skipped.", player.updater.faults),
        _gauge(
            "avtech_player_plays_waiting_segments", "Proof of play to be uploaded.", spool.waiting_segments if spool else None
        ),
        _gauge("avtech_player_plays_spool_bytes", "Proof of play on the disk.", spool.bytes if spool else None),
        _counter(
            "avtech_player_plays_dropped_total", "Records of proof of play that were lost.", spool.dropped if spool else None
        ),
    ]


def _disk(surface: Surface) -> list[Metric]:
    player, room = surface.player, surface.player.library.room()
    scrub = player.upkeep.state
    return [
        _gauge("avtech_player_disk_free_bytes", "Free space where clips are kept.", room.free),
        _gauge("avtech_player_disk_reserve_bytes", "Space that a fetch leaves free.", player.config.min_free_bytes),
        _gauge("avtech_player_content_bytes", "Space that clips take.", room.content),
        _counter("avtech_player_scrub_checked_total", "Clips that the scrub read anew.", scrub.checked),
        _counter("avtech_player_scrub_damaged_total", "Clips that the scrub found damaged.", scrub.damaged),
    ]


def _process(surface: Surface) -> list[Metric]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return [
        _gauge("process_start_time_seconds", "When the player started.", surface.started.timestamp()),
        _counter("process_cpu_seconds_total", "Time that processors spent on it.", usage.ru_utime + usage.ru_stime),
        _gauge("process_resident_memory_bytes", "Memory that it takes.", _resident()),
        _gauge("avtech_player_time_seconds", "What time it is, as the player reckons.", surface.player.clock.now().timestamp()),
    ]


def _resident() -> float | None:
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  the kernel's, many times an hour
            return float(int(file.read(200).split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, IndexError):
        return None


def _gauge(name: str, text: str, value: float | None, labels: Mapping[str, str] | None = None) -> Metric:
    return Metric(name, "gauge", text, ((labels or {}, value),))


def _counter(name: str, text: str, value: float | None) -> Metric:
    return Metric(name, "counter", text, (({}, value),))


def _sequence(ref: ReleaseRef | None) -> float:
    return 0.0 if ref is None else float(ref.sequence)


def _seconds(instant: datetime | None) -> float | None:
    return instant.timestamp() if instant else None


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"
