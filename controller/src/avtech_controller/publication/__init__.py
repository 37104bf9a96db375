"""Publication: what is released, what a commit would change, and the one place that changes it."""

from avtech_controller.publication._plan import ChangeKind, Plan, ScreenChange
from avtech_controller.publication._released import Released, ReleasedScreen

__all__ = ["ChangeKind", "Plan", "Released", "ReleasedScreen", "ScreenChange"]
