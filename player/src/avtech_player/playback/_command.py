"""Running a command of the operator's: no shell, a limit of time, and no more of its output than a line."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence

_MAX_OUTPUT = 2000
_MAX_REASON = 200
_LAST_WORDS_S = 0.3


async def run_command(command: Sequence[str], *, within: float) -> str:
    """Run a command to its end, for at most so many seconds; why it failed, in one line, or nothing.

    It gets no input, and whatever it started itself is ended with it when its time is up or the caller is cancelled.
    """
    name = command[0]
    reading, writing = os.pipe()
    starting = asyncio.create_task(_start(command, writing))
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        os.close(reading)
        with contextlib.suppress(OSError, ValueError):
            await _kill(await starting)
        raise
    except (OSError, ValueError) as error:
        os.close(reading)
        return f"{name} cannot be run: {getattr(error, 'strerror', None) or error}"
    output, transport = await _drain(reading)
    try:
        async with asyncio.timeout(within):
            status = await process.wait()
    except TimeoutError:
        return f"{name} did not end within {within:g} s{_told(output)}"
    finally:
        await _kill(process)
        await _rest(output)
        transport.close()
    if status == 0:
        return ""
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{name} {how}{_told(output)}"


async def _start(command: Sequence[str], writing: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=writing, stderr=writing, start_new_session=True
        )
    finally:
        os.close(writing)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a command that still runs, and all that it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class _Output(asyncio.Protocol):
    """All that a command says, of which the beginning is kept; what it started may hold the pipe open for long."""

    def __init__(self) -> None:
        self.beginning = bytearray()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.beginning.extend(data[: _MAX_OUTPUT - len(self.beginning)])

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.ended.set()


async def _drain(reading: int) -> tuple[_Output, asyncio.ReadTransport]:
    pipe = os.fdopen(reading, "rb", buffering=0)
    transport, output = await asyncio.get_running_loop().connect_read_pipe(_Output, pipe)
    return output, transport


async def _rest(output: _Output) -> None:
    """Wait for what a command said at its very end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_WORDS_S):
            await output.ended.wait()


def _told(output: _Output) -> str:
    """The first line a command said, as a part of a sentence."""
    lines = (" ".join(line.split()) for line in output.beginning.decode("utf-8", "replace").splitlines())
    said = next((line for line in lines if line), "")
    return f": {said[:_MAX_REASON]}" if said else ""
