"""The live preview: looks at the work tree at every change, and shows what it sees in open browsers."""

from avtech_controller.preview.live._desk import Desk, Sight, render_sight
from avtech_controller.preview.live._serve import Board, serving
from avtech_controller.preview.live._watch import changes

__all__ = ["Board", "Desk", "Sight", "changes", "render_sight", "serving"]
