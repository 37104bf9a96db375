"""Colours and short class names: which playlist has which colour, which clip which picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from avtech_controller.preview._preview import Preview
from avtech_controller.preview._programme import Kind, Programme
from avtech_schema.identifiers import ClientId, Slug, VideoId

PALETTE = ("#1f6f54", "#2b4c9b", "#8a4b12", "#5b2a86", "#0b6478", "#7a5c00", "#8f2d5f", "#3f6212", "#4b5563", "#9a3412")
"""Colours that carry white text (contrast of at least 5 to 1), neighbours apart in hue."""
EMERGENCY = "#b3131b"
FALLBACK = "#d9d5ca"


@dataclass(frozen=True, slots=True)
class Marks:
    """The colour of each playlist by its client and name, and the number of each clip."""

    colours: Mapping[tuple[ClientId, Slug], int]
    clips: Mapping[VideoId, int]
    clients: int

    @classmethod
    def of(cls, preview: Preview) -> "Marks":
        """Colours in the order of the playlists' names, so that a page hardly changes with what is on air."""
        found = {
            (week.client, part.playlist)
            for week in preview.weeks
            for pair in week.days
            for piece in (*(pair.before or ()), *pair.after)
            if piece.block.programme.kind is Kind.RULES
            for part in piece.block.programme.parts()
        }
        clips = {name: number for number, name in enumerate(preview.clips)}
        return cls({key: number for number, key in enumerate(sorted(found))}, clips, len({client for client, _ in found}))

    def colour(self, client: ClientId, programme: Programme) -> str:
        """The colour of a block."""
        match programme.kind:
            case Kind.RULES if programme.main:
                return self.playlist_colour(client, programme.main)
            case Kind.EMERGENCY:
                return EMERGENCY
            case _:
                return FALLBACK

    def playlist_colour(self, client: ClientId, playlist: Slug) -> str:
        """The colour of a playlist."""
        return PALETTE[self.colours.get((client, playlist), 0) % len(PALETTE)]

    def block_class(self, client: ClientId, programme: Programme) -> str:
        """The class that gives a block its colour."""
        if programme.kind is not Kind.RULES or programme.main is None:
            return programme.kind.value
        return f"c{self.colours.get((client, programme.main), 0) % len(PALETTE)}"

    def clip_class(self, clip: VideoId) -> str:
        """The class that shows a clip's picture."""
        return f"t{self.clips.get(clip, 'x')}"

    def legend(self) -> Iterator[tuple[str, str]]:
        """A class and the playlist's name, with its client's where there are several."""
        for (client, playlist), number in self.colours.items():
            yield f"c{number % len(PALETTE)}", f"{playlist} ({client})" if self.clients > 1 else playlist

    def css(self) -> str:
        """The colours as classes."""
        return "".join(f".c{number}{{--c:{colour}}}" for number, colour in enumerate(PALETTE))
