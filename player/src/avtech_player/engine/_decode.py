"""Decoding the first second of a file off screen, with whatever decoder the device has."""

import re
import shutil
import subprocess
from pathlib import Path

from avtech_player.engine._boxes import container_fault, container_format

_TIMEOUT_S = 15.0
_MAX_REASON = 200
_NOISE = re.compile(r"^\[[^\]]*\]\s*|0x[0-9a-f]{6,}")


def decode_fault(path: Path) -> str:
    """Why a file would not play: one line, or nothing when its first second decodes. Blocks; bounded in time.

    Only the containers that clips may have are opened, whatever a file's name says, so that no file is taken for a playlist.
    """
    try:
        if fault := container_fault(path):
            return fault
        container = container_format(path)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if ffmpeg := shutil.which("ffmpeg"):
        return _with_ffmpeg(ffmpeg, path, container)
    if mpv := shutil.which("mpv"):
        return _with_mpv(mpv, path)
    return ""


def _with_ffmpeg(ffmpeg: str, path: Path, container: str) -> str:
    strict = ["-xerror", "-err_detect", "explode"]
    source = ["-protocol_whitelist", "file", "-f", container, "-t", "1", "-i", f"file:{path}"]
    sink = ["-map", "0:v:0", "-progress", "pipe:1", "-nostats", "-f", "null", "-"]
    result = _run([ffmpeg, "-nostdin", "-v", "error", "-threads", "1", *strict, *source, *sink])
    if isinstance(result, str):
        return result
    if result.returncode != 0 or result.stderr.strip():
        return _told(result.stderr) or f"ffmpeg ended with status {result.returncode}"
    frames = re.findall(rb"^frame=\s*(\d+)", result.stdout, re.MULTILINE)
    return "" if frames and int(frames[-1]) > 0 else "it holds no frame"


def _with_mpv(mpv: str, path: Path) -> str:
    quiet = ["--no-config", "--load-scripts=no", "--no-audio", "--input-terminal=no", "--msg-level=all=error"]
    result = _run([mpv, *quiet, "--vo=null", "--untimed", "--length=1", "--hwdec=no", "--", str(path.absolute())])
    if isinstance(result, str):
        return result
    said = _told(result.stderr) or _told(result.stdout)
    return said or ("" if result.returncode == 0 else f"mpv ended with status {result.returncode}")


def _run(command: list[str]) -> subprocess.CompletedProcess[bytes] | str:
    try:
        return subprocess.run(
            ["nice", "-n", "10", *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"its first second took more than {_TIMEOUT_S:.0f} s to decode"
    except OSError as error:
        return f"the decoder cannot be run: {error.strerror or error}"


def _told(stderr: bytes) -> str:
    """The first line a decoder said, without addresses and names of its parts."""
    lines = stderr[:4096].decode("utf-8", "replace").splitlines()
    said = (_NOISE.sub("", line).strip() for line in lines)
    return next((line for line in said if line), "")[:_MAX_REASON]
