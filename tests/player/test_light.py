"""A player loads what it uses: what its libraries would bring besides is left out, and is not missed."""

import os
import subprocess
import sys
from pathlib import Path

from avtech_player.digest import file_digest
from avtech_player.version import player_version
from avtech_schema.canonical import sha256_hex

PROGRAM = """
import sys
sys.modules["boto3"] = None  # A device has none.
import avtech_player.process  # What it loads before it sees to staying light counts as well.
from avtech_player._light import stay_light, trim
stay_light()
import avtech_player.lifetime, avtech_player.api, avtech_player.plays, avtech_player.doctor
import hashlib, hmac
assert hashlib.sha256(b"x").hexdigest().startswith("2d711642")
assert hmac.compare_digest(b"a", b"a")
trim()
print(*sorted(name for name in sys.modules if sys.modules[name] is not None))
"""


def test_a_player_loads_no_second_openssl_nor_what_it_never_uses() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(run.stdout.split())
    assert not {"ssl", "_hashlib", "urllib3", "http.client", "importlib.metadata", "psutil", "pydantic", "git"} & loaded
    assert "tuf.ngclient" in loaded


def test_the_version_is_found_where_it_is_installed() -> None:
    name, _, version = player_version().partition(" ")
    assert name == "avtech-player"
    assert version[:1].isdigit()


def test_files_are_digested_whole(tmp_path: Path) -> None:
    for size in (0, 1, 1 << 18, (1 << 18) + 1, 3_000_000):
        data = os.urandom(size)
        (tmp_path / "file").write_bytes(data)
        with (tmp_path / "file").open("rb") as file:
            assert file_digest(file) == sha256_hex(data)
