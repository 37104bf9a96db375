"""The templates for CI as files of a desired-state repository, and how they are put there without replacing anything."""

from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable
from pathlib import Path

from avtech_controller.durable import create_file
from avtech_schema.errors import ConfigurationError

KINDS = ("github", "gitlab")
SCRIPTS = ("install", "publish", "comment")
_MAX_BYTES = 1 << 20
_LISTED = 5


def ci_files(kind: str) -> dict[str, bytes]:
    """What a repository needs for GitHub's or GitLab's CI, by path from its root."""
    templates = resources.files("avtech_controller") / "templates" / "ci"
    files = {f"ci/{name}": (templates / "scripts" / name).read_bytes() for name in SCRIPTS}
    files |= {_place(kind, entry): entry.read_bytes() for entry in (templates / kind).iterdir() if entry.is_file()}
    files["ci/requirements.txt"] = f"avtech-controller=={version('avtech-controller')}\n".encode()
    return dict(sorted(files.items()))


def is_program(path: str) -> bool:
    """Whether a file of these is one that is run."""
    return path in {f"ci/{name}" for name in SCRIPTS}


def add_ci_files(root: Path, files: Mapping[str, bytes]) -> list[str]:
    """Write those that are missing; returns their paths.

    Raises:
        ConfigurationError: one of them is there and is not the same; nothing was written.
        OSError: the directory cannot be written.
    """
    missing = [path for path in files if not (root / path).is_symlink() and not (root / path).exists()]
    others = [path for path, data in files.items() if path not in missing and _there(root / path) != data]
    if others:
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        raise ConfigurationError(
            f"{', '.join(others[:_LISTED])}{more}: there already, and not as these templates are; nothing was written",
            hint="nothing is ever overwritten: move them away, compare afterwards, and run the same command again",
        )
    for path in missing:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        create_file(place, [files[path]], mode=0o755 if is_program(path) else 0o644)
    return missing


def _place(kind: str, template: Traversable) -> str:
    if template.name == "README.md":
        return "ci/README.md"
    return f".github/workflows/{template.name}" if kind == "github" else f".{template.name}"


def _there(path: Path) -> bytes | None:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return None
    return path.read_bytes()
