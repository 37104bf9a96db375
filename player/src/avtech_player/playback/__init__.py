"""Playback: the next clip by the manifest and the clock, trials of new generations, the slate when nothing plays."""

from avtech_player.playback._playback import Playback

__all__ = ["Playback"]
