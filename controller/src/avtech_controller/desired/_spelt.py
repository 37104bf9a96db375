"""Findings, and facts of files, as JSON values and back: how they are written down between two looks."""

from typing import Any

from avtech_controller.desired._index import Declared, FileFacts
from avtech_controller.findings import Edit, Finding, Fix, Place, Severity


def facts_value(one: FileFacts) -> list[Any]:
    """The facts of a file as a JSON value."""
    return [[list(declared) for declared in one.declared], one.homes, one.fleets, one.loose, one.unread]


def facts(value: list[Any]) -> FileFacts:
    """The facts of a file from their JSON value."""
    declared, homes, fleets, loose, unread = value
    return FileFacts(tuple(Declared(*one) for one in declared), tuple(homes), tuple(fleets), tuple(loose), unread)


def finding_value(one: Finding) -> list[Any]:
    """A finding as a JSON value."""
    fix = one.fix and [one.fix.title, [_edit_value(edit) for edit in one.fix.edits]]
    related = [[_place_value(place), what] for place, what in one.related]
    place = _place_value(one.place)
    return [one.code, one.severity.value, one.message, place, one.label, related, one.help, one.impact, fix]


def finding(value: list[Any]) -> Finding:
    """A finding from its JSON value."""
    code, severity, message, place, label, related, help_, impact, fix = value
    return Finding(
        code=code,
        severity=Severity(severity),
        message=message,
        place=Place(*place),
        label=label,
        related=tuple((Place(*where), what) for where, what in related),
        help=help_,
        impact=impact,
        fix=Fix(fix[0], tuple(Edit(*edit) for edit in fix[1])) if fix else None,
    )


def _place_value(place: Place) -> list[Any]:
    return [place.file, place.line, place.column, place.end_line, place.end_column]


def _edit_value(edit: Edit) -> list[Any]:
    return [edit.line, edit.column, edit.end_line, edit.end_column, edit.text]
