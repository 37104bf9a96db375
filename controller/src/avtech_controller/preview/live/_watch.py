"""Tells when the files of a work tree may have changed, also when its folders are replaced as a whole."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from watchfiles import Change, watch

from avtech_controller.desired._source import FOLDERS, SUFFIXES
from avtech_schema.errors import ConfigurationError

_SETTLE_MS = 50
"""Changes that come within this of each other are one."""
_CHECK_MS = 500


def changes(repo: Path, stop: Event, also: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Yield after each change of a YAML file below fleet/ and content-index/, until `stop` is set.

    `also` is asked twice a second whether something else changed.

    Raises:
        ConfigurationError: there is neither folder, or no more files can be watched.
    """
    if not _folders(repo):
        raise ConfigurationError(
            f"{repo} holds neither fleet/ nor content-index/",
            hint="name the desired-state repository, or make one: avtech init DIR",
        )
    while not stop.is_set():
        folders = _folders(repo)
        if not folders:
            stop.wait(_CHECK_MS / 1000)
            continue
        yield from _while_there(repo, folders, stop, also)
        if not stop.is_set():
            yield


def _while_there(repo: Path, folders: dict[Path, int], stop: Event, also: Callable[[], bool]) -> Iterator[None]:
    """Watch these very folders; ends when one of them is replaced, goes or comes."""
    try:
        for found in watch(
            *folders,
            watch_filter=_matters,
            debounce=400,
            step=_SETTLE_MS,
            rust_timeout=_CHECK_MS,
            yield_on_timeout=True,
            stop_event=stop,
        ):
            if found or also():
                yield
            if _folders(repo) != folders:
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(
            f"the files cannot be watched: {error}", hint="raise fs.inotify.max_user_watches, or use avtech preview"
        ) from error


def _folders(repo: Path) -> dict[Path, int]:
    """The folders that are there, with the numbers the file system knows them by."""
    found: dict[Path, int] = {}
    for name in FOLDERS:
        try:
            found[repo / name] = (repo / name).stat().st_ino
        except OSError:
            continue
    return found


def _matters(change: Change, path: str) -> bool:
    """Folders count as well as YAML files: one that is moved away or in is one change."""
    del change
    name = Path(path).name
    return name.endswith(SUFFIXES) or "." not in name
