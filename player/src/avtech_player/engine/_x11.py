"""As much of the X protocol (version 11, little-endian) as it takes to say what lies behind all windows; bytes only, no I/O."""

import struct
from dataclasses import dataclass

COOKIE = b"MIT-MAGIC-COOKIE-1"
PREFIX_BYTES = 8
"""How many bytes an answer to a greeting begins with, before as many as `rest_of` says follow."""
_DEEP = (24, 32)
_BACKGROUND_PIXMAP, _BACKGROUND_PIXEL = 1, 2
_SUBWINDOW_MODE, _GRAPHICS_EXPOSURES = 1 << 15, 1 << 16
_FIXED, _FORMAT, _SCREEN, _DEPTH, _VISUAL = 32, 8, 40, 8, 24
_FAMILY_ANY, _FAMILY_LOCAL = 0xFFFF, 256


@dataclass(frozen=True, slots=True)
class Screen:
    """The first screen of a display, in pixels, and the first of the numbers that a client may give to what it makes."""

    root: int
    width: int
    height: int
    depth: int
    first_id: int


def greeting(cookie: bytes) -> bytes:
    """What a client says first; without a cookie it hopes that the server lets it in."""
    name = COOKIE if cookie else b""
    head = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
    return head + _padded(name) + _padded(cookie)


def rest_of(prefix: bytes) -> int:
    """How many bytes of a greeting's answer follow its prefix.

    Raises:
        ValueError: the server does not let us in.
    """
    accepted, words = prefix[0], struct.unpack_from("<H", prefix, 6)[0]
    if accepted != 1:
        raise ValueError("the X server does not let the player in")
    return int(words) * 4


def read_screen(body: bytes) -> Screen:
    """The first screen, from what follows the prefix of a greeting's answer.

    Raises:
        ValueError: it is no such answer, or its pixels are not of eight bits for each of red, green and blue.
    """
    try:
        first_id, vendor, formats = struct.unpack_from("<4xI8xH3xB", body)[0:3]
        at = _FIXED + vendor + -vendor % 4 + formats * _FORMAT
        root, width, height, depth, depths = struct.unpack_from("<I16xHH14xBB", body, at)
        masks = _masks(body, at + _SCREEN, depths, depth)
    except struct.error as error:
        raise ValueError("the X server's answer is cut short") from error
    if depth not in _DEEP or masks != (0xFF0000, 0xFF00, 0xFF):
        raise ValueError("the X server's pixels are of another kind")
    return Screen(root, width, height, depth, first_id)


def _masks(body: bytes, at: int, depths: int, wanted: int) -> tuple[int, ...]:
    """Where red, green and blue stand in the pixels of the first visual of a depth."""
    for _ in range(depths):
        depth, visuals = struct.unpack_from("<BxH", body, at)
        if depth == wanted and visuals:
            return struct.unpack_from("<III", body, at + _DEPTH + 8)
        at += _DEPTH + visuals * _VISUAL
    return ()


def make_context(screen: Screen) -> bytes:
    """Make what `picture_behind` copies by: with all windows in the picture."""
    values = struct.pack("<II", 1, 0)
    return _request(55, 0, struct.pack("<III", screen.first_id, screen.root, _SUBWINDOW_MODE | _GRAPHICS_EXPOSURES) + values)


def colour_behind(screen: Screen, colour: int) -> bytes:
    """Have a colour (0xRRGGBB) lie behind all windows."""
    return _request(2, 0, struct.pack("<III", screen.root, _BACKGROUND_PIXEL, colour)) + _clear(screen)


def picture_behind(screen: Screen) -> bytes:
    """Have a copy of what is on the screen now lie behind all windows; the server makes it, and nothing is sent to us."""
    picture = screen.first_id + 1
    return b"".join(
        [
            _request(53, screen.depth, struct.pack("<IIHH", picture, screen.root, screen.width, screen.height)),
            _request(
                62,
                0,
                struct.pack("<IIIhhhhHH", screen.root, picture, screen.first_id, 0, 0, 0, 0, screen.width, screen.height),
            ),
            _request(2, 0, struct.pack("<III", screen.root, _BACKGROUND_PIXMAP, picture)),
            _request(54, 0, struct.pack("<I", picture)),  # The server keeps what it needs of it.
        ]
    )


def find_cookie(authority: bytes, number: str) -> bytes:
    """The cookie for a display of this machine, from an authority file's bytes; empty when there is none."""
    at = 0
    try:
        while at + 2 <= len(authority):
            (family,) = struct.unpack_from(">H", authority, at)
            fields: list[bytes] = []
            at += 2
            for _ in range(4):  # address, display number, kind, cookie
                (length,) = struct.unpack_from(">H", authority, at)
                fields.append(authority[at + 2 : at + 2 + length])
                at += 2 + length
            if family in (_FAMILY_LOCAL, _FAMILY_ANY) and fields[1] in (b"", number.encode()) and fields[2] == COOKIE:
                return fields[3]
    except struct.error:
        pass
    return b""


def _clear(screen: Screen) -> bytes:
    return _request(61, 0, struct.pack("<IhhHH", screen.root, 0, 0, 0, 0))


def _request(code: int, detail: int, body: bytes) -> bytes:
    return struct.pack("<BBH", code, detail, 1 + len(body) // 4) + body


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
