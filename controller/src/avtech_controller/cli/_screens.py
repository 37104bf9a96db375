"""Screens that people name on the command line."""

from collections.abc import Collection

from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ScreenId


def known_screen(screens: Collection[ScreenId], text: str) -> ScreenId:
    """The screen of that name.

    Raises:
        ConfigurationError: there is none; the hint names the nearest.
    """
    from difflib import get_close_matches

    name = ScreenId(text)
    if name in screens:
        return name
    near = get_close_matches(text.upper(), screens, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else "the screens are the resources of the kind Screen below fleet/"
    raise ConfigurationError(f"there is no screen {text[:80]!r}", hint=hint)
