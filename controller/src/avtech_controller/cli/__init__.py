"""The command `avtech`: finds commands lazily, and turns every failure into one line and an exit code."""

from avtech_controller.cli._main import cli, main

__all__ = ["cli", "main"]
