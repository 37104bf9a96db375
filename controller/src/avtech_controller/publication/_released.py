"""What is released: the verified head of the chain, as values that a plan compares with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

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
    """Read what verified metadata releases.

    Raises:
        TrustError: a target is not spelt as ours are, or stands in another screen's place.
    """
    screens: dict[ScreenId, ReleasedScreen] = {}
    for bin_name, found in metadata.bins.items():
        for path, target in found.targets.items():
            screen = _screen(path, target)
            if screen.screen in screens:
                raise TrustError(f"{bin_name} releases {screen.screen} a second time")
            screens[screen.screen] = screen
    pointer = metadata.pointer
    return Released(pointer.sequence, pointer.commit, pointer.digest, dict(sorted(screens.items())))


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
