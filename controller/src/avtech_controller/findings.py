"""A finding: one problem in the desired state, with its place, what to do, and whom it touches (DESIGN section 7)."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Errors stop a publication; warnings do not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A range in a file: lines and columns count from 1, the end is exclusive; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A range of a file's text (lines and columns count from 1, the end is exclusive) and what should stand there."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What `validate --fix` would write into the finding's file: a title for people, and edits that do not overlap."""

    title: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem. `code` is stable: AVT1xx syntax, 2xx references, 3xx airtime, 4xx content, 5xx policy.

    `label` is the short text beside the caret, `related` a second place and what it shows, `help` what to do,
    `impact` which screens it touches, `fix` how it may safely be mended; each may be empty.
    """

    code: str
    severity: Severity
    message: str
    place: Place
    label: str = ""
    related: tuple[tuple[Place, str], ...] = ()
    help: str = ""
    impact: str = ""
    fix: Fix | None = None
