"""The local API: what the player on this device does, and asking it to do something, for this machine alone."""

from avtech_player.api._routes import Api
from avtech_player.api._surface import Surface

__all__ = ["Api", "Surface"]
