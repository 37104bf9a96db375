"""All checks in one place: those of the repository as a whole, and those of each client by itself."""

from collections.abc import Iterator
from datetime import date

from avtech_controller.checks.air import check_air, check_air_checks
from avtech_controller.checks.airing import Airing
from avtech_controller.checks.clocks import check_clocks
from avtech_controller.checks.content import check_content
from avtech_controller.checks.endings import check_endings
from avtech_controller.checks.gaps import check_gaps, check_unreached
from avtech_controller.checks.moves import check_moves
from avtech_controller.checks.places import check_places, check_repository_places, check_twins
from avtech_controller.checks.references import check_references
from avtech_controller.checks.rights import check_rights
from avtech_controller.checks.shadows import check_shadows
from avtech_controller.checks.shapes import check_shapes
from avtech_controller.checks.shares import check_caps, check_shares
from avtech_controller.checks.strays import check_strays
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem


def check_repository(view: View) -> Iterator[Problem]:
    """What is nobody's own: the Fleet, and the renames it declares."""
    yield from check_repository_places(view)
    yield from check_moves(view)


def check_homeless(view: View) -> Iterator[Problem]:
    """What can be said of resources whose client is not there: that it is not. All else would follow from that."""
    yield from check_twins(view)
    yield from check_strays(view)


def check_part(view: View, airing: Airing, today: date | None) -> Iterator[Problem]:
    """All of a client that can be judged although other things are wrong; without a day, nothing that depends on it."""
    yield from check_strays(view)
    names = list(check_references(view))
    misfiled = {problem.spot.origin for problem in names if problem.spot.path == ("spec", "client")}
    yield from (one for one in check_places(view) if one.code != "AVT212" or one.spot.origin not in misfiled)
    yield from names
    yield from check_content(view)
    yield from check_air(view, airing)
    yield from check_unreached(view, airing)
    yield from check_caps(view, airing)
    yield from check_shapes(view, airing)
    if today is not None:
        yield from check_clocks(view, airing, today)
        yield from check_shadows(view, airing, today)
        yield from check_rights(view, airing, today)
        yield from check_gaps(view, airing, today)
        yield from check_endings(view, airing, today)


def check_complete(view: View, airing: Airing, today: date | None) -> Iterator[Problem]:
    """What can be judged only when nothing else is wrong with a client."""
    yield from check_air_checks(view)
    if today is not None:
        yield from check_shares(view, airing, today)
