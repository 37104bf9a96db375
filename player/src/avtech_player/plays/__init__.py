"""Proof of play on the device: an append-only spool that survives crashes, and its way to the store, exactly once."""

from avtech_player.plays._chronicle import Chronicle
from avtech_player.plays._journal import Journal
from avtech_player.plays._spool import Spool, SpoolStats

__all__ = ["Chronicle", "Journal", "Spool", "SpoolStats"]
