"""What compiling a repository gave: digests of all screens at once, and the bytes of a manifest when they are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import orjson

from avtech_controller.compiler import CompiledScreen
from avtech_controller.findings import Finding
from avtech_controller.incremental._ledger import PartRecord, labels_of
from avtech_controller.incremental._opened import Opened
from avtech_controller.incremental._pack import Pack
from avtech_controller.moves import moves
from avtech_controller.roster import ManifestRef, Part, Roster, split_digests
from avtech_schema.canonical import sha256_hex
from avtech_schema.errors import EnvironmentFailedError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, Sha256, VideoId
from avtech_schema.resources import Client, Fleet

_OPEN_MANIFESTS = 40_000
"""So many manifests of opened packs are held at once, as their recipes; a pack that is needed again is opened again."""


class Packs:
    """Opens the packs of parts when a manifest of theirs is asked for, from any thread."""

    def __init__(self, opened: Mapping[str, Pack], open_pack: Callable[[str], Pack]) -> None:
        self._opened = Opened(opened, most=_OPEN_MANIFESTS)
        self._open = open_pack

    def data(self, part: str, number: int, digest: Sha256) -> bytes:
        """The bytes of one manifest.

        Raises:
            EnvironmentFailedError: they are not what they were said to be.
        """
        data = self._pack(part).data(number)
        if sha256_hex(data) != digest:
            raise EnvironmentFailedError(
                f"the cache contradicts itself about a manifest of {part}", hint="run the command again with --no-cache"
            )
        return data

    def assets(self, part: str, number: int) -> list[bytes]:
        """The spellings of the clips of one manifest."""
        return self._pack(part).assets(number)

    def _pack(self, part: str) -> Pack:
        return self._opened.get(part, self._open)


def no_earlier(screen: ManifestRef) -> None:
    """Nothing is known of what was compiled before."""


@dataclass(frozen=True)
class Compilation:
    """A repository without errors, compiled; `commit` is None when it was read from the work tree."""

    commit: CommitId | None
    fleet: Fleet
    records: Sequence[PartRecord]
    packs: Packs
    findings: tuple[Finding, ...]
    """The warnings that depend on the files alone."""
    compiled: int
    """How many screens were compiled now; the others were known."""
    ignored: int = 0
    """How many entries of the cache were damaged or foreign."""
    earlier: Callable[[ManifestRef], bytes | None] = no_earlier
    """The bytes of a manifest of another commit, if the cache knows them."""

    @cached_property
    def screens(self) -> Mapping[ScreenId, CompiledScreen]:
        """Every screen, in order of their names; of a client that nobody looks at, none is made."""
        parts = {
            ClientId(record.part): Part(record.screens, record.digests, partial(self._rows, record)) for record in self.records
        }
        return Roster(parts)

    @cached_property
    def clients(self) -> Mapping[ClientId, Client]:
        """The clients."""
        values = [value for record in self.records for value in orjson.loads(record.clients)]
        return {ClientId(client.metadata.name): client for client in map(Client.model_validate, values)}

    @cached_property
    def labels(self) -> Mapping[ScreenId, Mapping[str, str]]:
        """The labels of every screen."""
        found: dict[ScreenId, Mapping[str, str]] = {}
        for record in self.records:
            found.update(zip(map(ScreenId, record.screens.split()), labels_of(record.labels), strict=True))
        return found

    @cached_property
    def titles(self) -> Mapping[VideoId, str]:
        """What people call each clip."""
        return {VideoId(name): title for record in self.records for name, title in orjson.loads(record.titles).items()}

    @property
    def moved(self) -> Mapping[ScreenId, ScreenId]:
        """New names of screens by their old ones."""
        return moves(self.fleet, self.screens.keys())

    def by_part(self) -> Iterator[CompiledScreen]:
        """Every screen part by part: the order in which the bytes of all of them are quickest to have."""
        return (self.screens[ScreenId(name)] for record in self.records for name in record.screens.split())

    def _rows(self, record: PartRecord) -> list[CompiledScreen]:
        return list(self._of(record))

    def _of(self, record: PartRecord) -> Iterator[CompiledScreen]:
        client, part = ClientId(record.part), record.part
        rows = zip(record.screens.split(), split_digests(record.digests), record.sizes, strict=True)
        for number, (name, digest, size) in enumerate(rows):
            data, assets = partial(self.packs.data, part, number, digest), partial(self.packs.assets, part, number)
            yield CompiledScreen(ScreenId(name), client, digest, data, size=size, assets=assets)
