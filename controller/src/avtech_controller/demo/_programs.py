"""The programs a demo runs besides our own: found, started in the background, and stopped by their pid."""

import contextlib
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from avtech_schema.errors import ConfigurationError, EnvironmentFailedError

DISPLAY_SIZE = (960, 540)


def program(name: str, *, package: str) -> str:
    """Find a program beside our own Python or on the PATH.

    Raises:
        ConfigurationError: it is not installed; the hint says how to install it.
    """
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise ConfigurationError(f"this needs {name}, which is not installed", hint=f"install it: {package}")
    return found


@contextlib.contextmanager
def running(command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> Generator[subprocess.Popen[bytes]]:
    """Run a program in the background, its output in a file; at the end it is stopped, gently, then by force."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a program: SIGTERM, and after five seconds SIGKILL."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def virtual_display(log: Path) -> Generator[str]:
    """Run Xvfb on a display number that it chooses itself; yields `:N`.

    Raises:
        ConfigurationError: Xvfb is not installed.
        EnvironmentFailedError: it did not start.
    """
    server = program("Xvfb", package="sudo apt-get install xvfb")
    read_end, write_end = os.pipe()
    width, height = DISPLAY_SIZE
    command = [server, "-displayfd", str(write_end), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"]
    with log.open("ab") as output, os.fdopen(read_end, "rb") as number:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[write_end], start_new_session=True
        )
        os.close(write_end)
        try:
            chosen = number.readline().strip().decode()
            if not chosen:
                raise EnvironmentFailedError(f"Xvfb did not start; see {log}")
            yield f":{chosen}"
        finally:
            stop(process)
