"""Verification: that what was released is what the commits say, proven to the bit from Git, signatures and hashes."""

from avtech_controller.verification._assets import AssetCount
from avtech_controller.verification._claims import Recompile
from avtech_controller.verification._difference import Difference, compare
from avtech_controller.verification._results import Origin, Problem, Verification
from avtech_controller.verification._verify import Scope, verify

__all__ = ["AssetCount", "Difference", "Origin", "Problem", "Recompile", "Scope", "Verification", "compare", "verify"]
