"""How much work airtime may take: counted, so that the same manifest is too much for every device, or for none."""

MOST_STEPS = 1_500_000
"""What a player does at most to work out some days: a manifest that takes more for ten minutes is refused."""


class EffortError(ValueError):
    """Working out the airtime of a manifest would take more than is allowed."""


class Effort:
    """Counts steps, each of about a microsecond on a desktop; `most` of None allows any number."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._spent = 0

    @property
    def is_spent(self) -> bool:
        """Whether more was taken than is allowed."""
        return self._most is not None and self._spent > self._most

    def take(self, steps: int) -> None:
        """Count some steps that are to be done whether or not they are allowed."""
        self._spent += steps

    def require(self, steps: int) -> None:
        """Count some steps before they are done.

        Raises:
            EffortError: they are not allowed any more.
        """
        self._spent += steps
        if self.is_spent:
            raise EffortError("its rules, recurrences and nested playlists are too many to be worked out on a player")
