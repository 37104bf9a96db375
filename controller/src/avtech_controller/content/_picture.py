"""Writes the picture of a clip into an entry that has none, and leaves everything else as people wrote it."""

import re
from pathlib import Path

import yaml

from avtech_controller.durable import replace_file
from avtech_schema.resources import Video

MAX_ENTRY_BYTES = 1_000_000
_PLACE = re.compile(r"^( +)originalName:.*\n?", re.MULTILINE)


def note_picture(entry: Path, wanted: Video) -> bool:
    """Add the `thumbnail` of `wanted` to its entry; False where the file then would not say just that, and is left alone.

    Raises:
        OSError: the file cannot be read or written.
    """
    picture = wanted.spec.thumbnail
    if picture is None or entry.is_symlink() or not entry.is_file() or entry.stat().st_size > MAX_ENTRY_BYTES:
        return False
    text = entry.read_bytes().decode("utf-8", "surrogateescape")
    places = list(_PLACE.finditer(text))
    if len(places) != 1:
        return False
    indent, line = places[0][1], places[0][0]
    facts = (f'sha256: "{picture.sha256}"', f"sizeBytes: {picture.size_bytes}")
    added = "\n".join((line.rstrip(), f"{indent}thumbnail:", *(f"{indent}  {fact}" for fact in facts), ""))
    changed = text[: places[0].start()] + added + text[places[0].end() :]
    try:
        if Video.model_validate(yaml.safe_load(changed)) != wanted:
            return False
    except (ValueError, RecursionError, yaml.YAMLError):
        return False
    replace_file(entry, changed.encode())
    return True
