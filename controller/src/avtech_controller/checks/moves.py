"""Checks of renames: entries of `moved` that say nothing true, and renames that nobody declared."""

from collections import Counter
from collections.abc import Iterator, Mapping

from avtech_controller.checks.view import View
from avtech_controller.desired._models import nearest
from avtech_controller.desired._spots import Problem
from avtech_controller.moves import likely_renames, moves
from avtech_schema.identifiers import ScreenId
from avtech_schema.resources import Screen


def check_moves(view: View) -> Iterator[Problem]:
    """A warning for each entry of `moved` without effect."""
    state = view.state
    entries = state.fleet.spec.moved
    if not entries or not view.index.fleets:
        return
    screens = view.index.known.of("Screen")
    holding = moves(state.fleet, {ScreenId(name) for name in view.index.known.valid("Screen")})
    here = view.spot(state.fleet)
    olds = Counter(entry.from_ for entry in entries)
    for place, entry in enumerate(entries):
        if ScreenId(entry.from_) in holding and olds[entry.from_] == 1:
            continue
        if entry.from_ in screens:
            part, why, help_ = "from", f"{entry.from_} is still there: it was not renamed", "delete the entry"
        elif olds[entry.from_] > 1:
            part, why, help_ = "from", f"{entry.from_} is renamed by another entry, too", "keep one of them"
        elif entry.to not in screens:
            near = nearest(entry.to, screens)
            part, why = "to", f"{entry.to} does not exist"
            help_ = f'did you mean "{near}"?' if near else "delete the entry, if the screen is no more"
        else:
            part, why, help_ = "to", f"other screens were renamed to {entry.to}, too", "keep one of them"
        spot = here.value("spec", "moved", place, part)
        touched = (("Screen", entry.from_), ("Screen", entry.to))
        yield Problem("AVT215", f"the move has no effect: {why}", spot, help=help_, touches=touched)


def check_renames(view: View, before: Mapping[ScreenId, Screen]) -> Iterator[Problem]:
    """A warning for each screen that seems to be one of `before` under another name."""
    known = moves(view.state.fleet, view.state.screens.keys())
    for old, new in likely_renames(before, view.state.screens, known):
        screen = view.state.screens[new]
        device = before[old].spec.device
        same = device is not None and device == screen.spec.device
        yield Problem(
            "AVT216",
            f"{new} seems to be {old} under a new name",
            view.spot(screen).value("metadata", "name"),
            f"it has the {'device' if same else 'words'} of {old}, which is gone",
            help=f"if it was renamed, write `moved: [{{kind: Screen, from: {old}, to: {new}}}]` in fleet.yaml",
        )
