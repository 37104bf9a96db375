"""The daemon: players that nothing but a stop ends, who wakes them, and who is told how they are."""

import asyncio
import logging
import random
import signal
from collections.abc import Callable, Mapping, Sequence

from avtech_player._wake_settings import Wake
from avtech_player.assembly import lock_state
from avtech_player.attendance import attend
from avtech_player.config import Config
from avtech_player.engine import require_engine
from avtech_player.logs import screen_log
from avtech_player.polling import next_look
from avtech_player.pulse import Pulse
from avtech_player.running import Running
from avtech_player.secrets_file import with_secrets
from avtech_player.service import ServiceManager, service_manager
from avtech_player.waking import Waker
from avtech_schema.errors import AvtechError, ConfigurationError

_log = logging.getLogger("avtech.player.daemon")
_RETRY_SECONDS = 10.0
_STEADY_SECONDS = 300.0


async def run_players(configs: Sequence[Config], environment: Mapping[str, str]) -> None:
    """Run players until SIGTERM or SIGINT; SIGUSR1 has all of them look for a release now.

    Raises:
        ConfigurationError: a configuration is wrong, mpv is not installed, another process runs one of them, or several
            want a real screen.
        DiskError: a state directory cannot be made.
    """
    _check_together(configs)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    posts = [_Post(config, _surroundings(config, environment)) for config in configs]
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, _wake_all, posts)
    manager = service_manager(environment)
    locks = [lock_state(config) for config in configs]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(post.hold()) for post in posts]
            tasks += [group.create_task(waker.run()) for waker in _wakers(posts)]
            if manager is not None:
                tasks.append(group.create_task(attend(manager, lambda: [post.pulse() for post in posts])))
            group.create_task(_cancel_when(stop, tasks, manager))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    finally:
        for lock in locks:
            lock.release()


class _Post:
    """Where one player stands: should it fail by a fault of ours, another takes over, from the disk."""

    def __init__(self, config: Config, environment: Mapping[str, str]) -> None:
        self.config = config
        self.environment = environment
        self.wake = asyncio.Event()
        self._running: Running | None = None

    def pulse(self) -> Pulse:
        """How the player is."""
        if self._running is None:
            return Pulse(alive=False, shown=False, text="starts again after a fault")
        return self._running.pulse()

    async def hold(self) -> None:
        """Keep a player running until cancelled."""
        loop = asyncio.get_running_loop()
        log = screen_log("daemon", self.config.screen)
        failures = 0
        while True:
            began = loop.time()
            try:
                self._running = Running(self.config, self.environment, self.wake)
                await self._running.run()
            except AvtechError:
                raise
            except Exception as error:
                log.error("the player failed: %s: %s; it starts again", type(error).__name__, error)  # noqa: TRY400
                log.debug("the failure was", exc_info=error)
            self._running = None
            failures = 0 if loop.time() - began > _STEADY_SECONDS else failures + 1
            await asyncio.sleep(next_look(_RETRY_SECONDS, failures=failures, chance=random.random()))  # noqa: S311


def _check_together(configs: Sequence[Config]) -> None:
    if len(configs) > 1 and any(config.engine.get("kind") != "simulated" for config in configs):
        raise ConfigurationError("several players in one process must all be simulated", hint="set engine: {kind: simulated}")
    for config in configs:
        require_engine(config.engine)
    directories = [config.state_dir.resolve() for config in configs]
    if len(set(directories)) != len(directories):
        raise ConfigurationError("two players share a state directory")


def _surroundings(config: Config, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with a player's secrets; one that cannot have them plays, and says so."""
    try:
        return with_secrets(config.secrets, environment)
    except AvtechError as error:
        screen_log("daemon", config.screen).error("%s: it plays without", error)
        return environment


def _wakers(posts: Sequence[_Post]) -> list[Waker]:
    """One for each broker and topic, whoever shares it."""
    sharing: dict[Wake, list[_Post]] = {}
    for post in posts:
        if post.config.wake is not None:
            sharing.setdefault(post.config.wake, []).append(post)
    return [
        Waker(wake, f"avtech-{group[0].config.screen}", group[0].environment, _waking(group)) for wake, group in sharing.items()
    ]


def _waking(posts: Sequence[_Post]) -> Callable[[], None]:
    return lambda: _wake_all(posts)


def _wake_all(posts: Sequence[_Post]) -> None:
    for post in posts:
        post.wake.set()


async def _cancel_when(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]], manager: ServiceManager | None) -> None:
    await stop.wait()
    _log.info("stopping")
    if manager is not None:
        manager.tell("STOPPING=1", "STATUS=stopping")
    for task in tasks:
        task.cancel()
