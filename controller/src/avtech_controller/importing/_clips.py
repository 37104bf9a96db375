"""Makes clips of an asset list's files: measured, named after the assets, and planned for the content index."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from avtech_controller.content import (
    Addition,
    AdditionPlan,
    ContentError,
    Offered,
    Wish,
    default_name,
    default_title,
    plan_additions,
)
from avtech_controller.importing._assets import Asset
from avtech_controller.importing._fates import Carried, Omission, Reason, judge, omit
from avtech_controller.importing._files import find_file
from avtech_controller.media import MediaCode, MediaError, measure, thumbnail
from avtech_schema.identifiers import MAX_NAME_LENGTH, ClientId, VideoId
from avtech_schema.resources import Client, Video

_MEDIA_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv"})
_LENGTH_TOLERANCE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Sorted:
    """Every asset's fate in the order of the device, and the clips to add."""

    carried: tuple[Carried, ...]
    omitted: tuple[Omission, ...]
    additions: tuple[Addition, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Shelf:
    """The clips there are and are to be, by name."""

    client: ClientId
    clients: Mapping[ClientId, Client]
    videos: dict[VideoId, Video]

    def add(self, asset: Asset, offered: Offered) -> Addition:
        """Plan one clip; the same bytes are the same clip.

        Raises:
            ContentError: it cannot be added.
        """
        same = any(v.spec.client == self.client and v.spec.sha256 == offered.measured.sha256 for v in self.videos.values())
        wish = Wish(self.client, None if same else self._name(asset), default_title(_stem(asset.name)) or None)
        plan: AdditionPlan = plan_additions(wish, [offered], self.clients, self.videos)
        if plan.problems:
            raise plan.problems[0]
        (addition,) = plan.additions
        self.videos[addition.name] = addition.video
        return addition

    def _name(self, asset: Asset) -> VideoId:
        """A free name, made of the asset's name or else of its id, numbered where it is taken."""
        for stem in (_stem(asset.name), asset.asset_id, f"asset {asset.number}"):
            for number in range(1, len(self.videos) + 2):
                suffix = "" if number == 1 else f" {number}"
                room = MAX_NAME_LENGTH - len(f"VID-{self.client.removeprefix('CLI-')}-{suffix}")
                try:
                    name = default_name(self.client, _shortened(stem, room) + suffix)
                except ContentError:
                    break
                if name not in self.videos:
                    return name
        return default_name(self.client, asset.asset_id)


def sort_assets(
    assets: Sequence[Asset],
    folder: Path,
    client: ClientId,
    clients: Mapping[ClientId, Client],
    videos: Mapping[VideoId, Video],
    *,
    now: datetime,
    looked_at: Callable[[], None],
) -> Sorted:
    """Decide every asset's fate; the files of those that play are measured, each once. `looked_at` is called after each.

    Raises:
        ToolError: ffmpeg cannot be run.
    """
    shelf = _Shelf(client, clients, dict(videos))
    measured: dict[Path, Offered] = {}
    fates: list[Carried | Omission] = []
    additions: dict[VideoId, Addition] = {}
    for asset in assets:
        fate = judge(asset, now) or _carry(asset, folder, shelf, measured, additions)
        fates.append(fate)
        looked_at()
    carried = tuple(fate for fate in fates if isinstance(fate, Carried))
    omitted = tuple(fate for fate in fates if isinstance(fate, Omission))
    notes = tuple(note for one in carried if (note := _length_note(one, additions[one.clip].video)))
    return Sorted(carried, omitted, tuple(additions.values()), notes)


def _carry(
    asset: Asset, folder: Path, shelf: _Shelf, measured: dict[Path, Offered], additions: dict[VideoId, Addition]
) -> Carried | Omission:
    path = find_file(asset, folder)
    if path is None:
        name = PurePosixPath(asset.uri).name or asset.asset_id
        return omit(asset, Reason.MISSING_FILE, f"its file {name!r:.120} is not beside the list")
    try:
        if path not in measured:
            facts = measure(path)
            measured[path] = Offered(path, facts, thumbnail(path, facts.duration_ms))
        addition = shelf.add(asset, measured[path])
    except MediaError as error:
        reason = Reason.TOO_LONG if error.code is MediaCode.DURATION else Reason.REFUSED
        return omit(asset, reason, f"{error.code}: {error}", error.hint)
    except ContentError as error:
        return omit(asset, Reason.REFUSED, f"{error.code}: {error}", error.hint)
    additions.setdefault(addition.name, addition)
    return Carried(asset, addition.name)


def _length_note(one: Carried, video: Video) -> str:
    """Say when the device shows a clip for another time than it lasts."""
    wanted = one.asset.duration_s * 1000
    if wanted <= 0 or abs(wanted - video.spec.duration_ms) < _LENGTH_TOLERANCE_MS:
        return ""
    lasts = video.spec.duration_ms / 1000
    return f"{one.clip} is shown whole, {lasts:.2f} s; the device shows it for {one.asset.duration_s} s."


def _stem(name: str) -> str:
    """A name without the suffix of a video file."""
    path = PurePosixPath(name.replace("/", " ").strip())
    return path.stem if path.suffix.lower() in _MEDIA_SUFFIXES else str(path)


def _shortened(stem: str, room: int) -> str:
    """As many of a name's characters as surely fit."""
    return stem[: max(room, 1)]
