"""Writes fixed files: each whole or not at all, only where it was read from, and only if it is still as it was read."""

import os
import stat
from pathlib import Path

from avtech_controller.durable import replace_file
from avtech_controller.fixing._plan import FixedFile, Fixes
from avtech_schema.errors import EnvironmentFailedError


def write_fixes(root: Path, fixes: Fixes) -> None:
    """Write all files of a plan below the directory it was made of.

    Raises:
        EnvironmentFailedError: a file changed meanwhile, is no regular file in this directory, or cannot be written.
    """
    for file in fixes.files:
        try:
            _write(root, file)
        except OSError as error:
            raise EnvironmentFailedError(
                f"cannot write {file.path}: {error.strerror}", hint="files before it are fixed"
            ) from error


def _write(root: Path, file: FixedFile) -> None:
    target = root / file.path
    if target.parent.resolve() != root.resolve() / Path(file.path).parent:
        raise EnvironmentFailedError(f"{file.path} leads out of the repository", hint="links are not followed")
    descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or stream.read(len(file.before) + 1) != file.before:
            raise EnvironmentFailedError(f"{file.path} was changed meanwhile", hint="run the command again")
    replace_file(target, file.after, mode=stat.S_IMODE(status.st_mode))
