"""What `validate --fix` does: mends what is surely a slip, orders keys, quotes times, and touches nothing else."""

from avtech_controller.fixing._edits import apply_edits
from avtech_controller.fixing._plan import FixedFile, Fixes, plan_fixes
from avtech_controller.fixing._tidy import tidied
from avtech_controller.fixing._write import write_fixes

__all__ = ["FixedFile", "Fixes", "apply_edits", "plan_fixes", "tidied", "write_fixes"]
