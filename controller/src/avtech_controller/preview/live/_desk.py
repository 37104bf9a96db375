"""An editor's desk: the work tree looked at again and again, with its findings and the last preview that could be made."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

from avtech_controller.compiler import compile_state
from avtech_controller.desired import DesiredState, FileContent, Loaded, SourceFile, load, open_source, read_file
from avtech_controller.findings import Severity
from avtech_controller.preview._base import Bases
from avtech_controller.preview._findings import BROKEN, findings_banner
from avtech_controller.preview._page import render_page
from avtech_controller.preview._preview import Preview, Subject, Workshop, make_preview
from avtech_controller.preview._weeks import Dates
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import AvtechError
from avtech_schema.identifiers import ScreenId

LABEL = "the work tree"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw: what was loaded (None if not even that was possible: `trouble`), and the preview to show.

    `current` says that the preview is of this very look, not an older one; `seconds` is how long the validation took.
    """

    loaded: Loaded | None
    preview: Preview | None
    current: bool
    seconds: float
    trouble: str = ""


class Desk:
    """Looks at one work tree; files that did not change are not parsed again, nor weeks computed again."""

    def __init__(
        self, repo: Path, *, store: str | None = None, base: str | None = None, only: Collection[ScreenId] = ()
    ) -> None:
        self._repo = repo
        self._url = store
        self._revision = base
        self._only = only
        self._files: dict[str, tuple[SourceFile, FileContent]] = {}
        self._workshop = Workshop(repo, None)
        self._bases: Bases | None = None
        self._preview: Preview | None = None

    def look(self, now: datetime) -> Sight:
        """Read the work tree as it is now; nothing that it holds can raise."""
        start = perf_counter()
        seen: dict[str, tuple[SourceFile, FileContent]] = {}

        def read(file: SourceFile) -> FileContent:
            known = self._files.get(file.path)
            content = known[1] if known and known[0] == file else read_file(file)
            seen[file.path] = (file, content)
            return content

        try:
            loaded = load(open_source(self._repo), today=now.date(), read=read)
        except AvtechError as error:
            return Sight(None, self._preview, current=False, seconds=perf_counter() - start, trouble=str(error))
        self._files = seen
        seconds = perf_counter() - start
        if loaded.drawable is None:
            return Sight(loaded, self._preview, current=False, seconds=seconds)
        try:
            self._preview = self._made(loaded.drawable, now)
        except AvtechError as error:
            return Sight(loaded, self._preview, current=False, seconds=seconds, trouble=str(error))
        return Sight(loaded, self._preview, current=True, seconds=seconds)

    def _made(self, state: DesiredState, now: datetime) -> Preview:
        if self._bases is None:
            url = self._url or state.fleet.spec.store
            self._workshop.store = opened = _opened(url)
            self._bases = Bases(self._repo, revision=self._revision, store=opened, only=self._only or None)
        compiled = compile_state(state, only=self._only or None)
        chosen = self._bases.find(None, compiled)
        return make_preview(Subject(state, LABEL, compiled), chosen, Dates(now), self._workshop)


def _opened(url: str | None) -> ObjectStore | None:
    return open_store(url) if url else None


def render_sight(sight: Sight, *, script: str, now: datetime) -> str:
    """The page of a look: its findings on top, then the last preview; `script` waits for the next look."""
    today = now.date()
    preview = sight.preview or Preview(today, today, LABEL, "", (), screens=0, changed=0)
    return render_page(preview, banner=_banner(sight), extra_script=script)


def _banner(sight: Sight) -> str:
    findings, texts = (sight.loaded.findings, sight.loaded.texts) if sight.loaded else ((), {})
    remark = ""
    if not sight.current:
        remark = "what is below is how it was before" if sight.preview else "there is nothing to draw until they are mended"
    elif any(finding.severity is Severity.ERROR for finding in findings):
        remark = BROKEN
    return findings_banner(findings, texts, trouble=sight.trouble, remark=remark)
