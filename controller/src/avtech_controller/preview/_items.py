"""Which items differ between two programmes that have the same playlists, in words. Pure."""

from collections.abc import Iterator

from avtech_controller.preview._programme import Item, Programme

MAX_ITEMS = 6


def item_changes(before: Programme, after: Programme) -> str:
    """Such as `the weight of VID-ACME-COFFEE in offers changes from 3 to 9`; what is not told one by one is counted."""
    found = items_changed(before, after)
    more = [f"and {len(found) - MAX_ITEMS} more"] if len(found) > MAX_ITEMS else []
    return ", ".join((*found[:MAX_ITEMS], *more))


def items_changed(before: Programme, after: Programme) -> tuple[str, ...]:
    """The same, one by one and all of them."""
    return tuple(_changes(before, after)) or ("the order of its clips changes",)


def _changes(before: Programme, after: Programme) -> Iterator[str]:
    for left, right in zip(before.parts(), after.parts(), strict=False):
        if left.weight != right.weight:
            yield f"the rule's weight of {right.playlist} changes from {left.weight} to {right.weight}"
    olds, news = _items(before), _items(after)
    for key, new in news.items():
        old = olds.get(key)
        if old is None:
            yield f"{new.name} is new in {new.playlist}"
        elif old.weight != new.weight:
            yield f"the weight of {new.name} in {new.playlist} changes from {old.weight} to {new.weight}"
        elif old.sha256 != new.sha256:
            yield f"{new.name} in {new.playlist} has another file"
    yield from (f"{old.name} leaves {old.playlist}" for key, old in olds.items() if key not in news)


def _items(programme: Programme) -> dict[tuple[str, str], Item]:
    return {(item.playlist, item.name): item for part in programme.parts() for item in part.items}
