"""The command `avtech-player`: finds commands lazily, and turns every failure into one line and an exit code."""

from avtech_player.cli._main import cli, main, run

__all__ = ["cli", "main", "run"]
