"""What becomes of each asset: whether it can be carried over at all, and if not, why and what to do. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from avtech_controller.importing._assets import FOREVER, Asset
from avtech_schema.identifiers import VideoId


class Reason(StrEnum):
    """Why an asset is not carried over; stable words for scripts."""

    UNREADABLE = "unreadable"
    DISABLED = "disabled"
    PROCESSING = "processing"
    NO_DATES = "no-dates"
    EXPIRED = "expired"
    NEVER = "never-plays"
    WEB_PAGE = "web-page"
    IMAGE = "image"
    STREAM = "stream"
    UNKNOWN_TYPE = "unknown-type"
    MISSING_FILE = "missing-file"
    TOO_LONG = "too-long"
    REFUSED = "refused"


IDLE = frozenset({Reason.DISABLED, Reason.EXPIRED, Reason.NEVER, Reason.NO_DATES})
"""A device does not play these either."""

_HELP = {
    Reason.UNREADABLE: "correct the list, or add the clip by hand",
    Reason.DISABLED: "enable it on the device and import again, or add its clip later: avtech content add",
    Reason.PROCESSING: "wait until the device has processed it, and import again",
    Reason.NO_DATES: "the device does not play it either: give it both dates there, and import again",
    Reason.EXPIRED: "nothing to do: it would not play any more",
    Reason.NEVER: "the device does not play it either: correct its times there, and import again",
    Reason.WEB_PAGE: "AVTech plays clips: record the page as a video of at most 20 s, and add that",
    Reason.IMAGE: "make a clip of it: ffmpeg -loop 1 -i IMAGE -t {seconds} -c:v libx264 -pix_fmt yuv420p -r 25 OUT.mp4",
    Reason.STREAM: "AVTech plays clips from its store only; a stream has no place in it",
    Reason.UNKNOWN_TYPE: "AVTech plays clips; whatever it is, make a video of at most 20 s of it",
    Reason.MISSING_FILE: "copy it beside the list and import again",
}


@dataclass(frozen=True, slots=True)
class Omission:
    """An asset that is not carried over: why, in a word and in a sentence, and what to do about it."""

    asset: Asset
    reason: Reason
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Carried:
    """An asset whose clip is in the index, or will be."""

    asset: Asset
    clip: VideoId


def omit(asset: Asset, reason: Reason, message: str, help_: str = "") -> Omission:
    """Leave an asset out, with the help that belongs to the reason unless another is given."""
    seconds = min(max(asset.duration_s, 1), 20)
    return Omission(asset, reason, message, help_ or _HELP.get(reason, "").format(seconds=seconds))


def judge(asset: Asset, now: datetime) -> Omission | None:
    """Why an asset cannot be carried over, as far as the list alone says; None when its file is to be looked at."""
    if asset.problem:
        return omit(asset, Reason.UNREADABLE, f"it cannot be understood: {asset.problem}")
    return _of_no_use(asset) or _idle(asset, now)


def _of_no_use(asset: Asset) -> Omission | None:
    """Judge by what it shows."""
    kind = asset.mimetype.lower()
    if "video" in kind:
        return omit(asset, Reason.PROCESSING, "the device is still processing it") if asset.processing else None
    for words, reason, what in (
        (("web", "html"), Reason.WEB_PAGE, "a web page"),
        (("image",), Reason.IMAGE, "an image"),
        (("stream",), Reason.STREAM, "a stream"),
    ):
        if any(word in kind for word in words):
            return omit(asset, reason, f"it is {what}")
    return omit(asset, Reason.UNKNOWN_TYPE, "what it shows cannot be told from its type")


def _idle(asset: Asset, now: datetime) -> Omission | None:
    """Judge by when it plays."""
    if not asset.enabled:
        return omit(asset, Reason.DISABLED, "it is disabled")
    if asset.start is None or asset.end is None:
        return omit(asset, Reason.NO_DATES, "it has no start date or no end date")
    if asset.end <= now:
        return omit(asset, Reason.EXPIRED, f"it ended on {asset.end:%Y-%m-%d}")
    if asset.start >= min(asset.end, FOREVER):
        return omit(asset, Reason.NEVER, "it ends before it starts")
    if asset.window.span and asset.window.span[0] == asset.window.span[1]:
        return omit(asset, Reason.NEVER, "its time of day ends when it starts")
    return None
