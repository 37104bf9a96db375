"""How long to wait before an engine that died is started again."""

from random import Random

_BASE_S = 0.5
_CAP_S = 30.0
_BLIND_CAP_S = 3.0
HEALTHY_S = 60.0
"""An engine that ran this long was well: its next death is again its first."""


def restart_delay(deaths: int, rng: Random, *, blind: bool = False) -> float:
    """Seconds to wait after so many deaths in a row: at once after the first, then growing, with full jitter, capped.

    Where only the display was missing (`blind`) the cap is low: pictures are to be back soon after it is.
    """
    if deaths <= 1:
        return 0.0
    ceiling = min(_BLIND_CAP_S if blind else _CAP_S, _BASE_S * 2 ** min(deaths - 1, 16))
    return rng.uniform(0.05, ceiling)
