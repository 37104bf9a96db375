"""A released example for system tests: made by the real `avtech`, as the README says."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

AVTECH = Path(sys.executable).parent / "avtech"
CLIENT, SCREEN = "CLI-EXAMPLE", "SCR-EXAMPLE-LOBBY"


@dataclass(frozen=True)
class Published:
    """A desired-state repository, and the store in which its head is released."""

    repo: Path
    store: str
    keys: Path

    def avtech(self, *arguments: str) -> str:
        """Run `avtech` in the repository; it must succeed."""
        env = {**os.environ, "AVTECH_STORE": self.store, "AVTECH_KEYS_DIR": str(self.keys)}
        command = [str(AVTECH), *arguments]
        done = subprocess.run(command, cwd=self.repo, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def git(self, *arguments: str) -> None:
        """Run git in the repository."""
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=self.repo, check=True, capture_output=True, timeout=60)

    def publish(self) -> None:
        """Commit everything and release it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        self.avtech("publish", "--yes")


def publish_example(directory: Path, store: str) -> Published:
    """`avtech init`, keys, clips, first release."""
    subprocess.run([str(AVTECH), "init", str(directory / "repo")], check=True, capture_output=True, timeout=60)
    example = Published(directory / "repo", store, directory / "keys")
    example.avtech("keys", "init", "--no-passphrase")
    clips = [str(clip) for clip in sorted((example.repo / "clips").glob("*.mp4"))]
    example.avtech("content", "add", *clips, "--client", CLIENT)
    example.publish()
    return example
