"""Checks of the Fleet's settings: what is promised by this version and what is not yet."""

from collections.abc import Iterator

from avtech_controller.checks.view import View
from avtech_controller.desired._spots import Problem, Spot


def check_policy(view: View) -> Iterator[Problem]:
    """Warn of settings that this version does not act on."""
    if not view.index.fleets or ("Fleet", view.state.fleet.metadata.name) not in view.state.origins:
        return
    here = Spot(view.state.origin(view.state.fleet))
    spec = view.state.fleet.spec
    if "retention" in spec.model_fields_set:
        yield Problem(
            "AVT501",
            "retention has no effect yet: nothing is ever removed from the store",
            here.key("spec", "retention"),
            "not acted on by this version",
        )
