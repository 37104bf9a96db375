"""For how long a store that has too much to do asks to be left alone: its `Retry-After`, read by a process of its own.

The store's library keeps the headers of a failure to itself, and a player goes without Python's own TLS (docs/decisions/
0013-a-light-player.md). So the address is asked once more, for its headers alone, by a short process; nothing else repeats
such a request.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

_WITHIN_S = 20.0
_EACH_S = 8.0
_LONGEST_ADDRESS = 8192
_LONGEST_DIGITS = 9
_STATUSES = (429, 503)
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NICE = 10
_ASKING = threading.Lock()
"""One at a time: of many players in a process, the others come back by chance, as without an answer."""


async def asked_pause(address: str, environment: Mapping[str, str], *, within: float = _WITHIN_S) -> float:
    """Ask an address that answered 429 or 503 for how many seconds it wants to be left alone; 0 if it does not say.

    Never fails: an address that cannot be asked has not asked for anything.
    """
    if not _ASKING.acquire(blocking=False):
        return 0.0
    try:
        return await _ask(address, {name: value for name, value in environment.items() if name.upper() in _VARIABLES}, within)
    finally:
        _ASKING.release()


async def _ask(address: str, variables: Mapping[str, str], within: float) -> float:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "avtech_player._retry_after"),
            stdin=pipe,
            stdout=pipe,
            stderr=nothing,
            env=variables,
        )
    except OSError:
        return 0.0
    try:
        async with asyncio.timeout(within):
            said, _ = await process.communicate(address.encode())
            return min(float(said or b"0"), 10.0**_LONGEST_DIGITS)
    except (TimeoutError, OSError, ValueError):
        return 0.0
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def pause_of(value: str, date: str, now: datetime) -> float:
    """The seconds that a `Retry-After` asks for: a number, or an instant, compared with the answer's own `Date`, if any."""
    from email.utils import parsedate_to_datetime

    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _LONGEST_DIGITS else 10.0**_LONGEST_DIGITS
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    try:
        began = parsedate_to_datetime(date)
    except ValueError:
        began = now
    return max(0.0, (_in_utc(until) - _in_utc(began)).total_seconds())


def _in_utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def main() -> None:
    """Read an address, ask it for its headers, print the seconds."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    with contextlib.suppress(OSError):  # A unit may forbid it.
        os.nice(_NICE)
    address = sys.stdin.read(_LONGEST_ADDRESS)
    seconds = 0.0
    if address.startswith(("http://", "https://")):
        try:
            urlopen(Request(address, method="HEAD", headers={"User-Agent": "avtech-player"}), timeout=_EACH_S).close()  # noqa: S310
        except HTTPError as error:
            if error.code in _STATUSES:
                seconds = pause_of(error.headers.get("Retry-After", ""), error.headers.get("Date", ""), datetime.now(UTC))
        except Exception:  # noqa: BLE001, S110  whatever is wrong, it did not ask for a pause
            pass
    sys.stdout.write(f"{seconds:.0f}\n")


if __name__ == "__main__":
    main()
