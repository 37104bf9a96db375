"""Secrets that stand in the files: keys, tokens and passwords, found in the text itself, comments included.

Git keeps what was committed once, so a secret that got this far must be renewed. What is found is never shown.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from avtech_controller.checks.codes import CODES
from avtech_controller.desired._text import Range
from avtech_controller.findings import Finding, Place

MAX_FOUND = 20
"""Secrets told of one file; all are covered."""
_MARKS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk_live_"),
    *("AIza", "eyJ", "://"),
)
_KNOWN = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("a private key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"),
        ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}"),
        ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9_]{36,1000}|github_pat_[A-Za-z0-9_]{50,1000})"),
        ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,100}"),
        ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{10,200}"),
        ("a Stripe key", r"\bsk_live_[A-Za-z0-9]{20,200}"),
        ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
        ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}"),
        ("a password in an address", r"(?<=://)[^\s/:@\"']{1,200}:[^\s/:@\"']{3,200}(?=@)"),
    )
)
_WORDS = ("passw", "secret", "token", "apikey", "api_key", "api-key", "accesskey", "access_key", "privatekey", "private_key")
_NAMED = re.compile(
    r"(?i)(?:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)[\w.-]{0,40}[\"']?[ \t]*[:=][ \t]*"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'#,{}\[\]]{8,400})(?P=quote)"
)
_LEAST_SHOWN = 6
"""As many letters of a secret are never shown together."""
_LEAST_BITS = 3.0
"""Entropy of a letter from which on a value is not a word or a placeholder."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret stands in a text (offsets), and of what kind it is."""

    start: int
    end: int
    what: str


def secrets_in(text: str) -> list[Secret]:
    """Every secret of a text, in order; none overlaps another."""
    found: list[Secret] = []
    if any(mark in text for mark in _MARKS):
        for what, pattern in _KNOWN:
            found += (Secret(match.start(), match.end(), what) for match in pattern.finditer(text))
    lowered = text.lower()
    if any(word in lowered for word in _WORDS):
        for match in _NAMED.finditer(text):
            if _is_random(match["value"]):
                found.append(Secret(match.start("value"), match.end("value"), "a password, token or key"))
    kept: list[Secret] = []
    for secret in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if not kept or secret.start >= kept[-1].end:
            kept.append(secret)
    return kept


def secret_findings(file: str, text: str) -> Iterator[Finding]:
    """An error for each of the first secrets in a file."""
    for secret in secrets_in(text)[:MAX_FOUND]:
        where = _range(text, secret)
        place = Place(file, where.line, where.column, where.end_line, where.end_column)
        help_ = "take it out and renew it: what was committed once is known; jobs get secrets from their environment"
        yield Finding("AVT502", CODES["AVT502"].severity, f"this looks like {secret.what}", place, "not shown", help=help_)


def masked(text: str, secrets: Sequence[Secret]) -> str:
    """The text with each of its secrets covered by as many asterisks; line ends stay."""
    pieces: list[str] = []
    reached = 0
    for secret in secrets:
        pieces += (text[reached : secret.start], re.sub(r"[^\n]", "*", text[secret.start : secret.end]))
        reached = secret.end
    return "".join((*pieces, text[reached:]))


def without_secrets(finding: Finding, known: Sequence[str]) -> Finding:
    """The finding with no part of a known secret in its words, not even the beginning of one that was cut."""

    def covered(words: str) -> str:
        for secret in known:
            if secret[:_LEAST_SHOWN] in words:
                length = next(length for length in range(len(secret), 0, -1) if secret[:length] in words)
                words = words.replace(secret[:length], "*" * 8)
        return words

    return replace(
        finding,
        message=covered(finding.message),
        label=covered(finding.label),
        help=covered(finding.help),
        related=tuple((place, covered(what)) for place, what in finding.related),
        fix=None if known else finding.fix,
    )


def _range(text: str, secret: Secret) -> Range:
    line = text.count("\n", 0, secret.start) + 1
    column = secret.start - (text.rfind("\n", 0, secret.start) + 1) + 1
    if "\n" in text[secret.start : secret.end]:
        return Range(line, column, line, 0)
    return Range(line, column, line, column + secret.end - secret.start)


def _is_random(value: str) -> bool:
    """Whether a value is of the disorder of a secret, rather than a word, a path or a placeholder like ${TOKEN}."""
    if value.startswith(("$", "<", "*", "/", "./", "ed25519:", "http")) or len(set(value)) < 6:
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"))
    counts = Counter(value)
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts.values())
    return bits >= _LEAST_BITS and (kinds >= 3 or (kinds == 2 and len(value) >= 16 and any(map(str.isdigit, value))))
