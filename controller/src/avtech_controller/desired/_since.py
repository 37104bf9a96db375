"""What a change brings about: the findings of a state that its base does not have, and those in the files that differ."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from avtech_controller.desired._load import load
from avtech_controller.desired._past import Past
from avtech_controller.desired._source import Held, Source
from avtech_controller.desired._spots import Locator
from avtech_controller.desired._state import DesiredState, Loaded
from avtech_controller.findings import Finding


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
    new, old = Held(source), Held(base)
    changed = frozenset(
        path for path in new.by_path.keys() | old.by_path.keys() if new.by_path.get(path) != old.by_path.get(path)
    )
    loaded = load(new, today=today, past=Past([lambda: old]))
    if not changed:
        return Change(replace(loaded, findings=()), changed, len(loaded.findings))
    before = load(old, today=today)
    kept = [*_brought_about(loaded.findings, before.findings, changed), *_renames(new, loaded.state, before.state)]
    findings = tuple(sorted(kept, key=lambda finding: (finding.place, finding.code, finding.message)))
    texts = {**loaded.texts, **{f.place.file: _text(new.data(f.place.file)) for f in kept if f.place.file not in loaded.texts}}
    earlier = sum(finding not in kept for finding in loaded.findings)
    return Change(replace(loaded, findings=findings, texts=texts), changed, earlier)


def _renames(source: Held, now: DesiredState | None, before: DesiredState | None) -> Iterator[Finding]:
    """Screens that seem to have been renamed; told only where both states are without errors."""
    from avtech_controller.checks.moves import check_renames  # the checks stand on this package
    from avtech_controller.checks.view import view_of

    if now is None or before is None:
        return
    locator = Locator(source.data)
    for problem in check_renames(view_of(now), before.screens):
        yield locator.finding(problem)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


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
