"""The live preview: what a desk sees, what a board tells, and what the watch notices."""

import http.client
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avtech_controller.desired import StandingTree, load, open_source
from avtech_controller.preview.live import Board, Desk, ReleaseWatch, changes, render_sight, serving, watching_release
from avtech_controller.preview.live._serve import MAX_STREAMS
from avtech_controller.stores import ObjectStore, StoreError, open_store
from avtech_schema.errors import ConfigurationError
from avtech_schema.layout import TIMESTAMP_KEY
from tests.controller.preview_fleet import HOSTILE, changed_fleet, replace
from tests.controller.repository import make_repository

NOW = datetime(2026, 10, 21, 12, tzinfo=UTC)
MAIN = "fleet/CLI-ACME/playlists/main.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path).path


def test_a_fault_keeps_the_last_preview_and_is_shown_above_it(root: Path) -> None:
    desk = Desk(root)
    good = desk.look(NOW)
    assert good.current
    assert good.preview is not None
    replace(root / MAIN, "VID-ACME-A", "VID-ACME-X")
    bad = desk.look(NOW)
    assert (bad.current, bad.preview) == (False, good.preview)
    page = render_sight(bad, script="1", now=NOW)
    assert "1 error" in page
    assert "what is below is how it was before" in page
    assert "VID-ACME-X" in page
    replace(root / MAIN, "VID-ACME-X", "VID-ACME-A")
    assert desk.look(NOW).current
    assert "No findings" in render_sight(desk.look(NOW), script="1", now=NOW)


def test_a_broken_promise_is_shown_beside_the_week_that_broke_it(tmp_path: Path) -> None:
    root = changed_fleet(tmp_path, clips=False)
    desk = Desk(root)
    good = desk.look(NOW)
    replace(root / "fleet/CLI-ACME/schedules/canteen.yaml", 'from: "11:30"', 'from: "13:30"')
    bad = desk.look(NOW)
    assert bad.loaded is not None
    assert bad.loaded.state is None
    assert bad.current
    assert bad.preview != good.preview
    page = render_sight(bad, script="1", now=NOW)
    assert "AVT301" in page
    assert "what is below is what would play" in page


def test_a_fault_from_the_start_is_shown_without_a_preview(root: Path) -> None:
    (root / "fleet/x.yaml").write_text(f"kind: [{HOSTILE}")
    sight = Desk(root).look(NOW)
    page = render_sight(sight, script="1", now=NOW)
    assert "there is nothing to draw until they are mended" in page
    assert HOSTILE not in page


def test_a_tree_that_goes_away_is_said(root: Path) -> None:
    desk = Desk(root)
    first = desk.look(NOW)
    shutil.rmtree(root)
    sight = desk.look(NOW)
    assert "cannot read" in sight.trouble
    assert sight.preview == first.preview
    assert "cannot read" in render_sight(sight, script="1", now=NOW)


def test_a_store_address_that_is_wrong_is_said(root: Path) -> None:
    sight = Desk(root, store="ftp://nowhere").look(NOW)
    assert "not the address of a store" in sight.trouble
    assert not sight.current


def test_a_second_look_at_the_example_fleet_validates_in_a_fraction_of_300_ms(tmp_path: Path) -> None:
    root = changed_fleet(tmp_path, clips=False)
    desk = Desk(root)
    desk.look(NOW)
    times: list[float] = []
    for number in range(5):
        (root / f"fleet/CLI-ACME/note-{number}.yaml").write_text(f"# {number}\n")
        start = time.perf_counter()
        sight = desk.look(NOW)
        times.append(time.perf_counter() - start)
        assert sight.loaded is not None
    assert min(times) < 0.3


def read_events(address: str) -> Iterator[str]:
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=10)
    connection.request("GET", "/events")
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    try:
        while line := response.fp.readline().decode():
            if line.startswith("data: "):
                yield line.removeprefix("data: ").strip()
    finally:
        connection.close()


def get(address: str, path: str = "/", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_new_page_is_announced_to_whoever_waits() -> None:
    board = Board("x")
    board.post(b"one")
    with serving(board, 0) as address:
        assert get(address) == (200, b"one")
        events = read_events(address)
        assert next(events) == "x-1"
        assert '"x-2"' in board.next_script()
        board.post(b"two")
        assert next(events) == "x-2"
        assert get(address) == (200, b"two")
        board.close()
        assert list(events) == []


def test_other_names_of_this_machine_and_other_paths_are_refused() -> None:
    board = Board("x")
    with serving(board, 0) as address:
        assert get(address, Host="evil.example")[0] == 403
        assert get(address, "/../etc/passwd")[0] == 404
        host, port = address.removeprefix("http://").rstrip("/").split(":")
        assert get(address, Host=f"localhost:{port}")[0] == 200
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(b"\xff\x00 garbage\r\n\r\n")
            assert b" 400 " in raw.recv(1000)
        assert get(address)[0] == 200


def test_too_many_open_pages_are_refused_and_the_rest_go_on() -> None:
    board = Board("x")
    board.post(b"one")
    with serving(board, 0) as address:
        streams = [read_events(address) for _ in range(MAX_STREAMS)]
        assert {next(stream) for stream in streams} == {"x-1"}
        assert get(address, "/events")[0] == 503
        assert get(address)[0] == 200


def test_a_port_in_use_is_a_plain_error() -> None:
    with serving(Board("x"), 0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"), serving(Board("y"), port):
            pass


class Watching:
    """A watch in a thread, which counts the changes it is told of."""

    def __init__(self, root: Path) -> None:
        self.stop = threading.Event()
        self._told = threading.Condition()
        self._count = 0
        self._thread = threading.Thread(target=self._run, args=(root,), daemon=True)
        self._thread.start()

    def _run(self, root: Path) -> None:
        for _ in changes(root, self.stop):
            with self._told:
                self._count += 1
                self._told.notify_all()

    def notices(self, act: Callable[[], object]) -> bool:
        """Whether a change is told within some seconds, acting again should the watch not have begun yet."""
        with self._told:
            before = self._count
        for _ in range(20):
            act()
            with self._told:
                if self._told.wait_for(lambda: self._count > before, timeout=0.7):
                    return True
        return False

    def end(self) -> None:
        self.stop.set()
        self._thread.join(timeout=5)
        assert not self._thread.is_alive()


def test_changes_are_noticed_also_after_the_folder_was_replaced(root: Path) -> None:
    watching = Watching(root)
    try:
        assert watching.notices((root / MAIN).touch)
        assert watching.notices(lambda: (root / "fleet/new.yaml").write_text("# new\n"))

        def replace_folder() -> None:
            shutil.copytree(root / "fleet", root / "other")
            shutil.rmtree(root / "fleet")
            (root / "other").rename(root / "fleet")

        assert watching.notices(replace_folder)
        assert watching.notices((root / MAIN).touch)
    finally:
        watching.end()


def test_a_directory_without_a_fleet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither fleet/ nor content-index/"):
        next(changes(tmp_path, threading.Event()))


def test_a_tree_looked_at_again_gives_what_loading_it_anew_gives(tmp_path: Path) -> None:
    root = changed_fleet(tmp_path, clips=False)
    desk, tree = Desk(root, base="HEAD"), StandingTree()
    canteen, lobby = root / "fleet/CLI-ACME/schedules/canteen.yaml", root / "fleet/CLI-ACME/screens/madrid-lobby.yaml"
    house = root / "fleet/CLI-NORTHWIND/client.yaml"
    edits: list[tuple[Callable[[], object], frozenset[str] | None]] = [
        (lambda: None, None),
        (lambda: None, frozenset()),
        (lambda: canteen.write_text(canteen.read_text() + "# a remark\n"), frozenset({"CLI-ACME"})),
        (lambda: replace(canteen, 'from: "11:30"', 'from: "11:45"'), frozenset({"CLI-ACME"})),
        (lambda: house.write_text(house.read_text() + "\n"), frozenset({"CLI-NORTHWIND"})),
        (lambda: canteen.rename(canteen.with_name("moved.yaml")), frozenset({"CLI-ACME"})),
        (lambda: replace(lobby, "title: ", "title: New, "), frozenset({"CLI-ACME"})),
        (lambda: (root / "fleet/fleet.yaml").write_text((root / "fleet/fleet.yaml").read_text() + "# x\n"), None),
    ]
    for edit, touched in edits:
        edit()
        assert tree.refresh(open_source(root)) == touched
        loaded = load(open_source(root))
        assert loaded.drawable == tree.state()
        sight = desk.look(NOW)
        assert loaded.drawable is not None
        anew = Desk(root, base="HEAD").look(NOW)
        assert sight.current
        assert (sight.loaded, sight.preview) == (anew.loaded, anew.preview)


def test_where_drawing_takes_long_the_findings_are_shown_first(root: Path) -> None:
    desk = Desk(root)
    first = desk.check(NOW)
    assert (first.awaited, first.current, first.preview) == (True, False, None)
    assert "the weeks are being drawn" in render_sight(first, script="1", now=NOW)
    drawn = desk.draw(first, NOW)
    assert (drawn.awaited, drawn.current) == (False, True)
    replace(root / MAIN, "VID-ACME-A", "VID-ACME-X")
    broken = desk.check(NOW)
    assert not broken.awaited
    assert desk.draw(broken, NOW) is broken
    replace(root / MAIN, "VID-ACME-X", "VID-ACME-A")
    again = desk.check(NOW)
    assert again.preview == drawn.preview
    assert "what is below is how it was before; how it is now is being drawn" in render_sight(again, script="1", now=NOW)


class Unsteady:
    """A file store whose reads may fail; a store that is down cannot be had otherwise."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store
        self.is_down = False

    def __getattr__(self, name: str) -> object:
        if self.is_down:
            raise StoreError("it does not answer")
        return getattr(self.store, name)


def test_another_release_is_noticed_and_a_store_that_is_down_is_none(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    unsteady = Unsteady(store)
    watch = ReleaseWatch(unsteady)  # type: ignore[arg-type]
    watch.poll()
    assert not watch.is_changed()
    store.create(TIMESTAMP_KEY, b"one")
    unsteady.is_down = True
    watch.poll()
    assert not watch.is_changed()
    unsteady.is_down = False
    watch.poll()
    assert watch.is_changed()
    assert (watch.take(), watch.take()) == (True, False)
    watch.poll()
    assert not watch.is_changed()
    (tmp_path / TIMESTAMP_KEY).write_bytes(b"two")
    with watching_release(store, every=0.01) as polled:
        assert polled is not None
        (tmp_path / TIMESTAMP_KEY).write_bytes(b"three")
        deadline = time.monotonic() + 20
        while not polled.is_changed() and time.monotonic() < deadline:
            (tmp_path / TIMESTAMP_KEY).write_bytes(f"{time.monotonic()}".encode())
            time.sleep(0.02)
        assert polled.take()
    with watching_release(None) as none:
        assert none is None
