"""Clips that a demo makes on the spot: one that is new, and one that a checksum cannot tell from a good one."""

import subprocess
from pathlib import Path

from avtech_controller.demo._programs import program
from avtech_schema.errors import EnvironmentFailedError


def render(path: Path, *, title: str, note: str, colour: str, seconds: int = 3) -> None:
    """Render a small H.264 clip that shows its title, a note and a bar that moves.

    Raises:
        EnvironmentFailedError: ffmpeg could not do it.
    """
    text = "drawtext=fontcolor=white:x=(w-text_w)/2"
    picture = (
        f"color=c={colour}:size=640x360:rate=25:duration={seconds}[ground];color=c=white:size=640x12:rate=25[bar];"
        f"[ground][bar]overlay=x='-W+W*(t+0.04)/{seconds}':y=H-h:shortest=1,"
        f"{text}:text='{title}':fontsize=64:y=h*0.4-text_h/2,{text}:text='{note}':fontsize=26:y=h*0.66,format=yuv420p[out]"
    )
    codec = ["-c:v", "libx264", "-preset", "fast", "-crf", "26", "-movflags", "+faststart", "-f", "mp4"]
    command = [program("ffmpeg", package="sudo apt-get install ffmpeg"), "-nostdin", "-v", "error", "-y"]
    command += ["-filter_complex", picture, "-map", "[out]", *codec, str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    if done.returncode:
        raise EnvironmentFailedError(f"ffmpeg cannot render {path.name}: {done.stderr.decode(errors='replace').strip()[:200]}")


def spoil(source: Path, target: Path) -> None:
    """Copy an MP4 with every byte of its pictures inverted: the headers still say that it is a fine clip."""
    data = bytearray(source.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = bytes(byte ^ 0xFF for byte in data[start:])
    target.write_bytes(data)
