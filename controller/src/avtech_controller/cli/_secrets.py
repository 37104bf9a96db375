"""Where commands find private keys and passphrases: options, CI variables, and a prompt on a terminal."""

import os
import sys
from pathlib import Path

import click
from securesystemslib.signer import CryptoSigner

from avtech_controller.trust import load_signer
from avtech_schema.errors import ConfigurationError

PASSPHRASE_VARIABLE = "AVTECH_KEY_PASSPHRASE"  # noqa: S105  the variable's name, not a secret
PUBLISH_VARIABLE = "AVTECH_PUBLISH_KEY"
PUBLISH_FILE = "publish.pem"


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
        ConfigurationError: there is neither.
    """
    if secret := os.environ.get(PASSPHRASE_VARIABLE):
        return secret
    if sys.stdin.isatty():
        return str(click.prompt("Passphrase for the offline keys", hide_input=True, confirmation_prompt=True, err=True))
    raise ConfigurationError(
        "the offline keys need a passphrase",
        hint=f"set {PASSPHRASE_VARIABLE}, run on a terminal, or say --no-passphrase for a demo",
    )


def publish_signer(keys_dir: Path | None) -> CryptoSigner:
    """The publish key: AVTECH_PUBLISH_KEY (PEM text or a path), else publish.pem in the keys directory.

    Raises:
        TrustError: it cannot be read or used.
        ConfigurationError: nobody says where it is.
    """
    if source := os.environ.get(PUBLISH_VARIABLE):
        return load_signer(source, passphrase)
    if keys_dir is None:
        raise ConfigurationError(
            "the publish key is not given", hint=f"set {PUBLISH_VARIABLE} to its PEM text or path, or give --keys-dir DIR"
        )
    return load_signer(str(keys_dir / PUBLISH_FILE), passphrase)
