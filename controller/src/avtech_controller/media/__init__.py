"""Video files: whether one may become a clip, what it is, and its picture. ffmpeg does the work, under supervision."""

from avtech_controller.media._errors import MediaCode, MediaError, ToolError, ToolMissingError
from avtech_controller.media._measure import Measured, measure, shown
from avtech_controller.media._thumbnail import thumbnail

__all__ = ["Measured", "MediaCode", "MediaError", "ToolError", "ToolMissingError", "measure", "shown", "thumbnail"]
