"""How long each clip is on air over a stretch of time: the expected share of every segment, by weights and lengths. Pure.

Weights count plays, so a clip's part of the air is its plays per round times its length. Only time in which the panel is
on counts. A rule's cap is reckoned as a flow: within each local clock hour the rules play in proportion to their weights
until a cap is reached, and those next in order fill the rest. That leaves out where single clips begin and end, so
minutes under a cap, and those of stretches shorter than a round, are approximate.
"""

from avtech_controller.airtime_minutes._air import air
from avtech_controller.airtime_minutes._clock import CLOCK_CHANGE_DAYS, ClockWeek, next_clock_week
from avtech_controller.airtime_minutes._meter import Air

__all__ = ["CLOCK_CHANGE_DAYS", "Air", "ClockWeek", "air", "next_clock_week"]
