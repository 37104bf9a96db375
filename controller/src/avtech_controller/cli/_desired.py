"""What the commands about releases start from: the desired state of a commit, compiled, and the store it speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, Loaded, load, open_source, require_state
from avtech_controller.findings import Finding, Severity
from avtech_controller.moves import moves
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import CommitId, ScreenId, VideoId


@dataclass(frozen=True, slots=True)
class Compiled:
    """A desired state, its screens and findings; `commit` is None when it was read from the work tree."""

    commit: CommitId | None
    state: DesiredState
    screens: Mapping[ScreenId, CompiledScreen]
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> int:
        """How many promises it breaks; always 0 unless it was compiled only to be shown."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def trouble(self) -> str:
        """The errors in words; empty without any."""
        return f"the desired state has {self.errors} error{'' if self.errors == 1 else 's'}" if self.errors else ""

    @property
    def moved(self) -> Mapping[ScreenId, ScreenId]:
        """New names of screens by their old ones."""
        return moves(self.state.fleet, self.state.screens)

    @property
    def titles(self) -> dict[VideoId, str]:
        """What people call each clip."""
        return {name: video.spec.title or video.spec.original_name for name, video in self.state.videos.items()}


def compile_desired(repo: Path, commit: str | None) -> Compiled:
    """Read, validate and compile the desired state.

    Raises:
        SourceError: there is no such repository or commit.
        FindingsError: it has errors.
    """
    source = open_source(repo, commit)
    return compile_loaded(source.commit, load(source))


def compile_loaded(commit: CommitId | None, loaded: Loaded) -> Compiled:
    """Compile what was read.

    Raises:
        FindingsError: it has errors.
    """
    state = require_state(loaded)
    return Compiled(commit, state, compile_state(state), loaded.findings)


def chosen_store(option: str | None, state: DesiredState | None) -> ObjectStore:
    """Open the store that `--store` or AVTECH_STORE names, else the fleet's own.

    Raises:
        ConfigurationError: nobody names one, or the address is wrong.
    """
    url = option or (state.fleet.spec.store if state else None)
    if not url:
        raise ConfigurationError("no store is named", hint="give --store URL, set AVTECH_STORE, or spec.store of fleet.yaml")
    return open_store(url)
