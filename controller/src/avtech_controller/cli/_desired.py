"""What the commands about releases start from: the desired state of a commit, compiled, and the store it speaks of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avtech_controller.compiler import CompiledScreen, compile_state
from avtech_controller.desired import DesiredState, load, open_source, require_state
from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.errors import ConfigurationError
from avtech_schema.identifiers import CommitId, ScreenId


@dataclass(frozen=True, slots=True)
class Compiled:
    """A valid desired state and its screens; `commit` is None when it was read from the work tree."""

    commit: CommitId | None
    state: DesiredState
    screens: Mapping[ScreenId, CompiledScreen]


def compile_desired(repo: Path, commit: str | None) -> Compiled:
    """Read, validate and compile the desired state.

    Raises:
        SourceError: there is no such repository or commit.
        FindingsError: it has errors.
    """
    source = open_source(repo, commit)
    state = require_state(load(source))
    return Compiled(source.commit, state, compile_state(state))


def chosen_store(option: str | None, state: DesiredState | None) -> ObjectStore:
    """Open the store that `--store` or AVTECH_STORE names, else the fleet's own.

    Raises:
        ConfigurationError: nobody names one, or the address is wrong.
    """
    url = option or (state.fleet.spec.store if state else None)
    if not url:
        raise ConfigurationError("no store is named", hint="give --store URL, set AVTECH_STORE, or spec.store of fleet.yaml")
    return open_store(url)
