"""Findings as text for people, as lines for editors and tools, and as JSON."""

from avtech_controller.render._full import render_full
from avtech_controller.render._lines import FORMAT_VERSION, findings_json, render_concise

__all__ = ["FORMAT_VERSION", "findings_json", "render_concise", "render_full"]
