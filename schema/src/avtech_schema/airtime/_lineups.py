"""Which clips of each playlist may play at an instant: validity, rights, nesting, and clips that cannot be played."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from avtech_schema.airtime._effort import Effort
from avtech_schema.airtime._segment import Lineup, Turn
from avtech_schema.canonical import canonical_bytes, sha256_hex
from avtech_schema.identifiers import Slug, VideoId
from avtech_schema.manifest import Item, Manifest
from avtech_schema.zones import bound_instant

FOREVER = 2**62
"""An instant after all others."""
_PLAYLIST_STEPS = 10


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An item with the interval of instants in which it may play."""

    item: Item
    start: int
    end: int


@dataclass(slots=True)
class _Tree:
    """A playlist with those it nests (children first), the instants at which any of it changes, and its last answer."""

    order: tuple[Slug, ...]
    edges: tuple[int, ...]
    size: int
    epoch: int = -1
    lineup: Lineup | None = None


class Lineups:
    """The lineups of a manifest's playlists, resolved when asked for and kept until they change."""

    def __init__(self, manifest: Manifest, zone: ZoneInfo, unplayable: Collection[VideoId], effort: Effort) -> None:
        self._effort = effort
        self._candidates = {
            name: tuple(_candidates(items, manifest, zone, frozenset(unplayable))) for name, items in manifest.playlists.items()
        }
        tops = {rule.playlist for rule in manifest.rules} | ({manifest.fallback} if manifest.fallback else set())
        self._trees = {top: self._tree(top) for top in sorted(tops)}

    def edges(self, playlist: Slug) -> tuple[int, ...]:
        """The instants at which the lineup of a playlist that a rule or the fallback names may change, rising."""
        return self._trees[playlist].edges

    def at(self, playlist: Slug, instant: int) -> Lineup | None:
        """What of such a playlist may play at an instant; None if nothing."""
        tree = self._trees[playlist]
        epoch = bisect_right(tree.edges, instant)
        if epoch != tree.epoch:
            self._effort.take(tree.size)
            resolved: dict[Slug, Lineup | None] = {}
            for name in tree.order:
                resolved[name] = _lineup(name, self._candidates[name], resolved, instant)
            tree.epoch, tree.lineup = epoch, resolved.get(playlist)
        return tree.lineup

    def _tree(self, top: Slug) -> _Tree:
        order: list[Slug] = []
        size = 0
        for name in _children_first(top, self._candidates):
            order.append(name)
            size += _PLAYLIST_STEPS + len(self._candidates[name])
            self._effort.require(_PLAYLIST_STEPS + len(self._candidates[name]))
        edges = {edge for name in order for candidate in self._candidates[name] for edge in (candidate.start, candidate.end)}
        return _Tree(tuple(order), tuple(sorted(edges - {-FOREVER, FOREVER})), size)


def _candidates(
    items: tuple[Item, ...], manifest: Manifest, zone: ZoneInfo, unplayable: frozenset[VideoId]
) -> Iterator[_Candidate]:
    for item in items:
        bounds = [(item.valid_from, item.valid_until)]
        if item.clip:
            if item.clip in unplayable or (asset := manifest.assets.get(item.clip)) is None:
                continue
            bounds.append((asset.rights_from, asset.rights_until))
        start = max(bound_instant(zone, first, end=False) if first else -FOREVER for first, _ in bounds)
        end = min(bound_instant(zone, last, end=True) if last else FOREVER for _, last in bounds)
        if start < end:
            yield _Candidate(item, start, end)


def _children_first(top: Slug, candidates: Mapping[Slug, tuple[_Candidate, ...]]) -> Iterator[Slug]:
    """The playlists below `top`, and it last, without recursion. A playlist that is missing is left out.

    Raises:
        ValueError: a playlist contains itself.
    """
    open_: set[Slug] = set()
    done: set[Slug] = set()
    stack = [(top, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            open_.remove(name)
            done.add(name)
            yield name
        elif name in open_:
            raise ValueError(f"the playlist {name} contains itself")
        elif name not in done and name in candidates:
            open_.add(name)
            stack.append((name, True))
            stack.extend((candidate.item.playlist, False) for candidate in candidates[name] if candidate.item.playlist)


def _lineup(
    name: Slug, candidates: tuple[_Candidate, ...], resolved: Mapping[Slug, Lineup | None], instant: int
) -> Lineup | None:
    turns: list[Turn] = []
    for candidate in candidates:
        item = candidate.item
        if not candidate.start <= instant < candidate.end:
            continue
        if item.clip:
            turns.append(Turn(item.weight, clip=item.clip))
        elif item.playlist and (nested := resolved.get(item.playlist)):
            turns.append(Turn(item.weight, lineup=nested))
    if not turns:
        return None
    identity = [name, [[turn.weight, turn.clip or (turn.lineup and turn.lineup.key)] for turn in turns]]
    return Lineup(sha256_hex(canonical_bytes(identity))[:32], name, tuple(turns))
