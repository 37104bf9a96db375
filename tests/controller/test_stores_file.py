"""A directory as a store: missing, read-only, full, and with links that lead out of it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from avtech_controller.stores import ETag, StoreConfigurationError, StoreError, open_store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "store"
    path.mkdir()
    return path


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with hardly any room."""
    path = tmp_path / "tiny"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


def test_a_missing_directory_is_never_made_and_never_empty(tmp_path: Path, root: Path) -> None:
    clip = root / "clip"
    clip.write_bytes(b"x")
    store = open_store(f"file://{tmp_path}/nowhere")
    for act in (
        lambda: store.get("a/b", limit=1),
        lambda: store.size("a/b"),
        lambda: store.create("a/b", b""),
        lambda: store.upload("a/b", clip),
        lambda: list(store.keys("a/")),
    ):
        with pytest.raises(StoreConfigurationError, match="does not exist") as caught:
            act()
        assert "mkdir" in caught.value.hint
    assert not (tmp_path / "nowhere").exists()


def test_a_file_in_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreConfigurationError):
        open_store(f"file://{tmp_path}/file").get("a/b", limit=1)


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tiny: Path, tmp_path: Path) -> None:
    store = open_store(f"file://{tiny}")
    etag = store.create("a/b", b"small")
    clip = tmp_path / "clip"
    clip.write_bytes(b"x" * 200_000)
    for act in (
        lambda: store.create("a/c", b"x" * 200_000),
        lambda: store.replace("a/b", b"x" * 200_000, etag=etag),
        lambda: store.upload("a/d", clip),
    ):
        with pytest.raises(StoreError, match="No space left"):
            act()
    assert [path.name for path in (tiny / "a").iterdir()] == ["b"]
    assert (tiny / "a/b").read_bytes() == b"small"


def test_a_read_only_disk_is_one_line(tiny: Path) -> None:
    store = open_store(f"file://{tiny}")
    etag = store.create("a/b", b"small")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    acts: list[Callable[[], ETag]] = [
        lambda: store.create("a/c", b"x"),
        lambda: store.create("x/c", b"x"),
        lambda: store.replace("a/b", b"", etag=etag),
    ]
    for act in acts:
        with pytest.raises(StoreConfigurationError, match="read-only") as caught:
            act()
        assert caught.value.hint == "make it writable"
    assert store.size("a/b") == 5


def test_a_file_in_the_place_of_the_directory_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreConfigurationError, match="is a file, not a directory"):
        open_store(f"file://{tmp_path}/store").get("a/b", limit=1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_denies_access_is_a_configuration_error(root: Path) -> None:
    root.chmod(0)
    with pytest.raises(StoreConfigurationError, match="access denied"):
        open_store(f"file://{root}").create("a/b", b"")
    root.chmod(0o700)


def test_a_link_out_of_the_store_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "a").symlink_to(outside)
    (root / "b").mkdir()
    (root / "b/secret").symlink_to(outside / "secret")
    store = open_store(f"file://{root}")
    for key in ("a/secret", "b/secret"):
        with pytest.raises(StoreError):
            store.get(key, limit=100)
    with pytest.raises(StoreError):
        store.create("a/new", b"x")
    assert not (outside / "new").exists()
    assert list(store.keys("b/")) == []


def test_a_pipe_in_place_of_an_object_does_not_hang(root: Path) -> None:
    (root / "a").mkdir()
    os.mkfifo(root / "a/b")
    with pytest.raises(StoreError, match="not a regular file"):
        open_store(f"file://{root}").get("a/b", limit=1)


def test_what_a_killed_writer_left_is_not_listed(root: Path) -> None:
    store = open_store(f"file://{root}")
    store.create("a/b", b"x")
    (root / "a/.123-abc.tmp").write_bytes(b"half")
    assert list(store.keys("a/")) == ["a/b"]
