"""Publication: what is released, and the one place that changes it."""

from avtech_controller.publication._content import ContentMissingError, read_old_manifests
from avtech_controller.publication._order import check_order, descent
from avtech_controller.publication._publish import Amendment, Publication, Publisher, plan_publication, read_head
from avtech_controller.publication._records import read_record, release_chain
from avtech_controller.publication._released import Released, ReleasedScreen, released_from
from avtech_controller.publication._steps import Head, Stage, Staging, Step, Wanted, at_once
from avtech_controller.publication._writer import Progress

__all__ = [
    "Amendment",
    "ContentMissingError",
    "Head",
    "Progress",
    "Publication",
    "Publisher",
    "Released",
    "ReleasedScreen",
    "Stage",
    "Staging",
    "Step",
    "Wanted",
    "at_once",
    "check_order",
    "descent",
    "plan_publication",
    "read_head",
    "read_old_manifests",
    "read_record",
    "release_chain",
    "released_from",
]
