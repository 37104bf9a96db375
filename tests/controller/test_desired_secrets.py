"""Secrets in files: found wherever they stand, and never shown by any form of output."""

import base64
import json
import random
import string
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from avtech_controller.desired._secrets import secrets_in
from tests.controller.desired_files import MINIMAL, codes, loaded, write

CLIENT = "fleet/CLI-A/client.yaml"
FLEET = "fleet/fleet.yaml"
_DICE = random.Random(7)


def letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Letters at random, so that no secret stands in this file."""
    return "".join(_DICE.choice(alphabet) for _ in range(count))


BASE32 = string.ascii_uppercase + "234567"
PEM = f"-----BEGIN PRIVATE {'KEY'}-----\n{letters(64)}\n{letters(20)}==\n-----END PRIVATE {'KEY'}-----"
SECRETS = {
    "a private key": PEM,
    "an AWS access key": "AKIA" + letters(16, BASE32),
    "a GitHub token": "ghp_" + letters(36),
    "a GitLab token": "glpat-" + letters(20),
    "a Slack token": "xoxb-" + letters(24),
    "a Google API key": "AIza" + letters(35),
    "a JSON web token": "eyJ" + letters(20) + ".eyJ" + letters(40) + "." + letters(43),
    "a Stripe key": "sk_live_" + letters(24),
}


@pytest.mark.parametrize("what", SECRETS)
def test_each_kind_of_secret_is_found_in_a_comment(tmp_path: Path, what: str) -> None:
    lines = "".join(f"# {line}\n" for line in SECRETS[what].split("\n"))
    state = loaded(tmp_path, {CLIENT: MINIMAL[CLIENT] + lines})
    assert codes(state) == ["AVT502"]
    assert state.findings[0].message == f"this looks like {what}"
    assert state.state is None


@pytest.mark.parametrize(
    "line",
    [
        "password: " + letters(14) + "!7",
        "API_KEY = '" + letters(40) + "'",
        'aws_secret_access_key: "' + letters(40) + '"',
        "token: " + letters(32, "0123456789abcdef"),
    ],
)
def test_random_values_under_telling_names_are_found(line: str) -> None:
    (secret,) = secrets_in(f"# before\n# {line}\n")
    assert secret.what == "a password, token or key"


@pytest.mark.parametrize(
    "line",
    [
        "password: ${SIGNAGE_PASSWORD}",
        "password: changeme",
        "token: <your-token-here>",
        "title: The secret: garden-of-roses",
        "# the secret is kept in the environment",
        "publicKey: ed25519:" + base64.b64encode(bytes(range(32))).decode(),
        "sha256: " + letters(64, "0123456789abcdef"),
        "store: s3://signage/live?endpoint=https://s3.example.com",
        "store: s3://signage/live?endpoint=https://user@s3.example.com",
        "tokens: [monday, tuesday]",
        "AKIA is a name",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert secrets_in(f"{line}\n") == []


def test_a_store_address_with_a_password_is_found_and_only_the_password_marked() -> None:
    text = "store: s3://user:" + letters(12) + "@bucket/prefix\n"
    (secret,) = secrets_in(text)
    assert text[: secret.start] == "store: s3://"
    assert text[secret.end] == "@"


@pytest.mark.parametrize("output", ["full", "concise", "json", "github", "sarif", "junit"])
def test_no_form_of_output_shows_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str) -> None:
    token, key = SECRETS["a GitHub token"] * 3, SECRETS["an AWS access key"]
    root = write(
        tmp_path,
        {
            **MINIMAL,
            CLIENT: MINIMAL[CLIENT] + f"  {key}: x\n  timeZon: {token}\n",
            FLEET: MINIMAL[FLEET] + f"# {PEM.splitlines()[0]}\n",
        },
    )
    (root / "fleet/x.yaml").write_text(f"kind: {token}\n")
    assert run(cli, ["validate", str(root), "--output", output]) == 1
    out, err = capsys.readouterr()
    for part in (token, token[:20], key, key[:10]):
        assert part not in out + err
    if output == "json":
        found = [finding["code"] for finding in json.loads(out)["findings"]]
        assert found.count("AVT502") == 4
        assert "AVT122" in found


def test_a_file_full_of_secrets_costs_little_and_tells_some(tmp_path: Path) -> None:
    text = "".join(f"# AKIA{letters(16, BASE32)} password={letters(30)}\n" for _ in range(10_000))
    state = loaded(tmp_path, {CLIENT: MINIMAL[CLIENT] + text})
    assert codes(state) == ["AVT502"] * 20


def test_hostile_text_does_not_stall_the_search() -> None:
    for piece in ("password:", "eyJ" + "a" * 100, "://a:", "-----BEGIN PRIVATE KEY-----", "token=" + "a" * 500):
        assert len(secrets_in(piece * (1_000_000 // len(piece)))) < 50_000
