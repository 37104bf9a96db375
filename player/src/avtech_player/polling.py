"""When to look again: jittered, so that a fleet does not look at once; further and further apart while it fails."""

LONGEST_SECONDS = 300.0
FIRST_SECONDS = 15.0
"""A device that has something to play waits up to this long before its first look."""
_SHORTEST_SECONDS = 1.0


def next_look(base: float, *, failures: int, chance: float, pause: float = 0.0) -> float:
    """Seconds until the next look.

    `base` is the usual distance, `failures` how many looks failed in a row, `chance` a random number from 0 to 1. Without
    failures it is `base` give or take a fifth; with them anything up to `base` doubled for each (full jitter), at most five
    minutes or `base` itself. With them, too, never sooner than after a `pause` that the store asked for, of which no more
    than that is believed; and since it may ask all players for the same instant, anything up to `base` later.
    """
    if failures == 0:
        return base * (0.8 + 0.4 * chance)
    longest = max(LONGEST_SECONDS, base)
    ceiling = min(longest, base * 2.0 ** min(failures, 20))
    obeyed = min(pause, longest) + base * chance if pause > 0 else 0.0
    return max(min(_SHORTEST_SECONDS, base), ceiling * chance, obeyed)


def first_look(base: float, *, plays: bool, chance: float) -> float:
    """Seconds until the first look after a start: none where nothing plays yet, else a little, at random.

    A street whose power comes back has all its devices start at once.
    """
    return min(FIRST_SECONDS, base / 4) * chance if plays else 0.0
