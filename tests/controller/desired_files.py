"""A small desired state as files, to be varied by tests, and the findings of what comes out."""

import textwrap
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from avtech_controller.desired import Loaded, load, open_source

SHA = "a" * 64

MINIMAL: Mapping[str, str] = {
    "fleet/fleet.yaml": """\
apiVersion: avtech/v1
kind: Fleet
metadata:
  name: fleet
spec: {}
""",
    "fleet/CLI-A/client.yaml": """\
apiVersion: avtech/v1
kind: Client
metadata:
  name: CLI-A
spec:
  title: A
  timeZone: Europe/Madrid
  fallback: house
""",
    "fleet/CLI-A/screens/one.yaml": """\
apiVersion: avtech/v1
kind: Screen
metadata:
  name: SCR-A-1
  labels: {floor: "1"}
spec:
  client: CLI-A
""",
    "fleet/CLI-A/playlists/house.yaml": """\
apiVersion: avtech/v1
kind: Playlist
metadata:
  name: house
spec:
  client: CLI-A
  items:
    - clip: VID-A-ONE
""",
    "content-index/CLI-A/VID-A-ONE.yaml": f"""\
apiVersion: avtech/v1
kind: Video
metadata:
  name: VID-A-ONE
spec:
  client: CLI-A
  sha256: "{SHA}"
  sizeBytes: 1000
  durationMs: 5000
  media: {{container: mp4, videoCodec: h264, pixelFormat: yuv420p, width: 640, height: 360, frameRate: 25/1}}
  originalName: one.mp4
""",
}


def document(kind: str, name: str, spec: str, *, labels: str = "{}") -> str:
    """One resource as YAML; `spec` is the text below `spec:`."""
    body = textwrap.indent(textwrap.dedent(spec).strip("\n"), "  ")
    return f"apiVersion: avtech/v1\nkind: {kind}\nmetadata:\n  name: {name}\n  labels: {labels}\nspec:\n{body}\n"


def client(name: str) -> dict[str, str]:
    """Another client with a screen, a playlist and a clip of its own."""
    return {
        path.replace("CLI-A", name).replace("VID-A", f"VID-{name[4:]}"): text.replace("CLI-A", name).replace(
            "-A-", f"-{name[4:]}-"
        )
        for path, text in MINIMAL.items()
        if "CLI-A" in path
    }


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a directory."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def loaded(root: Path, files: Mapping[str, str | bytes | None] | None = None, today: date | None = None) -> Loaded:
    """Load the minimal state with some files added, replaced or (None) left out."""
    wanted = {**MINIMAL, **(files or {})}
    kept = {name: content for name, content in wanted.items() if content is not None}
    return load(open_source(write(root, kept)), today=today)


def codes(found: Loaded) -> list[str]:
    """The codes of the findings, in order of place."""
    return [finding.code for finding in found.findings]


def marked(found: Loaded, number: int = 0) -> str:
    """The text that a finding's caret stands under."""
    place = found.findings[number].place
    lines = found.texts[place.file].split("\n")
    assert place.end_line == place.line
    return lines[place.line - 1][place.column - 1 : place.end_column - 1]
