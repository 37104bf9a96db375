"""Puts one player together from its configuration: the lock first, then the disk, trust, engine, playback, reports."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from avtech_player.clock import TrustedClock
from avtech_player.config import Config
from avtech_player.device_key import DeviceKey
from avtech_player.durable import DirectoryLock, DiskError, TooLargeError, make_directory, read_bounded, replace_atomically
from avtech_player.engine import Fault, make_engine
from avtech_player.generations import Library
from avtech_player.logs import screen_log
from avtech_player.parts import Parts
from avtech_player.playback import Playback
from avtech_player.plays import Chronicle, Journal, Spool
from avtech_player.ports import Clip, Stage
from avtech_player.reports import Reporter
from avtech_player.space import Limits
from avtech_player.store import Store, open_store
from avtech_player.sync import Updater
from avtech_player.trust import Trust
from avtech_player.upkeep import Upkeep
from avtech_player.version import player_version
from avtech_schema.errors import ConfigurationError
from avtech_schema.plays import Played, PlayResult

_MAX_ROOT_BYTES = 512_000
_MAX_HISTORY_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Player:
    """One player, ready to run."""

    config: Config
    playback: Playback
    updater: Updater
    reporter: Reporter
    journal: Journal | None
    chronicle: Chronicle | None
    upkeep: Upkeep
    library: Library
    clock: TrustedClock
    trust: Trust
    store: Store
    plays: Counter[PlayResult]


def lock_state(config: Config) -> DirectoryLock:
    """Make the state directory, and hold it.

    Raises:
        AlreadyRunningError: another process holds it.
        DiskError: the disk refused.
    """
    make_directory(config.state_dir)
    return DirectoryLock(config.state_dir)


def assemble(
    config: Config,
    environment: Mapping[str, str],
    on_fault: Callable[[Clip, Fault], None],
    *,
    clock: TrustedClock | None = None,
) -> Player:
    """Put a player together; nothing runs yet. The caller holds the state directory, within a running event loop.

    Raises:
        ConfigurationError: a file or a setting is missing or wrong.
        DiskError: the disk refused.
    """
    parts = make_parts(config, environment, clock=clock)
    key = DeviceKey(config.device_key)
    report_store = open_store(config.report_store, environment) if config.report_store else parts.store
    journal = _journal(config, report_store, key)
    plays: Counter[PlayResult] = Counter()

    playback = _playback(config, parts, on_fault, _counting(plays, journal), lambda: updater)
    reporter = Reporter(
        config.state_dir,
        config.client,
        config.screen,
        key,
        report_store,
        parts.library,
        parts.clock,
        player_version(),
        journal,
    )
    updater = make_updater(parts, playback)
    chronicle = Chronicle(updater, playback, parts.clock, journal.note) if journal else None
    upkeep = Upkeep(config.state_dir, updater, parts.library, parts.clock, screen_log("upkeep", config.screen))
    return Player(
        config=config,
        playback=playback,
        updater=updater,
        reporter=reporter,
        journal=journal,
        chronicle=chronicle,
        upkeep=upkeep,
        library=parts.library,
        clock=parts.clock,
        trust=parts.trust,
        store=parts.store,
        plays=plays,
    )


def _counting(plays: Counter[PlayResult], journal: Journal | None) -> Callable[[Played], None]:
    """Counts what was played, and has it proved."""

    def on_play(played: Played) -> None:
        plays[played.result] += 1
        if journal is not None:
            journal.note(played)

    return on_play


def _playback(
    config: Config,
    parts: Parts,
    on_fault: Callable[[Clip, Fault], None],
    on_play: Callable[[Played], None],
    updater: Callable[[], Updater],
) -> Playback:
    """The stage; the updater that it tells of its troubles is made after it."""
    history = config.state_dir / "history.json"

    def on_trouble(trouble: str) -> None:
        updater().troubles.stage = trouble or None
        updater().changed.set()

    return Playback(
        make_engine(config.engine),
        now=parts.clock.now,
        read=parts.clock.read,
        refreshed=lambda: updater().looked is not None,
        on_fault=on_fault,
        on_play=on_play,
        power=config.power_command,
        on_trouble=on_trouble,
        load=lambda: read_bounded(history, limit=_MAX_HISTORY_BYTES),
        save=lambda data: replace_atomically(history, data, ours=True),
    )


def make_parts(config: Config, environment: Mapping[str, str], *, clock: TrustedClock | None = None) -> Parts:
    """What an updater works with, from a configuration.

    Raises:
        ConfigurationError: a file or a setting is missing or wrong.
        DiskError: the disk refused.
    """
    clock = clock or TrustedClock()
    store = open_store(config.store, environment)
    root = _root(config.root)
    limits = Limits(config.min_free_bytes, config.max_bytes, timedelta(days=config.retention_days))
    library = Library(config.state_dir, limits=limits)
    trust = Trust(config.state_dir, store, clock, root=root, client=config.client, screen=config.screen)
    return Parts(config.state_dir, config.client, config.screen, trust, store, library, clock)


def make_updater(parts: Parts, stage: Stage) -> Updater:
    """The updater of these parts."""
    return Updater(parts, stage)


def _journal(config: Config, store: Store, key: DeviceKey) -> Journal | None:
    """The player's proof of play; None when none is to be kept, or none can be signed."""
    log = screen_log("plays", config.screen)
    if config.plays_max_bytes == 0:
        return None
    try:
        signer = CryptoSigner(key())
    except ConfigurationError as error:
        log.error("no proof of play is kept until the next start: it cannot be signed: %s", error)  # noqa: TRY400
        return None
    directory, size = config.state_dir / "plays", config.plays_max_bytes
    return Journal(lambda: Spool(directory, config.client, config.screen, signer, max_bytes=size), store, log)


def _root(path: Path) -> bytes:
    try:
        data = read_bounded(path, limit=_MAX_ROOT_BYTES)
    except (DiskError, TooLargeError) as error:
        raise ConfigurationError(f"the trusted root cannot be read: {error}") from error
    if not data:
        raise ConfigurationError(
            f"there is no trusted root at {path}", hint="copy trust/1.root.json from the fleet's repository"
        )
    return data
