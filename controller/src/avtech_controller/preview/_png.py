"""One week as a picture for a comment on a change: 1200 pixels wide, the same bytes for the same week."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from avtech_controller.preview._compare import DayPair, Piece
from avtech_controller.preview._marks import Marks
from avtech_controller.preview._programme import Kind, name_of
from avtech_controller.preview._week_html import BADGES, days_text
from avtech_controller.preview._weeks import WEEK, ScreenWeek, State
from avtech_schema.identifiers import ClientId

WIDTH = 1200
_HOUR = 24
_LEFT, _RIGHT, _GAP = 44, 16, 6
_HEAD, _DAY_HEAD, _FOOT = 74, 40, 16
_LINE = 22
MAX_LINES = 8
"""Changes said in words below the calendar."""
_GUTTER = 18
"""At the side of a day with its own hours."""
_PAPER, _INK, _SOFT, _GRID, _CHANGE, _FALLBACK_INK = "#ffffff", "#1b1b1a", "#5c5b57", "#e4e1d8", "#b45309", "#4b4a45"
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands above a picture: `heading` names its screens, `title` says what kind of week it is or where they hang."""

    heading: str
    title: str = ""

    def __str__(self) -> str:
        """Both in one line."""
        return ": ".join(part for part in (self.heading, self.title) if part)


def draw_week(week: ScreenWeek, marks: Marks, caption: Caption) -> bytes:
    """A PNG of a week; its caption and what changes, in words, are in its text chunks, too."""
    rows = [week.days[start : start + WEEK] for start in range(0, len(week.days), WEEK)]
    lines = list(_lines(week))
    heights = [_DAY_HEAD + _HOUR * max(pair.day.seconds for pair in row) / 3600 + _FOOT for row in rows]
    height = _HEAD + int(sum(heights)) + (len(lines) * _LINE + 12 if lines else 0)
    image = Image.new("RGB", (WIDTH, height), _PAPER)
    sheet = _Sheet(ImageDraw.Draw(image), week.client, marks)
    sheet.heading(caption, week.state)
    top = float(_HEAD)
    for row, tall in zip(rows, heights, strict=True):
        sheet.row(row, top)
        top += tall
    for number, line in enumerate(lines):
        sheet.text((_LEFT, top + number * _LINE), line, _INK, 15, WIDTH - _LEFT - _RIGHT)
    out = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(out, "PNG", optimize=True, pnginfo=_told(caption, lines))
    return out.getvalue()


def _told(caption: Caption, lines: Sequence[str]) -> PngInfo:
    """What a picture says, for those who cannot see it."""
    told = PngInfo()
    told.add_itxt("Title", str(caption).replace("\0", " "))
    if lines:
        told.add_itxt("Description", "\n".join(lines).replace("\0", " "))
    return told


def _lines(week: ScreenWeek) -> Iterator[str]:
    for change in week.changes[:MAX_LINES]:
        old, new = name_of(change.before), name_of(change.after)
        what = f"{new}: other clips or weights" if old == new else f"{new}  (was: {old})"
        yield f"{days_text(change.days)}, {change.start_clock}–{change.end_clock}:  {what}"
    if len(week.changes) > MAX_LINES:
        yield f"and {len(week.changes) - MAX_LINES} more changes"
    yield from week.remarks


@dataclass(frozen=True, slots=True)
class _Lane:
    """One side of a day: what is on it, and from where to where it is drawn."""

    pieces: tuple[Piece, ...]
    left: float
    right: float
    faded: bool

    def box(self, piece: Piece, body: float) -> _Box:
        """Where a piece is drawn; nothing is thinner than can be seen."""
        top, bottom = body + piece.block.start / 3600 * _HOUR, body + piece.block.end / 3600 * _HOUR - 1
        return self.left, top, self.right, max(bottom, top + 4)


class _Sheet:
    """The picture being drawn."""

    def __init__(self, draw: ImageDraw.ImageDraw, client: ClientId, marks: Marks) -> None:
        self._draw = draw
        self._client = client
        self._marks = marks

    def heading(self, caption: Caption, state: State) -> None:
        """The screens' names, and a word on whether they change."""
        badge = BADGES.get(state, "").upper()
        room = WIDTH - _LEFT - _RIGHT - (150 if badge else 0)
        self.text((_LEFT, 14), caption.heading, _INK, 24, room)
        self.text((_LEFT, 44), caption.title, _SOFT, 15, room)
        if badge:
            self._draw.rounded_rectangle((WIDTH - _RIGHT - 140, 16, WIDTH - _RIGHT, 44), 14, fill=_CHANGE)
            self._draw.text((WIDTH - _RIGHT - 70, 30), badge, fill="#ffffff", font=_font(13), anchor="mm")

    def row(self, days: Sequence[DayPair], top: float) -> None:
        """Up to seven days beside each other."""
        width = (WIDTH - _LEFT - _RIGHT - _GAP * (WEEK - 1)) / WEEK
        body = top + _DAY_HEAD
        for hour in range(0, 25, 3):
            y = body + hour * _HOUR
            self._draw.line((_LEFT - 4, y, WIDTH - _RIGHT, y), fill=_GRID)
            self._draw.text((_LEFT - 8, y), f"{hour:02}", fill=_SOFT, font=_font(12), anchor="rm")
        for number, pair in enumerate(days):
            left = _LEFT + number * (width + _GAP)
            self._day(pair, left, left + width, body)

    def _day(self, pair: DayPair, left: float, right: float, body: float) -> None:
        changed = pair.before is not None
        date = pair.day.date
        middle = (left + right) / 2
        note = f"  {pair.day.seconds / 3600:g} h" if pair.day.note else ""
        colour = _CHANGE if changed or note else _INK
        self._draw.text((middle, body - 24), f"{date:%a} {date.day} {date:%b}{note}", fill=colour, font=_font(15), anchor="mm")
        if pair.day.hours:
            right -= _GUTTER
        split = left + (right - left) * 0.4 if changed else left
        lanes = [_Lane(pair.after, split, right, faded=False)]
        if pair.before is not None:
            self._side("Before", left, split - 2, body, _SOFT)
            self._side("After", split, right, body, _CHANGE)
            lanes.append(_Lane(pair.before, left, split - 2, faded=True))
        drawn = [(lane, piece, lane.box(piece, body)) for lane in lanes for piece in lane.pieces]
        for lane, piece, box in drawn:
            self._block(piece, box, faded=lane.faded)
        for start, end in pair.day.off:
            self._hatch((left, body + start / 3600 * _HOUR, right, body + end / 3600 * _HOUR))
        for lane, piece, box in drawn:
            if piece.changed or not lane.faded:
                self._words(piece, box, narrow=lane.faded)
        for second, text in pair.day.hours[1:]:
            y = body + second / 3600 * _HOUR
            self._draw.text((right + _GUTTER - 2, y), text, fill=_SOFT, font=_font(11), anchor="rm")

    def _side(self, text: str, left: float, right: float, body: float, colour: str) -> None:
        self._draw.text(((left + right) / 2, body - 9), text, fill=colour, font=_font(12), anchor="mm")
        self._draw.line((left + 1, body - 2, right - 1, body - 2), fill=colour, width=2)

    def _block(self, piece: Piece, box: _Box, *, faded: bool) -> None:
        programme = piece.block.programme
        fill = self._marks.colour(self._client, programme)
        self._draw.rounded_rectangle(box, 4, fill=_mix(fill, 0.45) if faded else fill)
        if piece.changed:
            self._draw.rounded_rectangle(box, 4, outline=_SOFT if faded else _CHANGE, width=1 if faded else 3)
        elif programme.kind is Kind.EMERGENCY:
            self._draw.rounded_rectangle(box, 4, outline="#5f0a0f", width=2)

    def _words(self, piece: Piece, box: _Box, *, narrow: bool) -> None:
        quiet = piece.block.programme.kind in (Kind.FALLBACK, Kind.NOTHING)
        ink = _INK if narrow else _FALLBACK_INK if quiet else "#ffffff"
        left, top, right, bottom = box
        room, y = right - left - 12, top + 5
        when = f"{piece.block.start_clock}–{piece.block.end_clock}"
        name = piece.block.programme.label if narrow else name_of(piece.block.programme)
        if bottom - top < 20:
            self._small_word(piece, box, name, ink)
            return
        sizes = (12, 11, 10) if narrow else (14, 13, 12, 11)
        fitting = next((size for size in sizes if _is_whole(name, size, room)), sizes[0])
        for line, size in [(name, fitting), *([] if narrow else [(when, 11)])]:
            most = int((bottom - y) // (size + 3))
            for part in _wrapped(line, size, room, min(most, 3)) if most > 0 else ():
                self._draw.text((left + 6, y), part, fill=ink, font=_font(size))
                y += size + 3

    def _small_word(self, piece: Piece, box: _Box, name: str, ink: str) -> None:
        """The name in a block that is hardly as high as a letter; the very lowest get none."""
        left, top, right, bottom = box
        if bottom - top >= 10:
            short = piece.block.programme.label if piece.block.programme.kind is Kind.EMERGENCY else name
            word = next(iter(_wrapped(short, 10, right - left - 12, 1)), "")
            self._draw.text((left + 6, (top + bottom) / 2), word, fill=ink, font=_font(10), anchor="lm")

    def _hatch(self, box: _Box) -> None:
        left, top, right, bottom = box
        for offset in range(0, int(right - left + bottom - top), 9):
            x0, y0 = min(left + offset, right), top + max(0, left + offset - right)
            x1, y1 = max(left, left + offset - (bottom - top)), min(bottom, top + offset)
            self._draw.line((x0, y0, x1, y1), fill="#8a8880")

    def text(self, at: tuple[float, float], text: str, fill: str, size: int, room: float) -> None:
        """One line, cut where the room ends."""
        self._draw.text(at, next(iter(_wrapped(text, size, room, 1)), ""), fill=fill, font=_font(size))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Roboto, from its own package and set without the system's libraries: the same letters on every machine."""
    file = resources.files("font_roboto").joinpath("files", "Roboto-Medium.ttf")
    return ImageFont.truetype(io.BytesIO(file.read_bytes()), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _glyph(letter: str) -> bytes:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 8), letter, fill=255, font=_font(16))
    return image.tobytes()


def readable(text: str) -> str:
    """The text, or nothing if the font lacks one of its letters: it draws Latin, Greek and Cyrillic."""
    return text if all(_glyph(letter) != _glyph("\uffff") for letter in text) else ""


def _wrapped(text: str, size: int, room: float, most: int) -> list[str]:
    """Lines of words that fit; the last one ends in an ellipsis if not all does."""
    font = _font(size)
    lines: list[str] = []
    rest = text[:400]
    while rest and len(lines) < most:
        fits = _fitting(rest, font, room)
        if fits < len(rest):
            space = max(rest.rfind(" ", 0, fits + 1), rest.rfind("-", 0, fits) + 1)
            if len(lines) == most - 1:
                return [*lines, rest[: max(fits - 1, 1)].rstrip() + "…"]
            fits = space if space > 0 else fits
        lines.append(rest[:fits].rstrip())
        rest = rest[fits:].lstrip()
    return lines


def _is_whole(text: str, size: int, room: float) -> bool:
    """Whether no word need be broken, other than after a hyphen."""
    font = _font(size)
    return all(font.getlength(word) <= room for word in text.replace("-", "- ").split())


def _fitting(text: str, font: ImageFont.FreeTypeFont, room: float) -> int:
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle]) <= room else (low, middle - 1)
    return low


def _mix(colour: str, share: float) -> str:
    """A colour with as much of it, on paper."""
    channels = (int(colour[start:end], 16) for start, end in pairwise((1, 3, 5, 7)))
    return "#" + "".join(f"{round(255 - (255 - channel) * share):02x}" for channel in channels)
