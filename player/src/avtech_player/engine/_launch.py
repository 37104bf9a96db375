"""Starting mpv: its command line, and a private connection that ends mpv when the player ends, however it ends."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from avtech_player.engine._display import display_fault, outputs
from avtech_player.engine._ipc import MAX_LINE
from avtech_player.engine._settings import SCALING, MpvSettings
from avtech_schema.errors import EnvironmentFailedError

_TRY_S = 5.0
_FIXED = (
    "--no-config",
    "--load-scripts=no",
    "--idle=yes",
    "--force-window=no",
    "--keep-open=no",
    "--prefetch-playlist=yes",
    "--image-display-duration=inf",
    "--no-terminal",
    "--no-osc",
    "--osd-level=0",
    "--no-input-default-bindings",
    "--input-cursor=no",
    "--cursor-autohide=always",
    "--fullscreen",
    "--title=AVTech",
    # A clip is one file: nothing beside it, in it or behind it is opened.
    "--autoload-files=no",
    "--ordered-chapters=no",
    "--access-references=no",
    "--sub=no",
    "--demuxer-lavf-o=protocol_whitelist=file",
    # A clip is at most 20 s long; a small device has little memory.
    "--cache=no",
    "--demuxer-max-bytes=16MiB",
    "--demuxer-max-back-bytes=0",
)


class MissingError(EnvironmentFailedError):
    """There is no mpv, or nothing for it to draw on: it was not started."""


@cache
def leash() -> tuple[str, ...]:
    """What before a command has it be gone when the player is, even while it hangs; nothing where that is not allowed.

    A service manager that forbids it (setpriv sets capabilities, to those it has) ends what is left of a service itself.
    """
    program = shutil.which("setpriv")
    if program is None:
        return ()
    words = (program, "--pdeathsig", "KILL", "--")
    try:
        tried = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRY_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    return words if tried.returncode == 0 else ()


def mpv_command(settings: MpvSettings, ipc_fd: int, environment: Mapping[str, str]) -> list[str]:
    """The whole command line; mpv quits when the connection on `ipc_fd` is closed."""
    command = [settings.executable, *_FIXED, f"--hwdec={settings.hwdec}", f"--input-ipc-client=fd://{ipc_fd}"]
    command.append(f"--vo={outputs(settings, environment)}")
    if settings.ao:
        command.append(f"--ao={settings.ao}")
    command += [f"--volume={settings.volume}"] if settings.volume else ["--audio=no"]
    command += SCALING[settings.scaling]
    command += settings.options
    return command


async def launch(
    settings: MpvSettings,
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader, asyncio.StreamWriter]:
    """Start mpv idle and connected; it opens no window before it has something to show.

    Raises:
        MissingError: there is no mpv, or no display.
        EnvironmentFailedError: it cannot be started.
    """
    if not shutil.which(settings.executable):
        raise MissingError(f"{settings.executable} is not installed", hint="install mpv, or set engine.executable")
    if fault := display_fault(settings, os.environ):
        raise MissingError(fault)
    tied = await asyncio.to_thread(leash)
    ours, theirs = socket.socketpair()
    process: asyncio.subprocess.Process | None = None
    try:
        process = await asyncio.create_subprocess_exec(
            *tied,
            *mpv_command(settings, theirs.fileno(), os.environ),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **({"DISPLAY": settings.display} if settings.display else {})},
        )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
    except OSError as error:
        ours.close()
        await _end(process)
        raise EnvironmentFailedError(f"{settings.executable} cannot be started: {error.strerror or error}") from error
    except asyncio.CancelledError:
        ours.close()
        await _end(process)
        raise
    finally:
        theirs.close()
    return process, reader, writer


async def _end(process: asyncio.subprocess.Process | None) -> None:
    """Leave nothing of a start that was broken off half-way; asyncio itself ends one that it had not handed over yet."""
    if process is not None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
