"""What would be fixed, worked out before anything is written: only what the findings themselves then confirm."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import unified_diff

from avtech_controller.desired import Held, Loaded, Source, load
from avtech_controller.findings import Edit, Finding, Severity
from avtech_controller.fixing._edits import apply_edits
from avtech_controller.fixing._tidy import tidied

_ROUNDS = 4
"""A mend may show what it hid: so often is looked again."""
_MOST_ALONE = 50
"""When not all files are better for being mended, so many are tried alone."""


@dataclass(frozen=True, slots=True)
class FixedFile:
    """One file before and after, and how many findings are mended in it; none if it is only tidied."""

    path: str
    before: bytes
    after: bytes
    mended: int

    def diff(self) -> str:
        """The change as a unified diff."""
        old, new = (data.decode("utf-8", "replace").splitlines(keepends=True) for data in (self.before, self.after))
        lines = unified_diff(old, new, f"a/{self.path}", f"b/{self.path}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Fixes:
    """All files that would be written, in order, and the state as it would be then."""

    files: tuple[FixedFile, ...]
    loaded: Loaded

    @property
    def mended(self) -> int:
        """How many findings are mended."""
        return sum(file.mended for file in self.files)


def plan_fixes(source: Source, *, today: date | None = None) -> Fixes:
    """Work out all safe fixes of a work tree. What a fix does not make better is left as it is.

    Raises:
        SourceError: the source cannot be read.
        FindingsError: it is larger than any that is read.
    """
    held = Held(source)
    before = load(held, today=today)
    mend = _mend(held, before, None, today)
    if not _is_better(before, mend.loaded, mend.changed.keys()):
        mend = _one_by_one(held, before, list(mend.changed), today)
    changed = dict(mend.changed)
    tidy = dict(_tidied(Held(held, changed), mend.loaded.findings))
    loaded = load(Held(held, {**changed, **tidy}), today=today) if tidy else mend.loaded
    changed |= tidy
    files = (FixedFile(path, held.data(path), data, mend.mended[path]) for path, data in sorted(changed.items()))
    return Fixes(tuple(file for file in files if file.before != file.after), loaded)


@dataclass(frozen=True, slots=True)
class _Mend:
    """Files with what was mended in them, and the state as it is then."""

    changed: Mapping[str, bytes]
    mended: Counter[str]
    loaded: Loaded


def _mend(held: Held, before: Loaded, kept: Collection[str] | None, today: date | None) -> _Mend:
    """Mend what findings say in some files, or all; what that shows for the first time, too."""
    changed: dict[str, bytes] = {}
    mended: Counter[str] = Counter()
    loaded = before
    for _ in range(_ROUNDS):
        wanted = {path: edits for path, edits in _edits(loaded.findings).items() if kept is None or path in kept}
        if not wanted:
            break
        for path, edits in wanted.items():
            changed[path] = apply_edits(changed.get(path, held.data(path)), edits)
            mended[path] += len(edits)
        loaded = load(Held(held, changed), today=today)
    return _Mend(changed, mended, loaded)


def _edits(findings: Iterable[Finding]) -> Mapping[str, list[Edit]]:
    """The edits of all fixes by file; of two that want the same place, the first counts."""
    found: dict[str, list[Edit]] = {}
    for finding in findings:
        if finding.fix:
            edits = found.setdefault(finding.place.file, [])
            edits.extend(edit for edit in finding.fix.edits if not any(_meet(edit, other) for other in edits))
    return found


def _meet(one: Edit, other: Edit) -> bool:
    return (one.line, one.column) < (other.end_line, other.end_column) and (other.line, other.column) < (
        one.end_line,
        one.end_column,
    )


def _one_by_one(held: Held, before: Loaded, paths: Sequence[str], today: date | None) -> _Mend:
    """Mend those files that are better for it, each judged with the ones kept so far."""
    kept: list[str] = []
    mend = _Mend({}, Counter(), before)
    for path in paths[:_MOST_ALONE]:
        trial = _mend(held, before, [*kept, path], today)
        if _is_better(mend.loaded, trial.loaded, (path,)):
            kept.append(path)
            mend = trial
    return mend


def _is_better(before: Loaded, after: Loaded, paths: Collection[str]) -> bool:
    """Whether there are fewer errors, or else fewer findings, in all and in each of these files."""
    return all(_score(after, path) < _score(before, path) for path in (None, *paths)) if paths else True


def _score(loaded: Loaded, path: str | None) -> tuple[int, int]:
    found = [finding for finding in loaded.findings if path is None or finding.place.file == path]
    return sum(finding.severity is Severity.ERROR for finding in found), len(found)


def _tidied(held: Held, findings: Iterable[Finding]) -> Iterator[tuple[str, bytes]]:
    """The files that tidying changes; what cannot be read as YAML, or shows a secret, is left alone."""
    unread = {finding.place.file for finding in findings if finding.code < "AVT120" or finding.code == "AVT502"}
    for file in held.files():
        if file.defect is None and file.path not in unread and (data := tidied(file.data)) != file.data:
            yield file.path, data
