"""What may become a clip: the formats every player decodes in hardware or in its sleep, and the limits on size and length."""

from avtech_controller.media._errors import MediaCode, MediaError
from avtech_controller.media._probe import Probe
from avtech_schema.identifiers import MAX_CLIP_MS, DurationMs

CONTAINERS = ("mp4",)
"""Containers, by the brand in the file, not by its name."""
VIDEO_CODECS = ("h264",)
"""What a Raspberry Pi 3 and everything after it decodes without effort."""
PIXEL_FORMATS = ("yuv420p",)
"""8 bits, 4:2:0; `yuvj420p` is the same in full range and is refused, for panels show it too dark."""
AUDIO_CODECS = ("aac", "mp3")
"""Sound is allowed; which screens play it is another matter."""
MAX_WIDTH = 3840
"""Pixels; for a portrait clip the limits change places."""
MAX_HEIGHT = 2160
"""Pixels; for a portrait clip the limits change places."""
MAX_FRAME_RATE = 60
"""Frames per second."""
MAX_BYTES = 200_000_000
"""Twenty seconds at 80 Mbit/s."""
LENGTH_TOLERANCE_MS = 50
"""A clip may be over by one frame, and by this much at most: a frame may last seconds."""
ROUNDING_MS = 1
"""Lengths are rounded to milliseconds."""
READ_SECONDS = 22
"""More than a clip may last, so that one that is too long is seen to be."""
HEADER_TOLERANCE_MS = 100
"""How far the stated length may lie from the measured one (or one frame, where that is longer)."""

ENCODE_HINT = (
    "make one with: ffmpeg -i IN -t 20 -map 0:v:0 -c:v libx264 -pix_fmt yuv420p"
    " -maxrate 8M -bufsize 16M -movflags +faststart OUT.mp4"
)

EXPORT_HINT = "copy the file again, or export it again from its source"


def check_format(probe: Probe, name: str) -> None:
    """Refuse what is outside the policy, from the header alone, before a frame is decoded.

    Raises:
        MediaError: it is outside; the message says what was found and what is allowed.
    """
    if probe.pictures or len(probe.videos) < 1:
        if probe.videos:
            raise _outside(name, "holds a still picture (cover art) beside the video")
        what = "holds a still picture" if probe.pictures else "has no video stream"
        raise MediaError(MediaCode.NOT_VIDEO, f"{name}: {what}, not a clip", hint=ENCODE_HINT)
    if len(probe.videos) > 1:
        raise _outside(name, f"holds {len(probe.videos)} video streams, exactly one is allowed")
    if probe.subtitles:
        raise _outside(name, "holds subtitles, which some players would show")
    video = probe.videos[0]
    if video.codec in VIDEO_CODECS and not video.pixel_format:
        raise MediaError(MediaCode.DAMAGED, f"{name}: no frame of it decodes", hint=EXPORT_HINT)
    for what, found, allowed in (
        ("container", probe.container, CONTAINERS),
        ("codec", video.codec, VIDEO_CODECS),
        ("pixel format", video.pixel_format, PIXEL_FORMATS),
        *(("audio codec", codec, AUDIO_CODECS) for codec in probe.audio_codecs),
    ):
        if found not in allowed:
            raise _outside(name, f"its {what} is {found or 'unknown'}, allowed is {' or '.join(allowed)}")
    _check_size(probe, name)


def _check_size(probe: Probe, name: str) -> None:
    video = probe.videos[0]
    longer, shorter = max(video.width, video.height), min(video.width, video.height)
    if shorter < 1 or longer > MAX_WIDTH or shorter > MAX_HEIGHT:
        raise MediaError(
            MediaCode.TOO_LARGE,
            f"{name}: its picture is {video.width}x{video.height}, at most {MAX_WIDTH}x{MAX_HEIGHT} is allowed",
            hint="scale it down: -vf scale=1920:-2",
        )
    if video.frame_rate is None or not 0 < video.frame_rate <= MAX_FRAME_RATE:
        found = "unknown" if video.frame_rate is None else f"{float(video.frame_rate):g}"
        raise _outside(name, f"its frame rate is {found}, at most {MAX_FRAME_RATE} a second are allowed")


def check_duration(measured_ms: int, probe: Probe, frame_ms: float, name: str) -> DurationMs:
    """Judge a measured length, and the header by it; a clip that is over by less than a frame counts as 20 s.

    Raises:
        MediaError: it is too short or too long, or the header states something else.
    """
    if measured_ms <= 0:
        raise MediaError(MediaCode.DURATION, f"{name}: lasts 0 s", hint=ENCODE_HINT)
    for what, found in (("lasts", measured_ms), ("would hold the screen for", probe.duration_ms or 0)):
        if found > MAX_CLIP_MS + min(frame_ms, LENGTH_TOLERANCE_MS) + ROUNDING_MS:
            length = f"{READ_SECONDS} s or more" if found > READ_SECONDS * 1000 - 100 else f"{found / 1000:.2f} s"
            message = f"{name}: {what} {length}, at most {MAX_CLIP_MS // 1000} s are allowed"
            raise MediaError(MediaCode.DURATION, message, hint="cut it: -t 20")
    tolerance = max(frame_ms, HEADER_TOLERANCE_MS)
    for stated in (probe.videos[0].duration_ms, probe.duration_ms):
        if stated is not None and abs(stated - measured_ms) > tolerance:
            raise MediaError(
                MediaCode.HEADER_LIES,
                f"{name}: its header states {stated / 1000:.2f} s but its frames last {measured_ms / 1000:.2f} s",
                hint="encode it again, with sound no longer than the picture and without an edit list",
            )
    return DurationMs(min(measured_ms, MAX_CLIP_MS))


def _outside(name: str, what: str) -> MediaError:
    return MediaError(MediaCode.FORMAT, f"{name}: {what}", hint=ENCODE_HINT)
