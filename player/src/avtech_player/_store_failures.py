"""What a store's failure is, in plain words: always the same for the same failure, so that it is told once."""

import re

_KNOWN = (
    (re.compile(r"status code: (\d{3}[A-Za-z ]*)"), "it answers {}"),
    (re.compile(r"Unable to canonicalize filesystem root"), "the directory is not there"),
    (re.compile(r"dns error"), "the name of its host is not known"),
    (re.compile(r"ConnectionRefused"), "it refuses the connection"),
    (re.compile(r"[Cc]ertificate"), "its certificate does not hold"),
    (re.compile(r"kind: Timeout|TimedOut"), "it does not answer in time"),
    (re.compile(r"kind: Connect\b"), "it cannot be reached"),
)
_TIMES = re.compile(r" in [0-9.]+[mµn]?s\b|,? after \d+ retries|,? max_retries: \d+|,? retry_timeout: \w+")
_LONGEST = 200


def plain(error: BaseException) -> str:
    """One short line for what the store's library says at length."""
    text = str(error)
    for pattern, words in _KNOWN:
        if found := pattern.search(text):
            return words.format(*(group.strip() for group in found.groups()))
    short = _TIMES.sub("", text.partition("Debug source")[0])
    return " ".join(short.split())[:_LONGEST] or type(error).__name__
