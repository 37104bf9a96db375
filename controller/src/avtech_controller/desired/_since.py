"""What a change brings about: the findings of a state that its base does not have, and those in the files that differ."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from avtech_controller.desired._load import load
from avtech_controller.desired._source import Source, SourceFile
from avtech_controller.desired._state import Loaded
from avtech_controller.findings import Finding
from avtech_schema.identifiers import CommitId


@dataclass(frozen=True, slots=True)
class Change:
    """A loaded state with the findings of a change alone, and how many findings were there before it."""

    loaded: Loaded
    files: frozenset[str]
    """The files that were added, altered or removed."""
    earlier: int


def load_change(source: Source, base: Source, *, today: date | None = None) -> Change:
    """Load a state and keep the findings that its change since `base` brings about or touches.

    Those are all findings in files that differ, and in other files those that are not found at `base`, too.

    Raises:
        SourceError: one of the two cannot be read.
        FindingsError: one of them is larger than any that is read.
    """
    new, old = _Held(source), _Held(base)
    changed = frozenset(
        path for path in new.by_path.keys() | old.by_path.keys() if new.by_path.get(path) != old.by_path.get(path)
    )
    loaded = load(new, today=today)
    if not changed:
        return Change(replace(loaded, findings=()), changed, len(loaded.findings))
    before = load(old, today=today).findings
    kept = tuple(_brought_about(loaded.findings, before, changed))
    return Change(replace(loaded, findings=kept), changed, len(loaded.findings) - len(kept))


class _Held:
    """The files of a source, read once."""

    def __init__(self, source: Source) -> None:
        self.root: Path = source.root
        self.commit: CommitId | None = source.commit
        self.by_path = {file.path: file for file in source.files()}

    def files(self) -> Iterator[SourceFile]:
        """The files as they were read."""
        return iter(self.by_path.values())


def _brought_about(now: Sequence[Finding], before: Sequence[Finding], changed: frozenset[str]) -> Iterator[Finding]:
    known = Counter(_identity(finding) for finding in before)
    for finding in now:
        identity = _identity(finding)
        if finding.place.file in changed:
            yield finding
        elif known[identity]:
            known[identity] -= 1
        else:
            yield finding


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.code, finding.place, finding.message, finding.label
