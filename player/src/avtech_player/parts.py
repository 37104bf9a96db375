"""What an updater is made of."""

from dataclasses import dataclass
from pathlib import Path

from avtech_player.clock import TrustedClock
from avtech_player.generations import Library
from avtech_player.store import Store
from avtech_player.trust import Trust
from avtech_schema.identifiers import ClientId, ScreenId


@dataclass(frozen=True, slots=True)
class Parts:
    """What an updater works with; `directory` is the state directory."""

    directory: Path
    client: ClientId
    screen: ScreenId
    trust: Trust
    store: Store
    library: Library
    clock: TrustedClock
