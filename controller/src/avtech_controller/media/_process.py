"""Runs ffmpeg and ffprobe under supervision: no input, a time-out, bounded output and memory, and nothing left behind."""

import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from avtech_controller.media._errors import ToolError, ToolMissingError

MEMORY_BYTES = 4 * 1024**3
"""Address space a tool may take: a frame of 3840x2160 and its threads need less than a quarter of it."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a tool ended. `stopped` says why it was killed, and is empty when it ended by itself."""

    returncode: int
    stdout: bytes
    stderr: bytes
    stopped: str = ""

    def complaint(self) -> str:
        """The first line on stderr, for one-line messages."""
        lines = self.stderr.decode(errors="replace").splitlines()
        return next((" ".join(line.split())[:200] for line in lines if line.strip()), "")


def run(command: Sequence[str], *, seconds: float, limit: int) -> Finished:
    """Run a tool for at most `seconds`, keeping at most `limit` bytes of stdout; beyond either it is killed.

    Raises:
        ToolMissingError: it is not installed.
        ToolError: it cannot be started.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except FileNotFoundError as error:
        raise ToolMissingError(f"{command[0]} is not installed, or not in PATH") from error
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run: {error.strerror}") from error
    with process, contextlib.suppress(ProcessLookupError):
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        return _supervise(process, seconds=seconds, limit=limit)
    raise ToolError(f"{command[0]} ended before it could be watched")


def _supervise(process: subprocess.Popen[bytes], *, seconds: float, limit: int) -> Finished:
    output, complaints = _Reader(process, process.stdout, limit), _Reader(process, process.stderr, 64_000)
    stopped = ""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        stopped = f"it took longer than {seconds:g} s"
    finally:
        _kill(process)
    stdout, stderr = output.result(), complaints.result()
    if output.overflowed or complaints.overflowed:
        stopped = stopped or "it wrote far more than expected"
    return Finished(process.returncode, stdout, stderr, stopped)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Reader:
    """Drains one pipe in a thread; kills the process when more comes than may be kept."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes] | None, limit: int) -> None:
        assert pipe is not None  # noqa: S101  both are pipes
        self._process, self._pipe, self._limit = process, pipe, limit
        self._data = b""
        self.overflowed = False
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        self._data = self._pipe.read(self._limit + 1)
        if len(self._data) > self._limit:
            self.overflowed = True
            self._data = self._data[: self._limit]
            self._process.kill()

    def result(self) -> bytes:
        self._thread.join()
        return self._data
