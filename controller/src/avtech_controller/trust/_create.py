"""Makes a new repository's keys and trust metadata on disk: never overwrites, never leaves keys where Git would take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from git import GitCommandError, Repo
from git.exc import GitCommandNotFound, InvalidGitRepositoryError, NoSuchPathError
from securesystemslib.signer import CryptoSigner

from avtech_controller import durable
from avtech_controller.trust._ceremony import KeySet, bin_bits, first_root, first_targets
from avtech_controller.trust._folder import TRUST_FOLDER
from avtech_controller.trust._keys import generate_key, public_pem, write_key
from avtech_controller.trust._metadata import NAME_FIELD
from avtech_schema.errors import ConfigurationError, EnvironmentFailedError


@dataclass(frozen=True, slots=True)
class Created:
    """What was written: private keys, and the public metadata to commit; and the number of bins."""

    keys: tuple[Path, ...]
    trust: tuple[Path, ...]
    bins: int


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """The file of a new key's public half, and the key's id."""

    public: Path
    keyid: str


def create_key(path: Path, *, passphrase: str | None) -> CreatedKey:
    """Create one key: a `.pem` file for its owner alone, and a `.pub` file beside it.

    Raises:
        ConfigurationError: it is not called `.pem`, a file exists already, or Git would take it.
        EnvironmentFailedError: a file cannot be written.
    """
    if path.suffix != ".pem":
        raise ConfigurationError(f"{path.name!r:.80} does not end in .pem", hint="name it NAME.pem; NAME.pub goes beside it")
    public = path.with_suffix(".pub")
    check_outside(path.parent, path.parent)
    for one in (path, public):
        if one.exists() or one.is_symlink():
            raise ConfigurationError(f"{one} exists already; keys are never overwritten")
    key = generate_key()
    try:
        _make_private(path.parent)
        write_key(path, key, passphrase=passphrase)
        durable.create_file(public, [public_pem(key)])
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return CreatedKey(public, CryptoSigner(key).public_key.keyid)


def create_repository(
    repo: Path, keys_dir: Path, *, roots: int, threshold: int, screens: int, passphrase: str | None, now: datetime
) -> Created:
    """Create root, targets, publish and heartbeat keys, and `trust/1.root.json` and `trust/1.targets.json`.

    Raises:
        ConfigurationError: the numbers make no sense, a file exists already, or Git would take the keys.
        EnvironmentFailedError: a file cannot be written.
    """
    if threshold > roots:
        raise ConfigurationError(f"{threshold} of {roots} root keys cannot sign: the threshold is larger than their number")
    if not repo.is_dir():
        raise ConfigurationError(f"{repo} is not a directory", hint="name the desired-state repository with --repo")
    check_outside(repo, keys_dir)
    offline = {f"root-{number}": generate_key() for number in range(1, roots + 1)} | {"targets": generate_key()}
    online = {"publish": generate_key(), "heartbeat": generate_key()}
    paths = {name: keys_dir / f"{name}.pem" for name in offline | online}
    trust = {name: repo / TRUST_FOLDER / f"1.{name}.json" for name in ("root", "targets")}
    for path in [*paths.values(), *trust.values()]:
        if path.exists() or path.is_symlink():
            raise ConfigurationError(f"{path} exists already; keys and trust are never overwritten")
    bits = bin_bits(screens)
    signers = _key_set(offline, online)
    public = {"root": first_root(signers, threshold=threshold, now=now), "targets": first_targets(signers, bits=bits, now=now)}
    try:
        _make_private(keys_dir)
        for name, key in (offline | online).items():
            write_key(paths[name], key, passphrase=passphrase if name in offline else None)
        (repo / TRUST_FOLDER).mkdir(exist_ok=True)
        for name, data in public.items():
            durable.create_file(trust[name], [data])
    except OSError as error:
        raise EnvironmentFailedError(f"{error.filename or keys_dir} cannot be written: {error.strerror}") from error
    return Created(tuple(paths.values()), tuple(trust.values()), 2**bits)


def _key_set(offline: Mapping[str, Ed25519PrivateKey], online: Mapping[str, Ed25519PrivateKey]) -> KeySet:
    signers = {name: CryptoSigner(key) for name, key in {**offline, **online}.items()}
    for name, signer in signers.items():
        signer.public_key.unrecognized_fields[NAME_FIELD] = name
    roots = [signer for name, signer in signers.items() if name.startswith("root-")]
    return KeySet(roots, signers["targets"], signers["publish"], signers["heartbeat"])


def _make_private(directory: Path) -> None:
    if not directory.exists():
        directory.mkdir(parents=True, mode=0o700)


def check_outside(repo: Path, keys_dir: Path) -> None:
    """Refuse a keys directory in a Git work tree, unless Git ignores it.

    Raises:
        ConfigurationError: private keys there would be committed.
    """
    place = keys_dir.absolute()
    existing = next(parent for parent in [place, *place.parents] if parent.is_dir())
    for start in (existing, repo):
        try:
            found = Repo(start, search_parent_directories=True)
        except (InvalidGitRepositoryError, NoSuchPathError):
            continue
        top = found.working_tree_dir
        if top is None or not place.resolve().is_relative_to(Path(top).resolve()):
            continue
        try:
            found.git.check_ignore("--quiet", str(place.resolve() / "publish.pem"))
        except (GitCommandError, GitCommandNotFound) as error:
            raise ConfigurationError(
                f"{keys_dir} lies in the Git work tree {top}: private keys would be committed",
                hint="name a directory outside of the repository, or add it to .gitignore first",
            ) from error
