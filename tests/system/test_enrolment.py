"""From a bare device to the fleet: the lines that `enroll` prints, pasted into a screen's resource, are what is validated."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLAYER = [sys.executable, "-c", "from avtech_player.cli import main; main()"]
CONTROLLER = [sys.executable, "-c", "from avtech_controller.cli import main; main()"]


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def enroll(folder: Path, screen: str) -> str:
    """Enrol a device of ACME's; what it prints."""
    root = folder / "1.root.json"
    root.write_bytes(b"{}")
    options = ["--screen", screen, "--client", "CLI-ACME", "--store", "s3://bucket/fleet", "--root", str(root)]
    result = run(*PLAYER, "enroll", *options, "--state-dir", str(folder / "state"), "--engine", "simulated")
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    for name in ("fleet", "content-index"):
        shutil.copytree(ROOT / name, tmp_path / "repo" / name)
    return tmp_path / "repo"


def screen_files(repo: Path) -> list[Path]:
    found = sorted((repo / "fleet/CLI-ACME/screens").glob("*.y*ml"))
    assert found
    return found


def test_the_printed_lines_pasted_under_spec_validate_and_a_second_enrolment_changes_nothing(
    tmp_path: Path, repo: Path
) -> None:
    path = next(file for file in screen_files(repo) if "\n---" not in file.read_text())
    document = yaml.safe_load(path.read_text())
    document["spec"].pop("device", None)
    lines = enroll(tmp_path, document["metadata"]["name"])
    key = (tmp_path / "state/device.key").read_bytes()
    text = yaml.safe_dump(document, sort_keys=False)
    assert text.rstrip().splitlines()[-1].startswith(" "), "the spec stands last"
    path.write_text(text + "".join(f"  {line}\n" for line in lines.splitlines()))
    pasted = yaml.safe_load(path.read_text())["spec"]["device"]["publicKey"]
    assert pasted.startswith("ed25519:")
    checked = run(*CONTROLLER, "validate", str(repo), "--output", "concise")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert enroll(tmp_path, document["metadata"]["name"]) == lines
    assert (tmp_path / "state/device.key").read_bytes() == key
    path.write_text(path.read_text().replace(pasted, pasted[:-4]))
    assert run(*CONTROLLER, "validate", str(repo)).returncode == 1
