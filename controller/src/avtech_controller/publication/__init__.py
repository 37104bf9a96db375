"""Publication: what is released, what a commit would change, and the one place that changes it."""

from avtech_controller.publication._content import ContentMissingError, read_manifests
from avtech_controller.publication._order import check_order, descent
from avtech_controller.publication._plan import ChangeKind, Plan, ScreenChange, changed_screens, make_plan
from avtech_controller.publication._publish import (
    Head,
    Publication,
    Publisher,
    Wanted,
    plan_publication,
    read_head,
)
from avtech_controller.publication._records import read_record, release_chain
from avtech_controller.publication._released import Released, ReleasedScreen, released_from
from avtech_controller.publication._render import byte_text, plan_json, plan_text
from avtech_controller.publication._safety import Consent, active_freeze, check_safety
from avtech_controller.publication._writer import Progress

__all__ = [
    "ChangeKind",
    "Consent",
    "ContentMissingError",
    "Head",
    "Plan",
    "Progress",
    "Publication",
    "Publisher",
    "Released",
    "ReleasedScreen",
    "ScreenChange",
    "Wanted",
    "active_freeze",
    "byte_text",
    "changed_screens",
    "check_order",
    "check_safety",
    "descent",
    "make_plan",
    "plan_json",
    "plan_publication",
    "plan_text",
    "read_head",
    "read_manifests",
    "read_record",
    "release_chain",
    "released_from",
]
