"""Brings a verified release from the store to the disk: its manifest, checked to be this screen's, then its clips."""

import threading
from collections.abc import Collection
from dataclasses import dataclass

from avtech_player.generations import Library
from avtech_player.store import Store, Stored, StoreError
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import ManifestRejectedError, TrustError
from avtech_schema.identifiers import ClientId, ScreenId, Sha256
from avtech_schema.layout import manifest_key
from avtech_schema.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from avtech_schema.report import ReleaseRef


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches for one screen. Blocking; not for two threads at once."""

    client: ClientId
    screen: ScreenId
    store: Store
    library: Library
    stop: threading.Event

    def fetch(
        self, ref: ReleaseRef, *, keep: Collection[Sha256], spare: Collection[Sha256] = (), length: int | None = None
    ) -> None:
        """Have a release complete, verified and flushed on the disk.

        `length` is the signed size of its manifest, where known: one too large is refused before it is asked for.
        `keep` are the releases whose clips must stay, `spare` those whose clips go when there is no other way.

        Raises:
            ManifestRejectedError: the manifest is malformed or another screen's; fetching it again would not help.
            StoreError, TrustError, NoSpaceError, StoppedError, DiskError: it may help.
        """
        manifest = self.library.manifest(ref.digest)
        if manifest is None:
            if length is not None and length > MAX_MANIFEST_BYTES:
                raise ManifestRejectedError(f"it is signed as {length} bytes long, and {MAX_MANIFEST_BYTES} are read at most")
            data = self._manifest_bytes(ref.digest)
            manifest = parse_manifest(data)
            self._check_identity(manifest)
            self.library.hold(ref, data)
        else:
            self._check_identity(manifest)
        self.library.fetch(manifest, self.store, keep=keep, spare=spare, stop=self.stop)
        self.library.generation(ref)

    def _manifest_bytes(self, digest: Sha256) -> bytes:
        key = manifest_key(self.client, self.screen, digest)
        found = self.store.read(key, limit=MAX_MANIFEST_BYTES)
        if not isinstance(found, Stored):
            raise StoreError(f"{self.store.url}: {key} is not there")
        if sha256_hex(found.data) != digest:
            raise TrustError(f"{self.store.url}: {key} is not the manifest that was released")
        return found.data

    def _check_identity(self, manifest: Manifest) -> None:
        if manifest.screen != self.screen or manifest.client != self.client:
            raise ManifestRejectedError(f"the manifest is for {manifest.screen} of {manifest.client}, not for this screen")
