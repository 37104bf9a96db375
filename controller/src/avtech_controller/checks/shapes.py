"""Clips that stand upright on screens that lie, and the other way round."""

from collections.abc import Iterator

from avtech_controller.checks.airing import Airing
from avtech_controller.checks.view import View
from avtech_controller.compiler import fallback_of
from avtech_controller.desired._spots import Problem
from avtech_controller.desired._state import SlugKey
from avtech_schema.identifiers import ClientId, ScreenId, Slug, VideoId
from avtech_schema.manifest import Orientation
from avtech_schema.resources import Playlist, Video

_UPRIGHT = (Orientation.PORTRAIT, Orientation.PORTRAIT_FLIPPED)


def check_shapes(view: View, airing: Airing) -> Iterator[Problem]:
    """One warning for all clips of a shape that the same screens are not made for."""
    if view.state.fleet.spec.checks.orientation == "ignore":
        return
    hanging = {screen.spec.display.orientation in _UPRIGHT for screen in view.state.screens.values()}
    shapes = {name: _shape(video) for name, video in view.state.videos.items()}
    odd = {name: shape for name, shape in shapes.items() if shape is not None and (not shape) in hanging}
    if not odd:
        return
    reached = _Reached(view, airing)
    found: dict[tuple[bool, tuple[ScreenId, ...]], list[tuple[Playlist, int]]] = {}
    for key, playlist in view.state.playlists.items():
        clips = ((place, VideoId(item.clip)) for place, item in enumerate(playlist.spec.items) if item.clip)
        wrong_at = {place: odd[clip] for place, clip in clips if clip in odd}
        for upright in sorted(set(wrong_at.values())):
            if wrong := tuple(sorted(name for name in reached.screens(key) if reached.upright(name) != upright)):
                places = [(playlist, place) for place, shape in wrong_at.items() if shape == upright]
                found.setdefault((upright, wrong), []).extend(places)
    for (upright, wrong), places in found.items():
        yield _problem(view, wrong, places, upright=upright)


def _problem(view: View, wrong: tuple[ScreenId, ...], places: list[tuple[Playlist, int]], *, upright: bool) -> Problem:
    playlist, place = places[0]
    clip = VideoId(playlist.spec.items[place].clip or "")
    media = view.state.videos[clip].spec.media
    shape, hang = ("upright", "lies across") if upright else ("wide", "stands upright")
    where = wrong[0] if len(wrong) == 1 else f"{wrong[0]} and {len(wrong) - 1} more"
    others = len({held.spec.items[number].clip for held, number in places} - {clip})
    more = "" if not others else f" ({others} more such clip{'' if others == 1 else 's'} in its playlists)"
    screen = view.state.screens[wrong[0]]
    here = view.spot(screen)
    display = here.key("spec", "display") if "display" in screen.spec.model_fields_set else here.value("metadata", "name")
    return Problem(
        "AVT415",
        f"clip {clip} is {shape} ({media.width}x{media.height}), the wrong shape for {where}{more}",
        view.spot(playlist).value("spec", "items", place, "clip"),
        "shown small, between bars",
        ((display, f"{wrong[0]} {hang}"),),
        "play clips of the other shape there, correct the `orientation`, or set `checks: {orientation: ignore}` in fleet.yaml",
        touches=tuple(("Screen", name) for name in wrong),
    )


def _shape(video: Video) -> bool | None:
    """Whether a clip is upright; None if it is square or so."""
    width, height = video.spec.media.width, video.spec.media.height
    if abs(width - height) * 8 <= max(width, height):
        return None
    return height > width


class _Reached:
    """The screens that each playlist reaches, by rules, fallbacks and nesting."""

    def __init__(self, view: View, airing: Airing) -> None:
        state = view.state
        self._upright = {name: screen.spec.display.orientation in _UPRIGHT for name, screen in state.screens.items()}
        self._screens: dict[SlugKey, set[ScreenId]] = {}
        for key, rules in airing.rules.items():
            for rule in rules:
                self._screens.setdefault(SlugKey(key.client, rule.playlist), set()).update(airing.screens[key])
        for name, screen in state.screens.items():
            if fallback := fallback_of(state, screen):
                self._screens.setdefault(SlugKey(ClientId(screen.spec.client), fallback), set()).add(name)
        self._holders: dict[SlugKey, set[SlugKey]] = {}
        for key, playlist in state.playlists.items():
            for item in playlist.spec.items:
                if item.playlist:
                    self._holders.setdefault(SlugKey(key.client, Slug(item.playlist)), set()).add(key)

    def upright(self, screen: ScreenId) -> bool:
        """Whether a screen stands upright."""
        return self._upright[screen]

    def screens(self, key: SlugKey) -> frozenset[ScreenId]:
        """All screens that a playlist reaches."""
        found: set[ScreenId] = set()
        seen = {key}
        pending = [key]
        while pending:
            here = pending.pop()
            found |= self._screens.get(here, set())
            above = self._holders.get(here, set()) - seen
            seen |= above
            pending.extend(above)
        return frozenset(found)
