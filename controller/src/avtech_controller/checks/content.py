"""Checks of clips: archived ones in use, active ones in no playlist, and the clients' storage."""

from collections.abc import Iterator

from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem
from avtech_schema.identifiers import VideoId


def check_content(view: View) -> Iterator[Problem]:
    """All checks of this module."""
    yield from _archived(view)
    yield from _unused(view)
    yield from _quotas(view)


def _archived(view: View) -> Iterator[Problem]:
    for playlist in view.state.playlists.values():
        for place, item in enumerate(playlist.spec.items):
            video = view.state.videos.get(VideoId(item.clip)) if item.clip else None
            if video is not None and video.spec.state == "archived":
                yield Problem(
                    "AVT411",
                    f'clip {item.clip} is archived, but playlist "{playlist.metadata.name}" holds it',
                    view.spot(playlist).value("spec", "items", place, "clip"),
                    "archived",
                    ((view.spot(video).value("spec", "state"), "archived here"),),
                    "take it out of the playlist, or write `state: active`",
                )


def _unused(view: View) -> Iterator[Problem]:
    used = {item.clip for playlist in view.state.playlists.values() for item in playlist.spec.items}
    faulty = {kind for kind, _ in view.broken} | view.nameless
    if view.broken_names or "Playlist" in faulty:
        return
    misfiled = {kind for client in view.state.clients for kind, _ in view.index.misfiled.get(client, ())}
    if "Playlist" in misfiled:
        return
    for name, video in view.state.videos.items():
        if video.spec.state == "active" and name not in used and not view.is_misfiled(video):
            spot = view.spot(video).value("metadata", "name")
            yield Problem("AVT412", f"clip {name} is in no playlist", spot, help="play it, or write `state: archived`")


def _quotas(view: View) -> Iterator[Problem]:
    held: dict[str, dict[str, int]] = {}
    for video in view.state.videos.values():
        if video.spec.state == "active":
            held.setdefault(video.spec.client, {})[video.spec.sha256] = video.spec.size_bytes
    for name, client in view.state.clients.items():
        quota, total = client.spec.storage_quota_bytes, sum(held.get(name, {}).values())
        if quota is not None and total > quota:
            yield Problem(
                "AVT413",
                f"the active clips of {name} hold {total:,} bytes, its quota is {quota:,}",
                view.spot(client).value("spec", "storageQuotaBytes"),
                f"exceeded by {total - quota:,} bytes",
                help="archive clips that no longer play, or raise the quota",
            )
