"""The main job, from a commit to the screen and back, as `make demo` runs it."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AVTECH = Path(sys.executable).parent / "avtech"

pytestmark = [pytest.mark.slow, pytest.mark.display, pytest.mark.media, pytest.mark.timeout(300)]


def run_demo(directory: Path, *options: str) -> str:
    command = [str(AVTECH), "demo", "--dir", str(directory), "--source", str(ROOT), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout


class Pictures(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.mark.parametrize("store", [pytest.param("file"), pytest.param("s3", marks=pytest.mark.s3)])
def test_the_demo_shows_the_edit_survives_the_bad_release_and_heals(tmp_path: Path, store: str) -> None:
    told = run_demo(tmp_path / "demo", "--store-kind", store)
    latency = re.search(r"first frame of VID-ACME-FRESH was on the display (-?[0-9.]+) s after", told)
    assert latency is not None, told
    assert float(latency[1]) < 20
    assert told.count("rolled back from") == 3
    assert "VID-ACME-SPOILT does not decode" in told
    assert "still plays VID-ACME-FRESH" in told
    assert "all 8 screens are synced again" in told
    assert re.search(r"\n {4} +[0-9.]+ s  0 of the [0-9]+ frames since that publish were black", told), told
    page = (tmp_path / "demo" / "story.html").read_text(encoding="utf-8")
    assert all(source.startswith("data:") for source in Pictures(page).sources)
    assert len(list((tmp_path / "demo" / "pictures").glob("*.png"))) == 3


def test_the_demo_never_clears_a_directory_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    command = [str(AVTECH), "demo", "--dir", str(tmp_path), "--source", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 2), done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_without_the_example_fleet_the_demo_says_where_to_run_it(tmp_path: Path) -> None:
    command = [str(AVTECH), "demo", "--dir", str(tmp_path / "demo"), "--source", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "clone" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("missing", ["mpv", "Xvfb"])
def test_a_missing_program_is_named_with_the_package_that_has_it(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("git", "ffmpeg", "ffprobe", "mpv", "Xvfb", "sh", "env"):
        if name != missing and (found := shutil.which(name)):
            (path / name).symlink_to(found)
    command = [str(AVTECH), "demo", "--dir", str(tmp_path / "demo"), "--source", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(path)})
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"needs {missing}" in done.stderr
    assert "apt-get install" in done.stderr
