"""What an import carried over and what it could not, for people and for scripts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from avtech_controller.importing._clips import Sorted
from avtech_controller.importing._fates import IDLE, Omission
from avtech_controller.importing._place import Place
from avtech_controller.importing._programme import Block, Programme, clock, days_of
from avtech_controller.importing._resources import fallback_name

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """An import as it is told."""

    place: Place
    sorted: Sorted
    programme: Programme

    @property
    def lost(self) -> tuple[Omission, ...]:
        """What the device plays and AVTech will not."""
        return tuple(one for one in self.sorted.omitted if one.reason not in IDLE)

    @property
    def idle(self) -> tuple[Omission, ...]:
        """What the device does not play either."""
        return tuple(one for one in self.sorted.omitted if one.reason in IDLE)

    def notes(self) -> tuple[str, ...]:
        """What differs from the device, in sentences."""
        notes = [*self.programme.notes, *self.sorted.notes]
        if self.place.new_screen and not self.place.has_fallback:
            notes.append(
                "When nothing is scheduled the device shows nothing; AVTech shows the fallback playlist "
                f"{fallback_name(self.place)}, which holds the first clip. Change it to what you like."
            )
        return tuple(notes)


def report_text(report: Report) -> str:
    """The report for a terminal."""
    carried, omitted = report.sorted.carried, report.sorted.omitted
    lines = [f"{_count(len(carried), 'asset')} of {len(carried) + len(omitted)} carried over to {report.place.screen}"]
    for block in report.programme.blocks:
        lines.append(f"  {report.place.name}-{block.label}: {_when(block)}: {_count(len(block.items), 'clip')}")
    for title, some in (("not carried over", report.lost), ("not played by the device either", report.idle)):
        if some:
            lines.append(f"{title}:")
            lines += [f"  {_name(one)}: {one.message}" + (f"\n    help: {one.help}" if one.help else "") for one in some]
    lines += [f"note: {note}" for note in report.notes()]
    return "\n".join(lines)


def report_json(report: Report) -> dict[str, Any]:
    """The report for scripts."""
    playlist_of = {
        item.carried.asset.number: f"{report.place.name}-{block.label}"
        for block in report.programme.blocks
        for item in block.items
    }
    return {
        "format_version": FORMAT_VERSION,
        "client": report.place.client,
        "screen": report.place.screen,
        "time_zone": report.place.zone,
        "carried": [
            {**_asset(one.asset.asset_id, one.asset.name), "clip": one.clip, "playlist": playlist_of[one.asset.number]}
            for one in report.sorted.carried
        ],
        "omitted": [
            {
                **_asset(one.asset.asset_id, one.asset.name),
                "reason": one.reason.value,
                "played_by_device": one.reason not in IDLE,
                "message": one.message,
                "help": one.help,
            }
            for one in report.sorted.omitted
        ],
        "notes": list(report.notes()),
    }


def report_markdown(report: Report) -> str:
    """The report as a page that stays in the repository; it says the same whenever it is made of the same list."""
    place = report.place
    lines = [
        f"# Import from Anthias: {place.name}",
        "",
        f"The assets of one device became clips, playlists and the schedule `{place.name}` of `{place.screen}`, a screen of "
        f"`{place.client}`. Times are those of {place.zone}, the device's own.",
        "",
        "## Carried over",
        "",
        "| playlist | when | clips |",
        "|---|---|---|",
        *(
            f"| `{place.name}-{block.label}` | {_when(block)} | {', '.join(f'`{item.clip}`' for item in block.items)} |"
            for block in report.programme.blocks
        ),
    ]
    for title, some in (
        ("Not carried over", report.lost),
        ("Not carried over, and not played by the device either", report.idle),
    ):
        if some:
            lines += ["", f"## {title}", "", "| asset | why | what to do |", "|---|---|---|", *_rows(some)]
    if report.notes():
        lines += ["", "## What differs", "", *(f"- {_cell(note)}" for note in report.notes())]
    return "\n".join(lines) + "\n"


def _rows(some: Iterable[Omission]) -> Iterable[str]:
    return (f"| {_cell(_name(one))} | {_cell(one.message)} | {_cell(one.help)} |" for one in some)


def _when(block: Block) -> str:
    days = "every day" if len(block.window.days) == 7 else ", ".join(days_of(block.window))
    span = block.window.span
    parts = [days if span is None else f"{days} {clock(span[0])} to {clock(span[1])}"]
    if block.validity.first:
        parts.append(f"from {block.validity.first.replace('T', ' ')}")
    if block.validity.last:
        parts.append(f"until {block.validity.last.replace('T', ' ')}")
    return " ".join(parts)


def _name(one: Omission) -> str:
    asset = one.asset
    plain = _plain(asset.name) or _plain(asset.asset_id)
    return plain or f"asset {asset.number} of the list"


def _asset(asset_id: str, name: str) -> dict[str, str]:
    return {"asset_id": _plain(asset_id), "name": _plain(name)}


def _plain(text: str) -> str:
    """A text from the list on one line, without characters that do something to a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:120]).strip()


def _cell(text: str) -> str:
    """A text as it is, in a cell of a table: no markup of it is left."""
    marked = "".join(f"\\{character}" if character in "\\`*_{}[]<>|#~!" else character for character in text)
    return " ".join(marked.replace("&", "&amp;").split())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
