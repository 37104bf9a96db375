"""Being told to look at once, by an MQTT broker. Nothing depends on it: without it, releases come by polling."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping

from avtech_player._wake_settings import Wake
from avtech_player.alarm import Alarm
from avtech_player.durable import read_bounded
from avtech_player.polling import next_look
from avtech_schema.errors import AvtechError, ConfigurationError, EnvironmentFailedError

_log = logging.getLogger("avtech.player.wake")
PASSWORD = "AVTECH_PLAYER_WAKE_PASSWORD"  # noqa: S105  its name, not it
NEEDED = "the wake-up needs paho-mqtt: pip install 'avtech-player[wake]'"
_RETRY_SECONDS = 5.0
_TRY_SECONDS = 0.2
_MAX_PASSWORD_BYTES = 4096


class Waker:
    """Listens to one topic, in a thread of its own, and calls `look` in the event loop: soon, and not too often."""

    def __init__(
        self,
        wake: Wake,
        name: str,
        environment: Mapping[str, str],
        look: Callable[[], None],
        *,
        retry: float = _RETRY_SECONDS,
    ) -> None:
        self._wake = wake
        self._name = name
        self._environment = environment
        self._alarm = Alarm(look, spread=wake.spread)
        self._retry = retry
        self._rung = threading.Event()
        self._over = threading.Event()

    async def run(self) -> None:
        """Listen until cancelled; the thread ends by itself, or with the process."""
        loop = asyncio.get_running_loop()
        if not _installed():
            _log.error("the player polls, for %s", NEEDED)
            return
        threading.Thread(target=self._listen, args=(loop,), name="wake", daemon=True).start()
        try:
            await asyncio.Event().wait()
        finally:
            self._over.set()
            self._alarm.cancel()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect again and again; what keeps the broker away is told once, until it was there."""
        from avtech_player._mqtt import Connection

        failures, told = 0, ""
        while not self._over.is_set():
            connection: Connection | None = None
            try:
                connection = Connection(
                    self._wake, self._name, password_of(self._wake, self._environment), lambda: self._ring(loop)
                )
                connection.listen(lambda: not self._over.is_set())
            except (AvtechError, OSError, ValueError) as error:
                failures = 1 if connection is not None and connection.was_listening else failures + 1
                hint = getattr(error, "hint", "")
                text = f"no wake-up from {self._wake.host}: {error}" + (f" ({hint})" if hint else "")
                _log.log(logging.DEBUG if text == told and failures > 1 else logging.WARNING, "%s", text)
                told = text
            self._over.wait(next_look(self._retry, failures=max(1, failures), chance=random.random()))  # noqa: S311

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called in the listening thread; however many messages come, the event loop hears of them once at a time."""
        if self._rung.is_set():
            return
        self._rung.set()
        try:
            loop.call_soon_threadsafe(self._hear)
        except RuntimeError:  # The loop is closed: the player ends.
            self._over.set()

    def _hear(self) -> None:
        self._rung.clear()
        self._alarm.ring()


def password_of(wake: Wake, environment: Mapping[str, str]) -> str | None:
    """The password for the broker: from its file, or from `AVTECH_PLAYER_WAKE_PASSWORD`; None when there is none.

    Raises:
        ConfigurationError: the file is not there.
        DiskError: it cannot be read.
        TooLargeError: it is no password.
    """
    if wake.password_file is None:
        return environment.get(PASSWORD) or None
    data = read_bounded(wake.password_file, limit=_MAX_PASSWORD_BYTES)
    if data is None:
        raise ConfigurationError(f"there is no {wake.password_file}")
    return data.decode("utf-8", "replace").rstrip("\r\n") or None


def try_broker(wake: Wake, name: str, environment: Mapping[str, str], *, within: float) -> None:
    """Connect to a broker, see that it lets us listen, and leave; blocks.

    Raises:
        EnvironmentFailedError: the broker is gone, refuses, or does not answer in so many seconds; or paho-mqtt is missing.
        ConfigurationError: the password is not there.
    """
    if not _installed():
        raise EnvironmentFailedError(NEEDED)
    from avtech_player._mqtt import Connection

    connection = Connection(wake, name, password_of(wake, environment), lambda: None)
    deadline = time.monotonic() + within
    connection.listen(lambda: not connection.was_listening and time.monotonic() < deadline, look=_TRY_SECONDS)
    if not connection.was_listening:
        raise EnvironmentFailedError(f"it did not answer in {within:g} s")


def _installed() -> bool:
    """Whether what speaks to brokers is there: it is an extra of the package."""
    import importlib.util

    return importlib.util.find_spec("paho") is not None
