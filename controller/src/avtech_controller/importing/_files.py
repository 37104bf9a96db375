"""Finds an asset's file beside the list: by the name in its address, and never outside of the list's folder."""

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from avtech_controller.importing._assets import LIST_NAME, Asset, AssetListError
from avtech_controller.media import shown

FOLDERS = ("", "anthias_assets", "screenly_assets", "assets")
"""Folders beside the list: that of a device, today's and earlier."""
_SUFFIXES = ("", ".mp4", ".mov", ".m4v")


def find_list(path: Path) -> Path:
    """The list of assets that a path names: the file itself, or the one in a directory.

    Raises:
        AssetListError: a directory holds no such file.
    """
    try:
        if not path.is_dir():
            return path
        found = path / LIST_NAME
        if found.is_file():
            return found
    except (OSError, ValueError) as error:
        raise AssetListError(f"{shown(path)}: cannot be read") from error
    raise AssetListError(f"{shown(path.absolute())}: holds no {LIST_NAME}")


def find_file(asset: Asset, folder: Path) -> Path | None:
    """The file of an asset; None when it is not there."""
    for name in _names(asset):
        for below in FOLDERS:
            if (found := _inside(folder / below / name, folder)) is not None:
                return found
    return None


def _names(asset: Asset) -> list[str]:
    """What the file may be called: as in its address, or by the asset's id or name."""
    uri = asset.uri
    try:
        stem = unquote(urlsplit(uri).path) if "://" in uri else uri
    except ValueError:
        stem = ""
    wanted = [PurePosixPath(stem).name, *(asset.asset_id + suffix for suffix in _SUFFIXES if asset.asset_id), asset.name]
    return [name for name in dict.fromkeys(wanted) if _is_plain(name)]


def _is_plain(name: str) -> bool:
    """Whether it is a file's name and nothing else."""
    return bool(name) and name not in (".", "..") and "/" not in name and "\\" not in name and name.isprintable()


def _inside(path: Path, folder: Path) -> Path | None:
    try:
        if len(path.name.encode()) > 255 or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    return path
