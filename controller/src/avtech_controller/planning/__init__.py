"""Planning: what a change does to every screen, whether it is safe, and how people and machines read it. Pure."""

from avtech_controller.planning._airtime import AirChange, ClipAir, ClockChange, compare_air, measure
from avtech_controller.planning._base import (
    Base,
    CommitBase,
    OldManifest,
    Standing,
    replaced_screens,
    same_manifest,
)
from avtech_controller.planning._file import MAX_PLAN_BYTES, SavedPlan, StalePlanError, parse_plan, save_plan
from avtech_controller.planning._groups import ChangeGroup, ClipRange, ClipTotal, change_digest, clip_totals, group_changes
from avtech_controller.planning._identity import calm_of, content_of
from avtech_controller.planning._json import plan_json
from avtech_controller.planning._markdown import MARKER, MAX_CHARACTERS, findings_markdown, plan_markdown
from avtech_controller.planning._plan import ChangeKind, Plan, ScreenChange, make_outline, make_plan
from avtech_controller.planning._safety import (
    TRAILER,
    Consent,
    Excess,
    Loss,
    Verdict,
    active_freeze,
    assess,
    count_losses,
    parse_acceptance,
)
from avtech_controller.planning._sketch import Sketch, Sketcher
from avtech_controller.planning._text import plan_text
from avtech_controller.planning._words import byte_text, count_text

__all__ = [
    "MARKER",
    "MAX_CHARACTERS",
    "MAX_PLAN_BYTES",
    "TRAILER",
    "AirChange",
    "Base",
    "ChangeGroup",
    "ChangeKind",
    "ClipAir",
    "ClipRange",
    "ClipTotal",
    "ClockChange",
    "CommitBase",
    "Consent",
    "Excess",
    "Loss",
    "OldManifest",
    "Plan",
    "SavedPlan",
    "ScreenChange",
    "Sketch",
    "Sketcher",
    "StalePlanError",
    "Standing",
    "Verdict",
    "active_freeze",
    "assess",
    "byte_text",
    "calm_of",
    "change_digest",
    "clip_totals",
    "compare_air",
    "content_of",
    "count_losses",
    "count_text",
    "findings_markdown",
    "group_changes",
    "make_outline",
    "make_plan",
    "measure",
    "parse_acceptance",
    "parse_plan",
    "plan_json",
    "plan_markdown",
    "plan_text",
    "replaced_screens",
    "same_manifest",
    "save_plan",
]
