"""Gathers problems with names that have one cause: a resource under the wrong client, or one that is gone and often named."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from avtech_controller.checks.view import View
from avtech_controller.desired._index import folder_owner
from avtech_controller.desired._spots import Problem, Spot
from avtech_controller.desired._state import Key, Origin

_MANY = 4
"""So many places that miss the same name were not each misspelt: what they name is gone."""
_SHOWN = 2


def gathered(view: View, problems: Iterable[Problem]) -> Iterator[Problem]:
    """The problems, those with one cause as one."""
    by_document: dict[Origin, list[Problem]] = {}
    for problem in problems:
        by_document.setdefault(problem.spot.origin, []).append(problem)
    owners = {origin: identity for identity, origin in view.state.origins.items()}
    by_name: dict[tuple[str, str], list[Problem]] = {}
    for origin, found in by_document.items():
        if owner := _misfiled(view, owners.get(origin), origin, found):
            yield owner
            continue
        for problem in found:
            by_name.setdefault((problem.code, problem.message), []).append(problem)
    for same in by_name.values():
        if same[0].code == "AVT210" and _is_misplaced(view, same[0]):
            yield _misplaced(same, owners)
        elif len(same) < _MANY or same[0].code == "AVT210":
            yield from same
        else:
            yield _missed(same, owners)


def _misfiled(view: View, identity: tuple[str, Key] | None, origin: Origin, found: Sequence[Problem]) -> Problem | None:
    """One problem for a resource that lies in another client's folder and names only what is that client's."""
    folder = folder_owner(origin.file)
    resource = view.tables[identity[0]].get(identity[1]) if identity and identity[0] in view.tables else None
    client = getattr(getattr(resource, "spec", None), "client", folder)
    named = [view.index.homes.of(_owner(view, problem), "") for problem in found if problem.code == "AVT210"]
    if not folder or folder == client or not named or len(named) < len(found) or {*named} != {folder}:
        return None
    return Problem(
        "AVT210",
        f"it says {client}, but names what is {folder}'s, in whose folder it lies",
        Spot(origin).value("spec", "client"),
        f"the folder says {folder}",
        tuple((problem.spot, f"{folder}'s") for problem in found[:_SHOWN]),
        f'did you mean "{folder}"? Else move it to the folder of {client}, and name what is {client}\'s',
    )


def _is_misplaced(view: View, problem: Problem) -> bool:
    """Whether what is named lies in the folder of the client that names it."""
    return any(folder_owner(where.origin.file) in view.state.clients for where, _ in problem.related)


def _misplaced(same: Sequence[Problem], owners: dict[Origin, tuple[str, Key]]) -> Problem:
    """One problem for a resource that its own folder's client names, but that says it is another's."""
    first = same[0]
    (where, text), *_ = first.related
    return replace(
        first,
        spot=where,
        label=text,
        message=f"{first.message}, but is named by the client in whose folder it lies",
        related=tuple((problem.spot, "it is named here") for problem in same[:_SHOWN]),
        touches=tuple(dict.fromkeys(owners[problem.spot.origin] for problem in same if problem.spot.origin in owners)),
    )


def _owner(view: View, problem: Problem) -> str:
    """The client whose resource another one's names."""
    (where, _), *_ = problem.related
    for one in view.index.facts[where.origin.file].declared:
        if one.document == where.origin.document:
            return one.owner
    return ""


def _missed(same: Sequence[Problem], owners: dict[Origin, tuple[str, Key]]) -> Problem:
    first, *others = same
    more = f", and in {len(others) - _SHOWN} more places" if len(others) > _SHOWN else ""
    shown = [(problem.spot, "it is named here, too") for problem in others[:_SHOWN]]
    shown[-1] = (shown[-1][0], f"here, too{more}")
    touched = dict.fromkeys(owners[problem.spot.origin] for problem in same if problem.spot.origin in owners)
    return replace(
        first,
        message=f"{first.message}, but {len(same)} places name it",
        related=(*shown, *first.related),
        touches=tuple(touched),
        mend=None,
    )
