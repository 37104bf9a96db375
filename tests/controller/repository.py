"""A desired-state repository under Git with a store and keys, for tests of the commands about releases."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from avtech_controller.stores import ObjectStore, open_store
from avtech_schema.canonical import sha256_hex
from avtech_schema.envelope import public_key_text
from avtech_schema.identifiers import ClientId
from avtech_schema.layout import content_key

CLIP = b"bytes with a size and a digest, which is all that a publication looks at"
_GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class Repository:
    """The repository, the directory of its keys, its store, and the device key of every screen."""

    path: Path
    keys: Path
    store_path: Path
    devices: dict[str, Ed25519PrivateKey]

    @property
    def store(self) -> ObjectStore:
        return open_store(f"file://{self.store_path}")

    def options(self) -> list[str]:
        """What every command needs to find its things."""
        return ["--repo", str(self.path), "--store", f"file://{self.store_path}"]

    def git(self, *arguments: str) -> str:
        ran = subprocess.run([*_GIT, *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return ran.stdout.strip()

    def commit(self, message: str = "change") -> str:
        """Commit the whole work tree; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def screen(self, number: int, *, extra: str = "") -> str:
        """Write a screen's file; returns its name."""
        name = f"SCR-ACME-{number:04}"
        device = self.devices.setdefault(name, Ed25519PrivateKey.generate())
        self.write(
            f"fleet/CLI-ACME/screens/{name}.yaml",
            f"{_head('Screen', name)}spec:\n  client: CLI-ACME\n"
            f"  device: {{publicKey: '{public_key_text(device.public_key())}'}}\n{extra}",
        )
        return name


def make_repository(directory: Path, *, screens: int = 2) -> Repository:
    """A valid desired state of one client whose clip is in the store; nothing is committed and there are no keys yet."""
    repository = Repository(directory / "repo", directory / "keys", directory / "store", {})
    repository.path.mkdir()
    repository.store_path.mkdir()
    repository.git("init", "-q", "-b", "main")
    repository.write("fleet/fleet.yaml", f"{_head('Fleet', 'test')}spec: {{}}\n")
    repository.write(
        "fleet/CLI-ACME/client.yaml",
        f"{_head('Client', 'CLI-ACME')}spec: {{title: Acme, timeZone: Europe/Madrid, fallback: main}}\n",
    )
    repository.write(
        "fleet/CLI-ACME/playlists/main.yaml",
        f"{_head('Playlist', 'main')}spec: {{client: CLI-ACME, title: Main, items: [{{clip: VID-ACME-A}}]}}\n",
    )
    digest = sha256_hex(CLIP)
    repository.write(
        "content-index/CLI-ACME/VID-ACME-A.yaml",
        f"{_head('Video', 'VID-ACME-A')}spec:\n  client: CLI-ACME\n  title: A\n  sha256: '{digest}'\n  sizeBytes: {len(CLIP)}\n"
        "  durationMs: 5000\n  media: {container: mp4, videoCodec: h264, pixelFormat: yuv420p, width: 640, height: 360,"
        f" frameRate: '25/1'}}\n  originalName: a.mp4\n  thumbnail: {{sha256: '{digest}', sizeBytes: 1}}\n  state: active\n",
    )
    for number in range(1, screens + 1):
        repository.screen(number)
    repository.store.create(content_key(ClientId("CLI-ACME"), digest), CLIP)
    return repository


def _head(kind: str, name: str) -> str:
    return f"apiVersion: avtech/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
