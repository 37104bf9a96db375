"""What may go: old objects of a known kind that nothing needs. Whatever is spelt otherwise stays. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from avtech_controller.retention._needs import Needs, manifests_in
from avtech_controller.stores import Listed

PREFIXES = ("content/", "metadata/", "targets/", "thumbnails/")
"""Where things may go. Release records, provenance, reports and proof of play are never looked at."""

_CONTENT = re.compile(r"content/CLI-[A-Z0-9-]+/[0-9a-f]{64}")
_THUMBNAIL = re.compile(r"thumbnails/CLI-[A-Z0-9-]+/[0-9a-f]{64}\.jpg")
_METADATA = re.compile(r"metadata/([1-9][0-9]{0,15})\.(snapshot|bins-[0-9a-f]+)\.json")
"""Root and targets metadata verify the records, and stay; so does the timestamp."""


def candidates(listed: Iterable[Listed], needs: Needs, *, cutoff: datetime) -> Iterator[Listed]:
    """The objects that were written before `cutoff` and are not needed, in the listing's order."""
    for entry in listed:
        if entry.modified < cutoff and entry.key not in needs.keys and _removable(entry.key, needs):
            yield entry


def _removable(key: str, needs: Needs) -> bool:
    if found := _METADATA.fullmatch(key):
        released = needs.versions.get(found[2])
        return released is None or int(found[1]) < released
    return bool(_CONTENT.fullmatch(key) or _THUMBNAIL.fullmatch(key) or manifests_in([key]))
