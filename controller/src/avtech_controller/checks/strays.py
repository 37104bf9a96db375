"""Documents whose client does not exist: one finding for each slip, and one alone where it is the client that is missing."""

from collections.abc import Iterator, Sequence

from avtech_controller.checks.view import View
from avtech_controller.desired._index import folder_owner
from avtech_controller.desired._models import mend_for, nearest
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import Key, Origin, Stray

_MANY = 4
"""So many documents that name the same client have not each been misspelt."""
_SHOWN = 6


def check_strays(view: View) -> Iterator[Problem]:
    """Every client that is named and does not exist."""
    by_owner: dict[str, list[Stray]] = {}
    for stray in sorted(view.strays, key=lambda stray: (stray.origin.file, stray.origin.document)):
        if stray.owner in view.index.misnamed:
            yield _misnamed(view, stray)
        else:
            by_owner.setdefault(stray.owner, []).append(stray)
    for owner, strays in by_owner.items():
        if len(strays) >= _MANY:
            yield _missing(view, owner, strays)
        else:
            yield from (_misspelt(view, stray) for stray in strays)


def _misspelt(view: View, stray: Stray) -> Problem:
    help_, related = _meant(view, stray.owner, stray.origin.file)
    return Problem(
        "AVT201",
        f'client "{stray.owner}" does not exist',
        Spot(stray.origin).value("spec", "client"),
        "not a client",
        related,
        help_,
        touches=_identities([stray]),
        mend=mend_for(stray.owner, view.names("Client")),
    )


def _missing(view: View, owner: str, strays: Sequence[Stray]) -> Problem:
    first, second, *_ = strays
    help_, related = _meant(view, owner, first.origin.file)
    return Problem(
        "AVT201",
        f'client "{owner}" does not exist, but {len(strays)} resources belong to it',
        Spot(first.origin).value("spec", "client"),
        "not a client",
        (*related, (Spot(second.origin).value("spec", "client"), f"it is named here, too, and in {len(strays) - 2} more")),
        help_ if related else f"write fleet/{owner}/client.yaml with `kind: Client` and `name: {owner}`, or correct the names",
        touches=_identities(strays),
    )


def _misnamed(view: View, stray: Stray) -> Problem:
    meant = view.index.misnamed[stray.owner]
    return Problem(
        "AVT201",
        f'client "{meant}" does not exist: the file in its folder names "{stray.owner}"',
        Spot(stray.origin).value("metadata", "name"),
        f"everything in this folder says {meant}",
        help=f'did you mean "{meant}"?',
        touches=_identities([stray]),
        mend=mend_for(stray.owner, [meant]),
    )


def _meant(view: View, owner: str, file: str) -> tuple[str, tuple[tuple[Spot, str], ...]]:
    """The client that is meant: that of the folder, or one that is named alike; and where it is."""
    names = view.names("Client")
    folder = folder_owner(file)
    near = folder if folder in names else None if folder == owner else nearest(owner, names)
    if near is None:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        there = ", ".join(names[:_SHOWN]) + more
        return (f"there {'is' if len(names) == 1 else 'are'} {there}" if names else "there is no client at all"), ()
    where: Sequence[Origin] = [origin for _, origin in view.index.known.owners("Client", near)]
    related = tuple((Spot(origin).value("metadata", "name"), "a similar name is here") for origin in where[:1])
    return f'did you mean "{near}"?', related


def _identities(strays: Sequence[Stray]) -> tuple[tuple[str, Key], ...]:
    return tuple(stray.identity for stray in strays if stray.identity)
