"""Progressive rollout: a release reaches screens in waves, and goes back when they do badly. Its state is the records'."""

from avtech_controller.rollout._decide import Action, Decision, decide
from avtech_controller.rollout._moves import abort, advance, lift, pause, resume, retry, step_of
from avtech_controller.rollout._observe import Observed, Outcome, Reports, observe
from avtech_controller.rollout._power import WavePower, detectable, detection, plan_power
from avtech_controller.rollout._revert import revert_message, revert_patch
from avtech_controller.rollout._stage import WaveStage
from avtech_controller.rollout._standing import Standing, read_standing
from avtech_controller.rollout._tick import Look, Ticked, Watch, look_now, tick
from avtech_controller.rollout._waves import assign_waves, policy_of, rollout_id

__all__ = [
    "Action",
    "Decision",
    "Look",
    "Observed",
    "Outcome",
    "Reports",
    "Standing",
    "Ticked",
    "Watch",
    "WavePower",
    "WaveStage",
    "abort",
    "advance",
    "assign_waves",
    "decide",
    "detectable",
    "detection",
    "lift",
    "look_now",
    "observe",
    "pause",
    "plan_power",
    "policy_of",
    "read_standing",
    "resume",
    "retry",
    "revert_message",
    "revert_patch",
    "rollout_id",
    "step_of",
    "tick",
]
