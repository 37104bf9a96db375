"""What is released: the verified head of the chain, as values that a plan compares with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from avtech_controller.roster import Part, Roster, split_digests
from avtech_controller.trust import ReleasedMetadata, Target
from avtech_schema.errors import TrustError
from avtech_schema.identifiers import ByteSize, ClientId, CommitId, ScreenId, Sha256, client_id, commit_id, screen_id, sha256
from avtech_schema.layout import target_path

_client = lru_cache(maxsize=4096)(client_id)
_commit = lru_cache(maxsize=4096)(commit_id)


@dataclass(frozen=True, slots=True)
class ReleasedScreen:
    """One screen's released manifest: its digest and size, the commit it came from, the release that last changed it."""

    screen: ScreenId
    client: ClientId
    digest: Sha256
    size: ByteSize
    commit: CommitId
    release: int

    def target(self) -> Target:
        """As the screen's bin holds it."""
        custom = {"screen": self.screen, "commit": self.commit, "release": self.release}
        return {"custom": custom, "hashes": {"sha256": self.digest}, "length": self.size}


@dataclass(frozen=True, slots=True)
class Released:
    """The released head: its record's sequence, commit and digest, and every screen's manifest."""

    sequence: int
    commit: CommitId
    digest: Sha256
    screens: Mapping[ScreenId, ReleasedScreen]


def released_from(metadata: ReleasedMetadata) -> Released:
    """Read what verified metadata releases; what is remembered of it is not looked at before it is asked for.

    Raises:
        TrustError: a target is not spelt as ours are, or stands in another screen's place.
    """
    spelt, pointer = metadata.remembered_screens, metadata.pointer
    screens = None if spelt is None else read_roster(spelt)
    if screens is None:
        screens = _from_bins(metadata)
    return Released(pointer.sequence, pointer.commit, pointer.digest, screens)


def _from_bins(metadata: ReleasedMetadata) -> Roster[ReleasedScreen]:
    screens: dict[ScreenId, ReleasedScreen] = {}
    for bin_name, found in metadata.bins.items():
        for path, target in found.targets.items():
            screen = _screen(path, target)
            if screen.screen in screens:
                raise TrustError(f"{bin_name} releases {screen.screen} a second time")
            screens[screen.screen] = screen
    return Roster.of(screens)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The screens of one client as `spell_roster` spells them."""

    client: ClientId
    names: str
    digests: str
    spelt: bytes
    """Sizes, the different commits and which of them is whose, and releases."""

    def __call__(self) -> list[ReleasedScreen]:
        """The screens themselves."""
        sizes, commits, chosen, releases = orjson.loads(self.spelt)
        names = self.names.split(" ")
        rows = zip(names, split_digests(self.digests), sizes, chosen, releases, strict=True)
        return [
            ReleasedScreen(ScreenId(name), self.client, digest, size, commits[number], release)
            for name, digest, size, number, release in rows
        ]


def spell_roster(screens: Roster[ReleasedScreen]) -> bytes:
    """All screens, so that `read_roster` has them at once; parts that it gave are not spelt anew."""
    columns = [_columns(client, part) for client, part in screens.parts.items()]
    head = orjson.dumps([(one.client, one.names, one.digests, len(one.spelt)) for one in columns])
    return b"".join([head, b"\n", *(one.spelt for one in columns)])


def read_roster(spelt: bytes) -> Roster[ReleasedScreen] | None:
    """What `spell_roster` spelt, surely unaltered; None if that was done otherwise by another version."""
    head, _, body = spelt.partition(b"\n")
    parts: dict[ClientId, Part[ReleasedScreen]] = {}
    start = 0
    try:
        for client, names, digests, size in orjson.loads(head):
            columns = _Columns(ClientId(client), names, digests, body[start : start + size])
            parts[columns.client] = Part(names, digests, columns)
            start += size
    except (ValueError, TypeError):
        return None
    return Roster(parts) if start == len(body) else None


def _columns(client: ClientId, part: Part[ReleasedScreen]) -> _Columns:
    if isinstance(part.rows, _Columns):
        return part.rows
    rows = part.rows()
    commits = list(dict.fromkeys(row.commit for row in rows))
    numbers = {commit: number for number, commit in enumerate(commits)}
    spelt = [[row.size for row in rows], commits, [numbers[row.commit] for row in rows], [row.release for row in rows]]
    return _Columns(client, part.names, part.digests, orjson.dumps(spelt))


def _screen(path: str, target: Target) -> ReleasedScreen:
    custom = target.get("custom")
    try:
        client, _, file = path.partition("/")
        screen = screen_id(file.removesuffix(".json"))
        if not isinstance(custom, dict) or custom["screen"] != screen or type(custom["release"]) is not int:
            raise ValueError("its custom fields do not name the screen and the release")
        found = ReleasedScreen(
            screen=screen,
            client=_client(client),
            digest=sha256(target["hashes"]["sha256"]),
            size=ByteSize(target["length"]),
            commit=_commit(custom["commit"]),
            release=custom["release"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise TrustError(f"the released target {path[:160]!r} is not a screen's manifest ({error})") from error
    if target_path(found.client, found.screen) != path:
        raise TrustError(f"the released target {path[:160]!r} is not a screen's manifest")
    return found
