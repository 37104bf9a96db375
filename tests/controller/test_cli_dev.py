"""`avtech dev` as an editor runs it: a process, a page that follows the files, and Ctrl-C."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from avtech_controller.cli._main import cli, run
from tests.chromium import chromium
from tests.controller.preview_fleet import changed_fleet, replace
from tests.controller.repository import make_repository

CANTEEN = "fleet/CLI-ACME/schedules/canteen.yaml"
SHOPS = "fleet/CLI-ACME/schedules/shops.yaml"


class Dev:
    """A running `avtech dev`, and the lines it says on stderr."""

    def __init__(self, root: Path) -> None:
        command = [str(Path(sys.executable).with_name("avtech")), "dev", str(root), "--no-open"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AVTECH_")}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True) for stream in self._streams()]
        for reader in self._readers:
            reader.start()

    def _streams(self) -> list[Iterator[str]]:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        return [self.process.stdout, self.process.stderr]

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self._lines.put(line.rstrip())

    def says(self, pattern: str) -> re.Match[str]:
        """The next line that holds a pattern."""
        seen: list[str] = []
        try:
            while not (found := re.search(pattern, line := self._lines.get(timeout=30))):
                seen.append(line)
        except queue.Empty:
            raise AssertionError(f"{pattern!r} was not said: {seen}") from None
        return found

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=10)
        for reader in self._readers:
            reader.join(timeout=5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@contextmanager
def running(root: Path) -> Iterator[Dev]:
    dev = Dev(root)
    try:
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly(tmp_path: Path, number: int) -> None:
    with running(make_repository(tmp_path).path) as dev:
        dev.says("the preview is at http://127.0.0.1:")
        assert dev.end(number) == 0
        dev.says("^ended$")


@pytest.mark.media
def test_the_page_in_the_browser_follows_the_files(tmp_path: Path) -> None:
    root = changed_fleet(tmp_path, clips=False)
    for day in ("validFrom: 2026-10-21", "validUntil: 2026-10-21"):
        replace(root / SHOPS, day, day.replace("2026", "2030"))
    with chromium() as browser, running(root) as dev:
        assert int(dev.says(r"no findings in \d+ files; 8 screens.* \((\d+) ms\)")[1]) < 3000
        page = browser.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(dev.says("the preview is at (http://[0-9.:]+/)")[1])
        assert page.locator("#findings").inner_text() == "No findings"
        start = time.perf_counter()
        replace(root / CANTEEN, "play: lunch", "play: lunhc")
        page.locator("#findings.errors").wait_for(timeout=20_000)
        seconds = time.perf_counter() - start
        shown = page.locator("#findings").inner_text()
        assert 'playlist "lunhc" does not exist' in shown
        assert 'did you mean "lunch"?' in shown
        assert page.locator(".week").count() >= 5
        assert int(dev.says(r"1 error, .* \((\d+) ms\)")[1]) < 3000
        assert dev.process.poll() is None
        replace(root / CANTEEN, "play: lunhc", "play: lunch")
        page.locator("#findings.clean").wait_for(timeout=20_000)
        replace(root / CANTEEN, 'from: "11:30"', 'from: "11:00"')
        page.locator(".changes", has_text="11:00–12:30").first.wait_for(timeout=20_000)
        assert seconds < 20
        assert complaints == []
        assert dev.end(signal.SIGINT) == 0


def test_a_port_in_use_and_a_directory_without_a_fleet_are_plain_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(cli, ["dev", str(make_repository(tmp_path).path), "--port", str(port), "--no-open"]) == 2
    assert f"port {port} cannot be used: Address already in use" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(cli, ["dev", str(tmp_path / "empty"), "--no-open"]) == 2
    assert "holds neither fleet/ nor content-index/" in capsys.readouterr().err
    assert run(cli, ["dev", str(tmp_path / "gone"), "--no-open"]) == 2
    assert run(cli, ["dev", "--port", "70000"]) == 2
