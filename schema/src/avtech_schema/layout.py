"""Where things lie in the object store, below its prefix (DESIGN section 4)."""

import re

from avtech_schema.identifiers import ClientId, ScreenId, Sha256

METADATA = "metadata/"
TARGETS = "targets/"
RELEASES = "releases/"
PROVENANCE = "provenance/"
MARK_KEY = "gc/mark.json"
"""What `avtech gc` would remove next."""
TIMESTAMP_KEY = "metadata/timestamp.json"
_CHAIN = re.compile(r"[0-9a-f]{16}")


def metadata_key(role: str, version: int) -> str:
    """A versioned TUF metadata file, for example `metadata/3.snapshot.json`."""
    return f"{METADATA}{version}.{role}.json"


def target_path(client: ClientId, screen: ScreenId) -> str:
    """The name under which TUF knows a screen's manifest, for example `CLI-ACME/SCR-ACME-0001.json`."""
    return f"{client}/{screen}.json"


def manifest_key(client: ClientId, screen: ScreenId, digest: Sha256) -> str:
    """A manifest; TUF's consistent snapshots put the digest before the file's name."""
    return f"{TARGETS}{client}/{digest}.{screen}.json"


def content_key(client: ClientId, digest: Sha256) -> str:
    """A clip, content-addressed, per client."""
    return f"content/{client}/{digest}"


def thumbnail_key(client: ClientId, digest: Sha256) -> str:
    """A clip's picture; the digest is the picture's own."""
    return f"thumbnails/{client}/{digest}.jpg"


def release_key(sequence: int, digest: Sha256) -> str:
    """A signed release record; the digest is that of the object's bytes."""
    return f"{RELEASES}{sequence:08d}-{digest}.json"


def provenance_key(sequence: int, digest: Sha256) -> str:
    """The signed statement of how a release was made; the digest is that of the release record's object."""
    return f"{PROVENANCE}{sequence:08d}-{digest}.json"


def report_prefix(client: ClientId, screen: ScreenId) -> str:
    """Where a player may write its report; ends in `/`, so that SCR-1 cannot write for SCR-12."""
    return f"reports/{client}/{screen}/"


def report_key(client: ClientId, screen: ScreenId) -> str:
    """The player's latest signed report."""
    return f"{report_prefix(client, screen)}latest.json"


def plays_prefix(client: ClientId, screen: ScreenId) -> str:
    """Where a player may write its proof of play; ends in `/`."""
    return f"plays/{client}/{screen}/"


def plays_key(client: ClientId, screen: ScreenId, *, date: str, chain: str, number: int) -> str:
    """A segment of proof of play: of one day (UTC), the `number`-th of its chain."""
    return f"{plays_prefix(client, screen)}date={date}/{chain}-{number:08d}.jsonl.zst"


def chain_id(text: str) -> str:
    """Check the name of a chain of segments: 16 lower-case hexadecimal digits, chosen at random by the player.

    Raises:
        ValueError: it is something else.
    """
    if not _CHAIN.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not the name of a chain of segments")
    return text
