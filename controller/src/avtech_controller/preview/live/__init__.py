"""The live preview: looks at the work tree at every change, and shows what it sees in open browsers."""

from avtech_controller.preview.live._desk import Desk, Sight, render_sight
from avtech_controller.preview.live._release import ReleaseWatch, watching_release
from avtech_controller.preview.live._serve import Board, serving
from avtech_controller.preview.live._watch import changes

__all__ = ["Board", "Desk", "ReleaseWatch", "Sight", "changes", "render_sight", "serving", "watching_release"]
