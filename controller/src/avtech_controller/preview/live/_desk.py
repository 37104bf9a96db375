"""An editor's desk: the work tree looked at again and again, with its findings and the last preview that could be made."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, Loaded, StandingTree, can_be_drawn, check_source, open_source
from avtech_controller.findings import Severity
from avtech_controller.preview._base import Bases
from avtech_controller.preview._findings import BROKEN, findings_banner
from avtech_controller.preview._page import render_page
from avtech_controller.preview._preview import Preview, Subject, Workshop, make_preview
from avtech_controller.preview._weeks import Dates
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import AvtechError
from avtech_schema.identifiers import ClientId, ScreenId

LABEL = "the work tree"
DRAWING = "what is below is how it was before; how it is now is being drawn"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw: what was loaded (None if not even that was possible: `trouble`), and the preview to show.

    `current` says that the preview is of this very look, not an older one; `awaited` that it can be drawn and is not yet.
    `seconds` is how long the validation took.
    """

    loaded: Loaded | None
    preview: Preview | None
    current: bool
    seconds: float
    trouble: str = ""
    awaited: bool = False


@dataclass(slots=True)
class _Drawn:
    """What was compiled last, and of which state."""

    tree: StandingTree = field(default_factory=StandingTree)
    screens: dict[ScreenId, CompiledScreen] = field(default_factory=dict)
    is_whole: bool = False


class Desk:
    """Looks at one work tree; what did not change is not read, checked, compiled or computed again."""

    def __init__(
        self, repo: Path, *, store: str | None = None, base: str | None = None, only: Collection[ScreenId] = ()
    ) -> None:
        self._repo = repo
        self._url = store
        self._revision = base
        self._only = only
        self._drawn = _Drawn()
        self._workshop = Workshop(repo, None)
        self._bases: Bases | None = None
        self._preview: Preview | None = None

    @property
    def store(self) -> ObjectStore | None:
        """The store that holds what is released, once a look has found which that is."""
        return self._workshop.store

    def look(self, now: datetime) -> Sight:
        """Check the work tree as it is now and draw it; nothing that it holds can raise."""
        return self.draw(self.check(now), now)

    def check(self, now: datetime) -> Sight:
        """Find what is wrong with the work tree as it is now; nothing that it holds can raise."""
        start = perf_counter()
        try:
            loaded = check_source(open_source(self._repo), today=now.date())
        except AvtechError as error:
            return Sight(None, self._preview, current=False, seconds=perf_counter() - start, trouble=str(error))
        return Sight(loaded, self._preview, current=False, seconds=perf_counter() - start, awaited=can_be_drawn(loaded))

    def draw(self, sight: Sight, now: datetime) -> Sight:
        """The same with its preview, if one can be drawn."""
        if not sight.awaited:
            return sight
        try:
            self._preview = self._made(now)
        except AvtechError as error:
            return replace(sight, awaited=False, trouble=str(error))
        return replace(sight, preview=self._preview, current=True, awaited=False)

    def forget_release(self) -> None:
        """Read what is released anew at the next look."""
        if self._bases is not None:
            self._bases.forget_release()

    def _made(self, now: datetime) -> Preview:
        state, compiled = self._compiled()
        if self._bases is None:
            url = self._url or state.fleet.spec.store
            self._workshop.store = opened = _opened(url)
            self._bases = Bases(self._repo, revision=self._revision, store=opened, only=self._only or None)
        chosen = self._bases.find(None, compiled)
        return make_preview(Subject(state, LABEL, compiled), chosen, Dates(now), self._workshop)

    def _compiled(self) -> tuple[DesiredState, dict[ScreenId, CompiledScreen]]:
        """The state and its screens; only those of clients whose files changed are compiled."""
        drawn = self._drawn
        touched = drawn.tree.refresh(open_source(self._repo))
        whole, drawn.is_whole = drawn.is_whole and touched is not None, False
        state = drawn.tree.state()
        wanted = state.screens.keys() & self._only if self._only else state.screens.keys()
        kept = {name: drawn.screens[name] for name in wanted & drawn.screens.keys()} if whole else {}
        stale = {name for name in wanted if name not in kept or ClientId(state.screens[name].spec.client) in (touched or ())}
        fresh = compile_state(state, only=stale) if stale else {}
        drawn.screens = dict(sorted((kept | fresh).items()))
        drawn.is_whole = True
        return state, drawn.screens


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
    if sight.awaited:
        remark = DRAWING if sight.preview else "the weeks are being drawn"
    elif not sight.current:
        remark = "what is below is how it was before" if sight.preview else "there is nothing to draw until they are mended"
    elif any(finding.severity is Severity.ERROR for finding in findings):
        remark = BROKEN
    return findings_banner(findings, texts, trouble=sight.trouble, remark=remark)
