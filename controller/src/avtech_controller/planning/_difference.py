"""What differs between two manifests of a screen, in words an editor knows."""

from collections.abc import Iterator, Mapping
from dataclasses import fields

from avtech_schema.identifiers import ByteSize, Slug, VideoId
from avtech_schema.manifest import Asset, Item, Manifest, Rule

_SHOWN_ITEMS = 6
_SHOWN_MOVES = 12
_SHOWN_DATES = 6
_WITH_SECONDS = len("2026-11-24T00:00:00")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SHOWN = {
    "from_s": "from",
    "until_s": "until",
    "excluded": "except",
    "max_plays_per_hour": "maxPlaysPerHour",
    "valid_from": "validFrom",
    "valid_until": "validUntil",
}


def describe(old: Manifest | None, new: Manifest | None) -> tuple[str, ...]:
    """Lines such as `+ rule lobby/3 plays autumn-promo`: added, removed, changed."""
    if new is None:
        return ()
    if old is None:
        counts = ((len(new.rules), "rule"), (len(new.playlists), "playlist"), (len(new.assets), "clip"))
        return (", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts),)
    return (
        *_settings(old, new),
        *_rules(old.rules, new.rules),
        *_playlists(old.playlists, new.playlists),
        *_clips(old.assets, new.assets),
    )


def download_size(old: Manifest | None, new: Manifest | None) -> ByteSize:
    """The bytes of clips that a player with the old manifest lacks for the new one."""
    if new is None:
        return ByteSize(0)
    held = {asset.sha256 for asset in old.assets.values()} if old else set()
    wanted = {asset.sha256: asset.size for asset in new.assets.values()}
    return ByteSize(sum(size for digest, size in wanted.items() if digest not in held))


def _settings(old: Manifest, new: Manifest) -> Iterator[str]:
    for name, before, after in (
        ("client", old.client, new.client),
        ("time zone", old.time_zone, new.time_zone),
        ("fallback", old.fallback or "none", new.fallback or "none"),
    ):
        if before != after:
            yield f"~ {name} {before} -> {after}"
    if old.display != new.display:
        yield "~ display"


def _rules(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> Iterator[str]:
    before, after = ({rule.id: rule for rule in rules} for rules in (old, new))
    for name in sorted(after.keys() - before.keys()):
        yield f"+ {_kind(after[name])} {name} plays {after[name].playlist}"
    for name in sorted(before.keys() - after.keys()):
        yield f"- {_kind(before[name])} {name} played {before[name].playlist}"
    for name in sorted(after.keys() & before.keys()):
        if changed := _changed_fields(before[name], after[name]):
            yield f"~ {_kind(after[name])} {name}: {', '.join(changed)}"


def _kind(rule: Rule) -> str:
    return "emergency" if rule.emergency else "rule"


def _changed_fields(old: Rule, new: Rule) -> list[str]:
    changed: list[str] = []
    for field in fields(Rule):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after:
            name = _SHOWN.get(field.name) or field.name.replace("_", " ")
            changed.append(f"{name} {_said(field.name, before)} -> {_said(field.name, after)}")
    return changed


def _said(field: str, value: object) -> str:
    """A value of a rule as an editor would write it."""
    match value:
        case int() if field in {"from_s", "until_s"}:
            return _clock(value)
        case tuple() if field == "days":
            return "every day" if len(value) == len(_DAYS) else " ".join(_DAYS[day] for day in value)
        case tuple():
            more = f" and {len(value) - _SHOWN_DATES} more" if len(value) > _SHOWN_DATES else ""
            return " ".join(map(str, value[:_SHOWN_DATES])) + more or "none"
        case str():
            return (
                value.removesuffix(":00") if field in {"valid_from", "valid_until"} and len(value) == _WITH_SECONDS else value
            )
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _clock(seconds: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _playlists(old: Mapping[Slug, tuple[Item, ...]], new: Mapping[Slug, tuple[Item, ...]]) -> Iterator[str]:
    for name in sorted(new.keys() - old.keys()):
        yield f"+ playlist {name}"
    for name in sorted(old.keys() - new.keys()):
        yield f"- playlist {name}"
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield f"~ playlist {name}: {' '.join(_moves(old[name], new[name])) or _alterations(old[name], new[name])}"


def _moves(old: tuple[Item, ...], new: tuple[Item, ...]) -> list[str]:
    before, after = ({_played(item) for item in items} for items in (old, new))
    moves = [*(f"+{item}" for item in sorted(after - before)), *(f"-{item}" for item in sorted(before - after))]
    return moves if len(moves) <= _SHOWN_MOVES else [*moves[:_SHOWN_MOVES], f"and {len(moves) - _SHOWN_MOVES} more"]


def _alterations(old: tuple[Item, ...], new: tuple[Item, ...]) -> str:
    """What changes in a playlist whose items play the same."""
    if sorted(map(repr, old)) == sorted(map(repr, new)):
        return "another order"
    before, after = ({_played(item): item for item in items} for items in (old, new))
    if len(before) < len(old) or len(after) < len(new):
        return "order, weights or validity"
    weights = [
        f"{name} weight {item.weight} -> {after[name].weight}"
        for name, item in before.items()
        if item.weight != after[name].weight
    ]
    dated = [name for name, item in before.items() if _validity(item) != _validity(after[name])]
    told = [*weights, *(f"{name} validity" for name in dated)]
    more = [f"{len(told) - _SHOWN_ITEMS} more"] if len(told) > _SHOWN_ITEMS else []
    return ", ".join(told[:_SHOWN_ITEMS] + more)


def _played(item: Item) -> str:
    return item.clip or item.playlist or ""


def _validity(item: Item) -> tuple[str | None, str | None]:
    return item.valid_from, item.valid_until


def _clips(old: Mapping[VideoId, Asset], new: Mapping[VideoId, Asset]) -> Iterator[str]:
    for name in sorted(new.keys() - old.keys()):
        yield f"+ clip {name}"
    for name in sorted(old.keys() - new.keys()):
        yield f"- clip {name}"
    for name in sorted(old.keys() & new.keys()):
        if old[name].sha256 != new[name].sha256:
            yield f"~ clip {name}: another file"
        elif old[name] != new[name]:
            yield f"~ clip {name}: rights or facts"
