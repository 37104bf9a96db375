"""Where commands find private keys and passphrases: options, CI variables, and a prompt on a terminal."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from securesystemslib.signer import Key, Signer

from avtech_controller.cli._key_names import (
    HEARTBEAT_FILE,
    HEARTBEAT_VARIABLE,
    PASSPHRASE_VARIABLE,
    PUBLISH_FILE,
    PUBLISH_VARIABLE,
)
from avtech_controller.trust import Anchor, load_signer, open_signer
from avtech_schema.errors import ConfigurationError

MIN_PASSPHRASE = 12
"""A new key's passphrase has at least so many characters: the file may be found, and guessed at without end."""


def passphrase() -> str | None:
    """The passphrase of an encrypted key: from the environment, else asked for on a terminal, else none."""
    if secret := os.environ.get(PASSPHRASE_VARIABLE):
        return secret
    if sys.stdin.isatty():
        return str(click.prompt("Passphrase of the key", hide_input=True, err=True))
    return None


def new_passphrase() -> str:
    """A passphrase for new keys: from the environment, else asked for twice on a terminal.

    Raises:
        ConfigurationError: there is neither, or it is so short that it can be guessed.
    """
    if secret := os.environ.get(PASSPHRASE_VARIABLE):
        return _long_enough(secret)
    if sys.stdin.isatty():
        asked = click.prompt("Passphrase for the offline keys", hide_input=True, confirmation_prompt=True, err=True)
        return _long_enough(str(asked))
    empty = f"{PASSPHRASE_VARIABLE} is set, but empty: " if PASSPHRASE_VARIABLE in os.environ else ""
    raise ConfigurationError(
        "the offline keys need a passphrase",
        hint=f"{empty}set {PASSPHRASE_VARIABLE}, run on a terminal, or say --no-passphrase for a demo",
    )


def _long_enough(secret: str) -> str:
    if len(secret) < MIN_PASSPHRASE:
        raise ConfigurationError(
            f"the passphrase is too short: it has fewer than {MIN_PASSPHRASE} characters",
            hint="take four words or more; whoever finds the file can try as many passphrases as they like",
        )
    return secret


def publish_signer(keys_dir: Path | None, anchor: Anchor | None = None) -> Signer:
    """The publish key: AVTECH_PUBLISH_KEY (PEM text, a path, or a signer's URI), else publish.pem in the keys directory.

    Raises:
        ConfigurationError: nobody says where it is, or it is no key that can be read.
        TrustError: a key service's key cannot be used.
    """
    return _signer("publish", PUBLISH_VARIABLE, keys_dir, PUBLISH_FILE, anchor.keys_of("snapshot") if anchor else ())


def heartbeat_signer(keys_dir: Path | None, anchor: Anchor) -> Signer:
    """The heartbeat key: AVTECH_HEARTBEAT_KEY (as for the publish key), else heartbeat.pem in the keys directory.

    Raises:
        TrustError, ConfigurationError: as for the publish key.
    """
    return _signer("heartbeat", HEARTBEAT_VARIABLE, keys_dir, HEARTBEAT_FILE, anchor.keys_of("timestamp"))


def _signer(what: str, variable: str, keys_dir: Path | None, file: str, candidates: Sequence[Key]) -> Signer:
    if source := os.environ.get(variable):
        return open_signer(source, passphrase, candidates, called=variable)
    if keys_dir is None:
        raise ConfigurationError(
            f"the {what} key is not given",
            hint=f"set {variable} to its PEM text, path or signer URI, or give --keys-dir DIR",
        )
    return load_signer(str(keys_dir / file), passphrase)
