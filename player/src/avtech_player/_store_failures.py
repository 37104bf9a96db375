"""What a store's failure is, in plain words: always the same for the same failure, so that it is told once."""

import re
from enum import StrEnum


class FailureKind(StrEnum):
    """What was at fault when the store did not do what it was asked; each is a label of a metric."""

    UNREACHABLE = "unreachable"
    """Nobody takes the connection."""
    NAME = "name"
    """The name of its host is not known."""
    CERTIFICATE = "certificate"
    """Whoever answers cannot prove to be the store."""
    SLOW = "slow"
    """No answer in time, or one that trickles."""
    BROKEN = "broken"
    """The connection broke off in the middle."""
    ANSWER = "answer"
    """It answers that it cannot: an error of the server, or too many requests."""
    DENIED = "denied"
    """It does not let this player do that."""
    MISSING = "missing"
    """An object that should be there is not."""
    STRANGE = "strange"
    """Something else than the store answers: a login page, another protocol, an object of another size."""
    OTHER = "other"
    """None of these."""


_ANSWER = re.compile(r"status code: (\d{3}[A-Za-z -]*)")
_KNOWN = (
    (re.compile(r"Unable to canonicalize filesystem root"), FailureKind.UNREACHABLE, "the directory is not there"),
    (re.compile(r"dns error"), FailureKind.NAME, "the name of its host is not known"),
    (re.compile(r"NotValidForName"), FailureKind.CERTIFICATE, "its certificate is for another name"),
    (re.compile(r"\bExpired"), FailureKind.CERTIFICATE, "its certificate has expired by this device's clock"),
    (re.compile(r"NotValidYet"), FailureKind.CERTIFICATE, "its certificate is not valid yet by this device's clock"),
    (re.compile(r"UnknownIssuer"), FailureKind.CERTIFICATE, "its certificate is from nobody whom this device trusts"),
    (re.compile(r"[Cc]ertificate"), FailureKind.CERTIFICATE, "its certificate does not hold"),
    (re.compile(r"ConnectionRefused"), FailureKind.UNREACHABLE, "it refuses the connection"),
    (re.compile(r"NetworkUnreachable|HostUnreachable"), FailureKind.UNREACHABLE, "there is no way to it"),
    (re.compile(r"kind: Timeout|TimedOut"), FailureKind.SLOW, "it does not answer in time"),
    (re.compile(r"kind: Connect\b"), FailureKind.UNREACHABLE, "it cannot be reached"),
    (re.compile(r"following redirect|kind: Redirect"), FailureKind.STRANGE, "it sends elsewhere, and that again elsewhere"),
    (re.compile(r"Requested [0-9]"), FailureKind.STRANGE, "the object is not as long as it says"),
    (re.compile(r"Content-Length Header missing"), FailureKind.STRANGE, "it does not say how long the object is"),
    (re.compile(r"Parse\((?!Header)|InvalidStatus"), FailureKind.STRANGE, "what answers does not speak HTTP"),
    (re.compile(r"response body error|IncompleteMessage|ConnectionReset"), FailureKind.BROKEN, "the connection broke off"),
)
_STATUS = re.compile(r"Error performing [A-Z]+ (\S+) in .*?status code: (\d{3})", re.DOTALL)
_TOO_MUCH = ("429", "503")
_STUMBLED = ("500", "502", "504")
_TIMES = re.compile(r" in [0-9.]+[mµn]?s\b|,? after \d+ retries|,? max_retries: \d+|,? retry_timeout: \w+")
_LONGEST = 200


def diagnose(error: BaseException) -> tuple[FailureKind, str]:
    """What was at fault, and one short line for what the store's library says at length."""
    text = str(error)
    if answer := _ANSWER.search(text):
        return FailureKind.ANSWER, f"it answers {answer[1].strip()}"
    for pattern, kind, words in _KNOWN:
        if pattern.search(text):
            return kind, words
    short = _TIMES.sub("", text.partition("Debug source")[0])
    return FailureKind.OTHER, " ".join(short.split())[:_LONGEST] or type(error).__name__


def is_panic(error: BaseException) -> bool:
    """Whether the store's library broke down over a request, which is no `Exception` and has a type that nobody can import."""
    return type(error).__module__ == "pyo3_runtime"


def busy_address(error: BaseException) -> str:
    """The address that answered that it has too much to do (429 or 503); empty for any other failure."""
    found = _STATUS.match(_request_of(error))
    return found[1] if found and found[2] in _TOO_MUCH else ""


def may_pass(error: BaseException) -> bool:
    """Whether the same request may well succeed right now: the wire broke, or the server stumbled, but is not overworked."""
    found = _STATUS.match(_request_of(error))
    return found[2] in _STUMBLED if found else diagnose(error)[0] is FailureKind.BROKEN


def _request_of(error: BaseException) -> str:
    """What a failure says from where it names the request on."""
    _, sign, rest = str(error).partition("Error performing ")
    return sign + rest


def is_web_page(content_type: str, beginning: bytes) -> bool:
    """Whether an answer is a page for people, as the login page of a network is, and not an object."""
    if content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        return True
    return beginning[:200].lstrip().lower().startswith((b"<!doctype html", b"<html"))
