"""All checks in one place: those that run on any state, and those that need one without errors."""

from collections.abc import Iterator
from datetime import date

from avtech_controller.checks.air import check_air, check_air_checks
from avtech_controller.checks.clocks import check_clocks
from avtech_controller.checks.content import check_content
from avtech_controller.checks.places import check_places
from avtech_controller.checks.policy import check_policy
from avtech_controller.checks.references import check_references
from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem


def check(view: View, today: date | None) -> Iterator[Problem]:
    """Everything that can be judged although other things are wrong; without a day, nothing that depends on it."""
    yield from check_places(view)
    yield from check_references(view)
    yield from check_content(view)
    yield from check_air(view)
    yield from check_policy(view)
    if today is not None:
        yield from check_clocks(view, today)


def check_complete(view: View) -> Iterator[Problem]:
    """What can be judged only when nothing else is wrong."""
    yield from check_air_checks(view)
