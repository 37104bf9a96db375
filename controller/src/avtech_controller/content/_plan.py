"""Decides what adding some clips means for the index, before anything is uploaded or written. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avtech_controller.content._entry import default_name, default_title, entry_path
from avtech_controller.content._errors import ContentCode, ContentError
from avtech_controller.media import Measured, shown
from avtech_schema.canonical import sha256_hex
from avtech_schema.identifiers import ClientId, VideoId
from avtech_schema.resources import API_VERSION, Client, Rights, Video


@dataclass(frozen=True, slots=True)
class Wish:
    """What whoever adds the clips said about them; what is None is made from the file's name."""

    client: ClientId
    name: VideoId | None = None
    title: str | None = None
    rights: Rights | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """One file as it was measured, with its picture."""

    path: Path
    measured: Measured
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Addition:
    """One clip to be uploaded; `state` says whether its entry is still to be written or stands in the index already."""

    offered: Offered
    video: Video
    state: Literal["new", "present"]

    @property
    def name(self) -> VideoId:
        """The clip's name."""
        return VideoId(self.video.metadata.name)


@dataclass(frozen=True, slots=True)
class AdditionPlan:
    """What would be done, and every reason not to do it."""

    additions: tuple[Addition, ...]
    problems: tuple[ContentError, ...]


def plan_additions(
    wish: Wish, offered: Sequence[Offered], clients: Mapping[ClientId, Client], videos: Mapping[VideoId, Video]
) -> AdditionPlan:
    """Name the clips, find those that are there already, and check names and the client's quota."""
    owner = clients.get(wish.client)
    if owner is None:
        known = ", ".join(sorted(clients)) or "none"
        return AdditionPlan((), (ContentError(ContentCode.CLIENT, f"{wish.client} is not a client; known: {known}"),))
    additions: list[Addition] = []
    problems: list[ContentError] = []
    taken = dict(videos)
    for one in offered:
        try:
            addition = _addition(wish, one, taken)
        except ContentError as error:
            problems.append(error)
            continue
        taken[addition.name] = addition.video
        if all(addition.name != other.name for other in additions):
            additions.append(addition)
    problems += _over_quota(wish.client, owner.spec.storage_quota_bytes, taken.values(), additions)
    return AdditionPlan(tuple(additions), tuple(problems))


def _addition(wish: Wish, one: Offered, taken: Mapping[VideoId, Video]) -> Addition:
    same = _same_bytes(wish.client, one.measured, taken.values())
    if same is not None:
        return _present(wish, one, same)
    name = wish.name or default_name(wish.client, one.path.stem)
    if name in taken:
        raise ContentError(
            ContentCode.NAME,
            f"{shown(one.path)}: {name} is the name of another clip, made from {taken[name].spec.original_name}",
            hint="a clip never changes under its name: give the new one another (--name), and change the playlists to it",
        )
    return Addition(one, describe(name, wish, one), "new")


def _same_bytes(client: ClientId, measured: Measured, videos: Iterable[Video]) -> Video | None:
    found = [video for video in videos if video.spec.client == client and video.spec.sha256 == measured.sha256]
    return min(found, key=lambda video: (video.spec.state, video.metadata.name), default=None)


def _present(wish: Wish, one: Offered, same: Video) -> Addition:
    name = same.metadata.name
    if same.spec.state == "archived":
        raise ContentError(
            ContentCode.ARCHIVED,
            f"{shown(one.path)}: is in the index already as {name}, archived",
            hint=f"set `state: active` in {entry_path(wish.client, VideoId(name))} instead",
        )
    if wish.name not in (None, name):
        raise ContentError(
            ContentCode.NAME,
            f"{shown(one.path)}: is in the index already as {name}",
            hint=f"use {name} in playlists, or leave --name out",
        )
    return Addition(one, same, "present")


def _over_quota(
    client: ClientId, quota: int | None, videos: Iterable[Video], additions: Sequence[Addition]
) -> Iterable[ContentError]:
    sizes = {v.spec.sha256: v.spec.size_bytes for v in videos if v.spec.client == client and v.spec.state == "active"}
    total = sum(sizes.values())
    if quota is None or total <= quota or all(addition.state == "present" for addition in additions):
        return
    yield ContentError(
        ContentCode.QUOTA,
        f"{client} would hold {total:,} bytes of active clips, {total - quota:,} more than its quota of {quota:,}",
        hint="archive clips that no playlist holds (`state: archived`), or have storageQuotaBytes raised",
    )


def describe(name: VideoId, wish: Wish, one: Offered) -> Video:
    """The entry of the index for a measured file."""
    facts, rights = one.measured, wish.rights
    media = {
        "container": facts.container,
        "videoCodec": facts.video_codec,
        "pixelFormat": facts.pixel_format,
        "width": facts.width,
        "height": facts.height,
        "frameRate": facts.frame_rate,
        "audioCodec": facts.audio_codec,
    }
    spec = {
        "client": wish.client,
        "title": wish.title or default_title(one.path.stem) or None,
        "sha256": facts.sha256,
        "sizeBytes": facts.size,
        "durationMs": facts.duration_ms,
        "media": media,
        "originalName": one.path.name.encode("utf-8", "replace").decode(),
        "thumbnail": {"sha256": sha256_hex(one.thumbnail), "sizeBytes": len(one.thumbnail)},
        "rights": rights and rights.model_dump(by_alias=True),
    }
    return Video.model_validate({"apiVersion": API_VERSION, "kind": "Video", "metadata": {"name": name}, "spec": spec})
