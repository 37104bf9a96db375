"""Checks of the desired state, resource against resource; `codes` names every kind of finding."""

from avtech_controller.checks.codes import CODES, Code

__all__ = ["CODES", "Code"]
