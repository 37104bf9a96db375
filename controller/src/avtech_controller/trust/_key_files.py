"""Looks at a directory of private keys: who can read them, whether they are encrypted, and whether they still count."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuf.api.metadata import Root

from avtech_controller.trust._ailments import Ailment, error, warning
from avtech_controller.trust._keys import MAX_KEY_BYTES, load_signer
from avtech_controller.trust._rotation import Duty, keys_for
from avtech_schema.errors import ConfigurationError

_CODE = "key-file"
_MAX_FILES = 1000


def key_file_ailments(directory: Path, root: Root | None) -> Iterator[Ailment]:
    """What is wrong with the `*.pem` files of a directory; `root` says which keys count, if it is known."""
    try:
        mode = directory.stat().st_mode
        files = sorted(directory.glob("*.pem"))[:_MAX_FILES]
    except OSError as failure:
        yield error(_CODE, f"the keys directory cannot be read: {failure.strerror}", str(directory))
        return
    if mode & 0o022:
        yield error(_CODE, "others can write here, and so replace keys", str(directory), f"chmod 700 {directory}")
    duties = {key.keyid: duty for duty in Duty for key in keys_for(root, duty)} if root else {}
    offline: list[Path] = []
    online: list[Path] = []
    for path in files:
        encrypted, ailments = _file_ailments(path, duties)
        yield from ailments
        (offline if encrypted else online).append(path)
    if offline and online:
        yield warning(
            _CODE,
            f"offline keys ({offline[0].name}) lie beside {online[0].name}, which is not encrypted",
            str(directory),
            "keep offline keys away from machines that are online, each with its holder",
        )


def is_exposed(path: Path) -> bool:
    """Whether anybody but its owner can read or write a file.

    Raises:
        OSError: it cannot be looked at.
    """
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _file_ailments(path: Path, duties: Mapping[str, Duty]) -> tuple[bool, list[Ailment]]:
    """Whether a key is encrypted, and what is wrong with its file."""
    found: list[Ailment] = []
    try:
        if is_exposed(path):
            found.append(error(_CODE, "others can read this private key", str(path), f"chmod 600 {path}; consider it leaked"))
        with path.open("rb") as stream:
            encrypted = b"ENCRYPTED" in stream.read(MAX_KEY_BYTES)
    except OSError as failure:
        return False, [*found, error(_CODE, f"the key cannot be read: {failure.strerror}", str(path))]
    if encrypted:
        return True, found
    try:
        keyid = load_signer(str(path)).public_key.keyid
    except ConfigurationError as failure:
        return False, [*found, error(_CODE, str(failure), str(path))]
    duty = duties.get(keyid)
    if duty in (Duty.ROOT, Duty.TARGETS):
        found.append(warning(_CODE, f"this {duty} key is not encrypted", str(path), "replace it: avtech keys rotate"))
    elif duties and duty is None:
        found.append(warning(_CODE, "this key counts for nothing here (any more)", str(path), "delete it, or use another root"))
    return False, found
