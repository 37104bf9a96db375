"""Text that a terminal may be given: what comes from files must not move its cursor or change its colours."""

import unicodedata

_KEPT = ("L", "N", "P", "S", "Zs")
"""Letters, digits, punctuation, symbols and spaces; combining marks are kept by `_MARKS`."""
_MARKS = ("Mn", "Mc")


def clean(text: str) -> str:
    """The text with control, direction and private characters replaced by one that shows where they were."""
    text = text.replace("\t", " ")
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_shown(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def clean_lines(text: str) -> str:
    """The text of several lines, each cleaned."""
    return "\n".join(clean(line.removesuffix("\r")) for line in text.split("\n"))


def _is_shown(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category.startswith(_KEPT) or category in _MARKS
