"""Renamed screens: which entries of the Fleet's `moved` hold, and which changes look like a rename that nobody declared."""

from collections.abc import Collection, Hashable, Mapping

from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Fleet, Screen


def moves(fleet: Fleet, screens: Collection[ScreenId]) -> Mapping[ScreenId, ScreenId]:
    """The renames that hold: old names that no screen has, and the new names that screens have.

    A chain of renames leads from each of its names to the last. Where two entries contradict each other, neither holds.
    """
    steps: dict[str, str] = {}
    twice: set[str] = set()
    for entry in fleet.spec.moved:
        if entry.from_ in steps and steps[entry.from_] != entry.to:
            twice.add(entry.from_)
        steps[entry.from_] = entry.to
    found: dict[ScreenId, ScreenId] = {}
    for old in steps:
        name, seen = old, {old}
        while name in steps and name not in twice and name not in screens:
            name = steps[name]
            if name in seen:
                break
            seen.add(name)
        if name != old and name in screens:
            found[ScreenId(old)] = ScreenId(name)
    return _undisputed(found, steps)


def likely_renames(
    before: Mapping[ScreenId, Screen], after: Mapping[ScreenId, Screen], known: Collection[ScreenId]
) -> list[tuple[ScreenId, ScreenId]]:
    """Screens that went and others that came with the same device, or with the same words throughout, as (old, new).

    `known` are the old names whose rename is declared. Where several could be meant, none is.
    """
    gone = {name: screen for name, screen in before.items() if name not in after and name not in known}
    come = {name: screen for name, screen in after.items() if name not in before}
    pairs = _pairs(gone, come, by_device=True)
    matched = {name for pair in pairs for name in pair}
    rest = _pairs(
        {name: screen for name, screen in gone.items() if name not in matched},
        {name: screen for name, screen in come.items() if name not in matched},
        by_device=False,
    )
    return sorted(pairs + rest)


def _undisputed(found: Mapping[ScreenId, ScreenId], steps: Mapping[str, str]) -> dict[ScreenId, ScreenId]:
    """Without new names that two old ones claim, unless one of these became the other first."""
    heads = [new for old, new in found.items() if old not in steps.values()]
    disputed = {new for new in heads if heads.count(new) > 1} if len(set(heads)) < len(heads) else set()
    return {old: new for old, new in sorted(found.items()) if new not in disputed}


def _pairs(
    gone: Mapping[ScreenId, Screen], come: Mapping[ScreenId, Screen], *, by_device: bool
) -> list[tuple[ScreenId, ScreenId]]:
    old, new = _by_look(gone, by_device=by_device), _by_look(come, by_device=by_device)
    return [(names[0], new[look][0]) for look, names in old.items() if len(names) == 1 and len(new.get(look, ())) == 1]


def _by_look(screens: Mapping[ScreenId, Screen], *, by_device: bool) -> dict[Hashable, list[ScreenId]]:
    found: dict[Hashable, list[ScreenId]] = {}
    for name, screen in screens.items():
        if not by_device:
            look: Hashable = (screen.spec.model_dump_json(), tuple(sorted(screen.metadata.labels.items())))
        elif screen.spec.device:
            look = screen.spec.device.public_key
        else:
            continue
        found.setdefault(look, []).append(name)
    return found
