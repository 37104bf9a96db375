"""What became of a name: the resource that is declared to be the one renamed, or that Git shows to be it."""

from collections.abc import Iterator

from avtech_controller.checks.view import View
from avtech_controller.desired._past import Former
from avtech_controller.desired._spots import Problem
from avtech_controller.moves import moves
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Resource, Screen


def declared(view: View, name: str) -> Resource | None:
    """The screen that the Fleet's `moved` says an old name became."""
    holding = moves(view.state.fleet, view.state.screens.keys())
    new = holding.get(ScreenId(name))
    return view.state.screens.get(new) if new else None


def renamed(view: View, kind: str, name: str) -> Resource | None:
    """The one resource of this part that a name of a kind surely became."""
    if kind == "Screen" and (new := declared(view, name)):
        return new
    former = view.past.find(kind, name)
    if former is None:
        return None
    here = [one for one in view.tables[kind].values() if _was_written_there(view, one, former)]
    alike = here or [one for one in view.tables[kind].values() if _is_alike(one, former.resource)]
    fresh = [one for one in alike if not view.past.had(kind, one.metadata.name, former.state)]
    return fresh[0] if len(fresh) == 1 else None


def check_renamed(view: View, old: str, screen: Screen) -> Iterator[Problem]:
    """A warning for a screen that came in the place of another that is still named, if the Fleet does not say so."""
    if declared(view, old) is None:
        yield Problem(
            "AVT216",
            f"{screen.metadata.name} seems to be {old} under a new name",
            view.spot(screen).value("metadata", "name"),
            f"Git had {old} instead, which is still named",
            help=f"if it was renamed, write `moved: [{{kind: Screen, from: {old}, to: {screen.metadata.name}}}]` in fleet.yaml",
        )


def _was_written_there(view: View, resource: Resource, former: Former) -> bool:
    origin = view.state.origin(resource)
    return (origin.file, origin.document) == (former.origin.file, former.origin.document)


def _is_alike(one: Resource, other: Resource) -> bool:
    return one.spec == other.spec and one.metadata.labels == other.metadata.labels
