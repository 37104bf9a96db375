"""Running a command of the operator's: no shell, a limit of time, and no more of its output than a line."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

_MAX_OUTPUT = 2000
_MAX_REASON = 200


async def run_command(command: Sequence[str], *, within: float) -> str:
    """Run a command to its end, for at most so many seconds; why it failed, in one line, or nothing.

    It gets no input, and whatever it started itself is ended with it when its time is up or the caller is cancelled.
    """
    name = command[0]
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=writing, stderr=writing, start_new_session=True
        )
    except (OSError, ValueError) as error:
        os.close(reading)
        return f"{name} cannot be run: {getattr(error, 'strerror', None) or error}"
    finally:
        os.close(writing)
    output = bytearray()
    transport = await _drain(reading, output)
    try:
        async with asyncio.timeout(within):
            status = await process.wait()
    except TimeoutError:
        return f"{name} did not end within {within:g} s{_told(output)}"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        transport.close()
    if status == 0:
        return ""
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{name} {how}{_told(output)}"


async def _drain(reading: int, output: bytearray) -> asyncio.ReadTransport:
    """Read all that a command says, and keep its beginning."""

    class Drain(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            output.extend(data[: _MAX_OUTPUT - len(output)])

    transport, _ = await asyncio.get_running_loop().connect_read_pipe(Drain, os.fdopen(reading, "rb", buffering=0))
    return transport


def _told(output: bytearray) -> str:
    """The first line a command said, as a part of a sentence."""
    lines = (" ".join(line.split()) for line in output.decode("utf-8", "replace").splitlines())
    said = next((line for line in lines if line), "")
    return f": {said[:_MAX_REASON]}" if said else ""
