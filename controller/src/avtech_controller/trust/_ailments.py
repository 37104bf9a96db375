"""What can be wrong with keys and signatures, as values: each with where it is and what to do about it."""

from dataclasses import dataclass

from avtech_controller.findings import Severity


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing wrong. `code` is stable: trust, signatures, expiry, duties, store, key-file; an error fails the doctor."""

    code: str
    severity: Severity
    message: str
    where: str
    help: str = ""


def error(code: str, message: str, where: str, advice: str = "") -> Ailment:
    """Something that stops publications or players' updates, or will soon, or lays a key open."""
    return Ailment(code, Severity.ERROR, message, where, advice)


def warning(code: str, message: str, where: str, advice: str = "") -> Ailment:
    """Something that is weaker than it should be."""
    return Ailment(code, Severity.WARNING, message, where, advice)
