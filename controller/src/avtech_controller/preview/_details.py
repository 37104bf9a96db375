"""What the details pane shows of a programme: rules, caps and clips, as templates that the page's script copies."""

from collections.abc import Iterator
from html import escape

from avtech_controller.preview._marks import Marks
from avtech_controller.preview._preview import Preview
from avtech_controller.preview._programme import Kind, Part, Programme
from avtech_schema.identifiers import ClientId, VideoId

MAX_CLIPS = 24
MAX_PARTS = 12
_KINDS = {
    Kind.RULES: "",
    Kind.FALLBACK: "Fallback: no rule can play at this time.",
    Kind.EMERGENCY: "Emergency: cuts into whatever is on the screen, above every priority.",
    Kind.NOTHING: "Nothing can play: the screen shows the built-in slate.",
}


class Details:
    """Collects the programmes that a page shows; each becomes one template."""

    def __init__(self, preview: Preview, marks: Marks) -> None:
        self._preview = preview
        self._marks = marks
        self._known: dict[tuple[ClientId, Programme], str] = {}

    def template(self, client: ClientId, programme: Programme) -> str:
        """The id of a programme's template."""
        return self._known.setdefault((client, programme), f"p{len(self._known)}")

    def html(self) -> str:
        """All templates."""
        return "".join(
            f'<template id="{name}">{self._programme(client, programme)}</template>'
            for (client, programme), name in self._known.items()
        )

    def _programme(self, client: ClientId, programme: Programme) -> str:
        kind = _KINDS[programme.kind]
        note = f'<p class="kind {programme.kind.value}">{kind}</p>' if kind else ""
        return note + "".join(self._groups(client, programme))

    def _groups(self, client: ClientId, programme: Programme) -> Iterator[str]:
        for number, group in enumerate(programme.groups):
            if number:
                yield '<p class="then">When the cap above is reached:</p>'
            elif len(group) > 1:
                yield f'<p class="then">{len(group)} playlists share the air:</p>'
            for part in group[:MAX_PARTS]:
                yield self._part(client, part, shared=len(group) > 1)
            if len(group) > MAX_PARTS:
                yield f'<p class="then">and {len(group) - MAX_PARTS} more</p>'

    def _part(self, client: ClientId, part: Part, *, shared: bool) -> str:
        title = self._preview.playlist_titles.get((client, part.playlist), "")
        facts = [f"rule {part.rule}" if part.rule else "fallback"]
        facts += [f"at most {part.cap} plays an hour"] if part.cap else []
        facts += [f"weight {part.weight}"] if shared else []
        facts += ["cuts in at once"] if part.cuts else []
        clips = "".join(self._clip(clip, part.weight_of(clip)) for clip in part.clips[:MAX_CLIPS])
        more = f'<li class="rest">and {len(part.clips) - MAX_CLIPS} more clips</li>' if len(part.clips) > MAX_CLIPS else ""
        subtitle = f"<small>{escape(title)}</small>" if title else ""
        return (
            f'<section class="part"><h4><i class="dot" style="--c:{self._marks.playlist_colour(client, part.playlist)}"></i>'
            f'{escape(part.playlist)}{subtitle}</h4><p class="facts">{escape(" · ".join(facts))}</p>'
            f'<ul class="clips">{clips}{more}</ul></section>'
        )

    def _clip(self, name: VideoId, weight: int) -> str:
        clip = self._preview.clips.get(name)
        title, seconds = (clip.title, f"{clip.seconds:.3g}\N{NO-BREAK SPACE}s") if clip else (name, "")
        times = f" · weight {weight}" if weight != 1 else ""
        return (
            f'<li><i class="pic {self._marks.clip_class(name)}"></i><span><b>{escape(title)}</b>'
            f"<small>{escape(name)}{' · ' if seconds else ''}{seconds}{times}</small></span></li>"
        )
