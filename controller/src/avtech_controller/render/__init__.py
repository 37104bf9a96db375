"""Findings as text for people, as lines for editors and tools, as JSON, SARIF, JUnit XML and annotations of GitHub."""

from avtech_controller.render._clean import clean, clean_lines
from avtech_controller.render._full import render_full
from avtech_controller.render._github import SUMMARY_BYTES, github_summary, render_github
from avtech_controller.render._junit import render_junit
from avtech_controller.render._lines import FORMAT_VERSION, findings_json, render_concise
from avtech_controller.render._sarif import render_sarif

__all__ = [
    "FORMAT_VERSION",
    "SUMMARY_BYTES",
    "clean",
    "clean_lines",
    "findings_json",
    "github_summary",
    "render_concise",
    "render_full",
    "render_github",
    "render_junit",
    "render_sarif",
]
