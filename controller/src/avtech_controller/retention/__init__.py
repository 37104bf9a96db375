"""Retention: what may leave the store. Here the mark, by which writers keep what they reuse; `collection` does the rest."""

from avtech_controller.retention._mark import Mark, Marked, parse_mark
from avtech_controller.retention._spare import Guard, SweepUnderwayError, spare

__all__ = ["Guard", "Mark", "Marked", "SweepUnderwayError", "parse_mark", "spare"]
