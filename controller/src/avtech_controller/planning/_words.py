"""Numbers of a plan in words: bytes, minutes, screens, and what the plan is of."""

from avtech_controller.planning._groups import ClipRange
from avtech_controller.planning._plan import Plan


def byte_text(size: int) -> str:
    """A number of bytes with a decimal unit."""
    if size < 1000:
        return f"{size} B"
    amount, unit = float(size), "B"
    for unit in ("kB", "MB", "GB", "TB"):  # noqa: B007  the last unit is what is printed
        amount /= 1000
        if amount < 1000:
            break
    return f"{amount:.1f} {unit}"


def gain_text(seconds: int) -> str:
    """Seconds of air gained or lost as whole minutes with their sign; less than one as `<1`."""
    minutes = round(abs(seconds) / 60)
    sign = "+" if seconds > 0 else "\N{MINUS SIGN}"
    return f"{sign}{minutes:,} min" if minutes else f"{sign}<1 min"


def range_text(found: ClipRange, screens: int) -> str:
    """What a clip gains on a screen of `screens`, as `+30 min`, `+30 to +45 min` or `+30 min on 2 of 3 screens`."""
    least, most = gain_text(found.least), gain_text(found.most)
    if found.least < 0 and found.most <= 0:
        least, most = most, least
    text = least if least == most else f"{least.removesuffix(' min')} to {most}"
    return text if found.screens == screens else f"{text} on {found.screens:,} of {screens:,} screens"


def count_text(count: int, what: str) -> str:
    """`1 screen`, `2,000 screens`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def commit_text(plan: Plan) -> str:
    """What is planned."""
    return plan.commit[:12] if plan.commit else "the work tree"


def base_text(plan: Plan) -> str:
    """What the plan stands on."""
    if plan.base_commit is None:
        return "the first release"
    if plan.base_sequence is None:
        return f"compared with commit {plan.base_commit[:12]}"
    return f"on top of release {plan.base_sequence} ({plan.base_commit[:12]})"


def unchanged(plan: Plan) -> int:
    """How many wanted screens the plan leaves alone."""
    return plan.wanted_screens - sum(change.new is not None for change in plan.changes)
