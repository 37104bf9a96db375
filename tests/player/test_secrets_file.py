"""Secrets: variables from a file, below those of the environment, and never told."""

from pathlib import Path

import pytest

from avtech_player.secrets_file import parse_secrets, with_secrets
from avtech_schema.errors import ConfigurationError


def test_a_file_adds_to_the_environment_and_takes_nothing_from_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.write_text('# the store\nAWS_ACCESS_KEY_ID=file\nAWS_SECRET_ACCESS_KEY="a = b"\n\nEMPTY=\n')
    found = with_secrets(path, {"AWS_ACCESS_KEY_ID": "environment"})
    assert found == {"AWS_ACCESS_KEY_ID": "environment", "AWS_SECRET_ACCESS_KEY": "a = b", "EMPTY": ""}
    assert with_secrets(None, {"A": "b"}) == {"A": "b"}


@pytest.mark.parametrize("data", [b"hunter2", b"A=1\nhunter2", b"\xff\xfe", b"1A=hunter2"])
def test_what_is_no_variable_is_refused_by_its_line_alone(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="expected NAME=value") as told:
        parse_secrets(data, "secrets.env")
    assert "hunter2" not in str(told.value)


def test_a_file_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there are no secrets"):
        with_secrets(tmp_path / "none", {})
    (tmp_path / "huge").write_bytes(b"A=" + b"x" * 100_000)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        with_secrets(tmp_path / "huge", {})
