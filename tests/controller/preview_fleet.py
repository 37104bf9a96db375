"""The example fleet on a branch that changes it, for tests that look at its preview."""

import shutil
import subprocess
from pathlib import Path

EXAMPLE = Path(__file__).parents[2]
WEEK = ["--from", "2026-10-19", "--until", "2026-10-25"]
_GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
HOSTILE = "</script><script>window.harm=1</script><img src=x onerror=window.harm=1>"
MORE_RULES = """
    - title: Sunday opening
      play: offers
      days: [sun]
      from: "11:00"
      until: "19:00"
    - play: evacuation
      emergency: true
      validFrom: 2026-10-21T10:00
      validUntil: 2026-10-21T10:30
"""


def changed_fleet(root: Path, *, clips: bool = True) -> Path:
    """A repository with the example fleet committed on main, and a work tree in which two schedules change."""
    for name in ("fleet", "content-index", *(["clips"] if clips else [])):
        shutil.copytree(EXAMPLE / name, root / name)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "base"]):
        subprocess.run([*_GIT, *arguments], cwd=root, check=True)
    replace(root / "fleet/CLI-ACME/schedules/canteen.yaml", 'from: "12:30"', 'from: "11:30"')
    shops = root / "fleet/CLI-ACME/schedules/shops.yaml"
    shops.write_text(shops.read_text().rstrip() + MORE_RULES)
    return root


def replace(path: Path, old: str, new: str) -> None:
    """Replace a part of a file that must be there."""
    text = path.read_text()
    assert old in text, f"{path.name} no longer holds {old!r}"
    path.write_text(text.replace(old, new))
