"""A pack: the manifests of one part, as the recipes and spellings they are put together from."""

from dataclasses import dataclass
from typing import Any

import orjson
from backports import zstd

from avtech_controller.recipes import Body, Recipe, Spellings
from avtech_schema.identifiers import Sha256

MAX_PACK_BYTES = 1 << 30
"""A pack whose content claims to be larger is not read."""
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Pack:
    """The recipes of a part in order of screens' names; and for each its key, its manifest's digest and its size."""

    spellings: Spellings
    recipes: list[Recipe]
    keys: list[str]
    digests: list[Sha256]
    sizes: list[int]

    def data(self, number: int) -> bytes:
        """The bytes of a manifest."""
        return self.spellings.data(self.recipes[number])

    def assets(self, number: int) -> list[bytes]:
        """The spellings of the clips of a manifest."""
        return self.spellings.assets(self.recipes[number])

    def written(self) -> bytes:
        """As bytes; equal packs are equal bytes."""
        pieces = [piece.decode() for piece in self.spellings.pieces]
        bodies = [list(body) for body in self.spellings.bodies]
        recipes = [[*one[:5], one.end.decode()] for one in self.recipes]
        return zstd.compress(orjson.dumps([pieces, bodies, recipes, self.keys, self.digests, self.sizes]), _LEVEL)

    @classmethod
    def parse(cls, data: bytes) -> "Pack":
        """Read a pack whose seal held.

        Raises:
            ValueError: it is none.
        """
        try:
            pieces, bodies, recipes, keys, digests, sizes = orjson.loads(unpacked(data))
            spellings = Spellings([piece.encode() for piece in pieces], [Body(*body) for body in bodies])
            return cls(spellings, [_recipe(one) for one in recipes], keys, digests, sizes)
        except (TypeError, AttributeError) as error:
            raise ValueError("not a pack") from error


def unpacked(data: bytes) -> bytes:
    """Decompress, within bounds.

    Raises:
        ValueError: it is not compressed data, or holds too much.
    """
    try:
        size = zstd.get_frame_info(data).decompressed_size
        if not 0 < (size or 0) <= MAX_PACK_BYTES:
            raise ValueError("too large")
        return zstd.decompress(data)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def packed(data: bytes) -> bytes:
    """Compress."""
    return zstd.compress(data, _LEVEL)


def _recipe(value: list[Any]) -> Recipe:
    screen, client, body, schedules, middle, end = value
    return Recipe(screen, client, body, schedules, middle, end.encode())
