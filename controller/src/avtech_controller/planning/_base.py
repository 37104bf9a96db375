"""What plans and previews compare with: what is released, or what another commit would release."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from avtech_controller.compiler import CompiledScreen
from avtech_controller.planning._identity import calm_of, content_of
from avtech_controller.roster import ManifestRef, differing
from avtech_schema.identifiers import CommitId, ScreenId, Sha256
from avtech_schema.manifest import Manifest


@dataclass(frozen=True, slots=True)
class OldManifest:
    """A manifest that is compared with, its `content_of` and its `calm_of`."""

    manifest: Manifest
    content: str
    calm: str

    @classmethod
    def of(cls, data: bytes, manifest: Manifest) -> "OldManifest":
        """The manifest that some bytes are."""
        return cls(manifest, content_of(data, manifest.screen), calm_of(data))

    def named(self, screen: ScreenId) -> "OldManifest":
        """The same of another screen."""
        return replace(self, manifest=replace(self.manifest, screen=screen))


@dataclass(frozen=True, slots=True)
class Standing:
    """Every screen's manifest by its digest, and those of `replaced_screens` themselves, as far as they can be read."""

    screens: Mapping[ScreenId, ManifestRef]
    manifests: Mapping[Sha256, OldManifest]


class Base(Protocol):
    """A commit with the manifest of every screen; if it is a release, with its sequence and its record's digest."""

    @property
    def sequence(self) -> int | None:
        """The release's number; None when it is a commit that is compared with."""
        ...

    @property
    def commit(self) -> CommitId:
        """The commit."""
        ...

    @property
    def digest(self) -> Sha256 | None:
        """The digest of the release's record."""
        ...

    @property
    def screens(self) -> Mapping[ScreenId, ManifestRef]:
        """Every screen's manifest."""
        ...


@dataclass(frozen=True, slots=True)
class CommitBase:
    """A commit that a plan compares with, whatever is released."""

    commit: CommitId
    screens: Mapping[ScreenId, CompiledScreen]
    sequence: None = None
    digest: None = None

    def manifests(self, wanted: Mapping[ScreenId, CompiledScreen]) -> dict[Sha256, OldManifest]:
        """Its manifests that `wanted` would replace or remove, by digest."""
        known: dict[str, OldManifest] = {}
        found: dict[Sha256, OldManifest] = {}
        for old in replaced_screens(self, wanted):
            screen = self.screens[old.screen]
            data = screen.data
            content = content_of(data, screen.screen)
            if content not in known:
                known[content] = OldManifest.of(data, screen.manifest)
            found[screen.digest] = known[content].named(screen.screen)
        return found


def replaced_screens(base: Base | None, wanted: Mapping[ScreenId, CompiledScreen]) -> list[ManifestRef]:
    """The base's manifests that would be replaced or removed, in order of screens' names: what a plan has to read."""
    olds, news = differing(base.screens if base else {}, wanted)
    return [old for name, old in sorted(olds.items()) if (new := news.get(name)) is None or not same_manifest(old, new)]


def same_manifest(old: ManifestRef, new: ManifestRef) -> bool:
    """Whether a screen keeps its manifest in its place."""
    return old.digest == new.digest and old.client == new.client
