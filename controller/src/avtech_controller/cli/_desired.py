"""What the commands about releases start from: the desired state of a commit, compiled, and the store it speaks of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, Loaded, open_source, require_state
from avtech_controller.findings import Finding, Severity
from avtech_controller.incremental import Cache, Compilation, compile_source
from avtech_controller.moves import moves
from avtech_controller.roster import ManifestRef
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import ClientId, CommitId, ScreenId, VideoId
from avtech_schema.resources import Client, Fleet


@dataclass(frozen=True, slots=True)
class Compiled:
    """A desired state's screens and findings; `commit` is None when it was read from the work tree."""

    commit: CommitId | None
    of: DesiredState | Compilation
    """What it was compiled from or by."""
    screens: Mapping[ScreenId, CompiledScreen]
    findings: tuple[Finding, ...] = ()

    @property
    def fleet(self) -> Fleet:
        """The Fleet."""
        return self.of.fleet

    @property
    def clients(self) -> Mapping[ClientId, Client]:
        """The clients."""
        return self.of.clients

    @property
    def labels(self) -> Mapping[ScreenId, Mapping[str, str]]:
        """The labels of every screen."""
        if isinstance(self.of, Compilation):
            return self.of.labels
        return {name: screen.metadata.labels for name, screen in self.of.screens.items()}

    @property
    def earlier(self) -> Callable[[ManifestRef], bytes | None] | None:
        """Manifests of other commits by the cache; None if there is none."""
        return self.of.earlier if isinstance(self.of, Compilation) else None

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
        return moves(self.of.fleet, self.screens.keys())

    @property
    def titles(self) -> Mapping[VideoId, str]:
        """What people call each clip."""
        if isinstance(self.of, Compilation):
            return self.of.titles
        return {name: video.spec.title or video.spec.original_name for name, video in self.of.videos.items()}


def compile_desired(repo: Path, commit: str | None, cache: Cache | None = None) -> Compiled:
    """Read, validate and compile the desired state; with a cache, what is known of it from earlier is not looked at again.

    Raises:
        SourceError: there is no such repository or commit.
        FindingsError: it has errors.
    """
    made = compile_source(open_source(repo, commit), cache)
    return Compiled(made.commit, made, made.screens, made.findings)


def compile_loaded(commit: CommitId | None, loaded: Loaded) -> Compiled:
    """Compile what was read.

    Raises:
        FindingsError: it has errors.
    """
    state = require_state(loaded)
    return Compiled(commit, state, compile_state(state), loaded.findings)


class _OfFleet(Protocol):
    @property
    def fleet(self) -> Fleet: ...


def chosen_store(option: str | None, state: _OfFleet | None) -> ObjectStore:
    """Open the store that `--store` or AVTECH_STORE names, else the fleet's own.

    Raises:
        ConfigurationError: nobody names one, or the address is wrong.
    """
    url = option or (state.fleet.spec.store if state else None)
    if not url:
        raise ConfigurationError("no store is named", hint="give --store URL, set AVTECH_STORE, or spec.store of fleet.yaml")
    return open_store(url)
