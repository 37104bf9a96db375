"""Many objects at once, over a directory and a real S3 server: what is retried and told, and that nothing is done twice."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from avtech_controller.stores import (
    NewObject,
    ObjectStore,
    PartlyDoneError,
    StoreConfigurationError,
    Stored,
    StoreError,
    open_store,
)
from avtech_controller.stores._attempts import CONCURRENCY, LONGEST_PAUSE, pause_before
from avtech_controller.stores._bulk import MAX_FAILURES
from avtech_schema.errors import AvtechError
from tests.controller.counting import counting
from tests.controller.publishing import make_world, screens, verify_store
from tests.controller.publishing_s3 import world_at
from tests.controller.test_stores_s3 import answering
from tests.weed import S3Server

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "file":
        (tmp_path / "store").mkdir()
        yield open_store(f"file://{tmp_path}/store")
        return
    yield open_store(request.getfixturevalue("server").url())


def objects(count: int, *, start: int = 0) -> list[NewObject]:
    return [NewObject(f"a/{number:04}", partial(bytes, b"%d" % number)) for number in range(start, start + count)]


def keys(count: int) -> list[str]:
    return [entry.key for entry in objects(count)]


def data_of(key: str, found: Stored | StoreError | None) -> bytes | str | None:
    return found.data if isinstance(found, Stored) else key if isinstance(found, StoreError) else None


def test_what_is_there_already_is_told_and_left_alone(store: ObjectStore) -> None:
    store.create("a/0003", b"of somebody else")
    done: list[int] = []
    assert store.create_all(objects(100), done=lambda: done.append(1)) == [number != 3 for number in range(100)]
    assert len(done) == 100
    assert store.create_all(objects(100)) == [False] * 100
    found = store.get("a/0003", limit=100)
    assert isinstance(found, Stored)
    assert found.data == b"of somebody else"


def test_many_objects_are_read_in_order_and_what_is_absent_is_none(store: ObjectStore) -> None:
    store.create_all(objects(70))
    wanted = [*keys(70), "a/none"]
    assert store.get_all(wanted, limit=10, take=data_of) == [*(b"%d" % number for number in range(70)), None]
    assert store.sizes(wanted) == [*(len(str(number)) for number in range(70)), None]
    nothing: list[object] = [*store.get_all([], limit=1, take=data_of), *store.sizes([]), *store.create_all([])]
    assert nothing == []


def test_an_object_larger_than_the_limit_is_an_error_in_its_place(store: ObjectStore) -> None:
    store.create("a/0", b"small")
    store.create("a/1", b"much larger")
    assert store.get_all(["a/0", "a/1"], limit=5, take=data_of) == [b"small", "a/1"]


@pytest.mark.parametrize("key", ["../x", "a//b", "", "a/.hidden"])
def test_a_key_that_could_leave_the_prefix_is_refused(store: ObjectStore, key: str) -> None:
    for act in (
        lambda: store.create_all([NewObject(key, lambda: b"")]),
        lambda: store.sizes([key]),
        lambda: store.get_all([key], limit=1, take=_raising),
    ):
        with pytest.raises(StoreError, match=r"not a key|objects could not"):
            act()


def _raising(key: str, found: Stored | StoreError | None) -> None:
    if isinstance(found, StoreError):
        raise found


def test_an_error_of_the_caller_comes_through_as_it_is(store: ObjectStore) -> None:
    class OddError(AvtechError):
        """What a caller may raise."""

    def odd(*_: object) -> bytes:
        raise OddError("odd")

    store.create_all(objects(3))
    with pytest.raises(OddError):
        store.get_all(keys(3), limit=10, take=odd)
    with pytest.raises(OddError):
        store.create_all([NewObject("b/1", odd)])


def test_pauses_grow_are_spread_and_have_an_end() -> None:
    assert pause_before(0, 0) < pause_before(0, 1) < pause_before(1, 1) < pause_before(2, 1)
    assert pause_before(50, 1) == LONGEST_PAUSE


@pytest.mark.s3
def test_a_server_that_is_overloaded_for_a_while_is_asked_again(server: S3Server) -> None:
    with counting(server.endpoint, failing=40) as relay:
        store = open_store(server.url().replace(server.endpoint, relay.endpoint))
        assert store.create_all(objects(60)) == [True] * 60
        assert relay.puts("/a/").total() == 100
        assert set(relay.written.values()) == {1}


@pytest.mark.s3
def test_a_server_that_stays_overloaded_is_told_with_what_failed_and_what_was_written(server: S3Server) -> None:
    with counting(server.endpoint) as relay:
        store = open_store(server.url().replace(server.endpoint, relay.endpoint))
        assert all(store.create_all(objects(30)))
        relay.failing = 1 << 60
        with pytest.raises(PartlyDoneError) as caught:
            store.create_all(objects(100, start=30))
        assert caught.value.total == 100
        assert caught.value.done == 0
        assert "a/0030" in caught.value.failed
        assert "503" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "were not tried" in str(caught.value)
        relay.failing = 0
        assert all(store.create_all(objects(100, start=30)))


def test_a_server_that_is_not_there_is_given_up_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3Server("", "").environment().items():
        monkeypatch.setenv(name, value)
    store = open_store("s3://bucket/x?endpoint=http://127.0.0.1:1")
    with pytest.raises(PartlyDoneError, match="could not be looked at") as caught:
        store.sizes(keys(1000))
    assert "Could not connect" in str(caught.value)
    assert len(caught.value.failed) < MAX_FAILURES + CONCURRENCY


@pytest.mark.s3
@pytest.mark.parametrize("change", ["reader", "secret", "bucket", "key", "nobody", "login page"])
def test_who_must_act_is_told_in_the_same_words_as_of_one_object(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    url = server.url()
    match change:
        case "reader":
            for name, value in server.environment(reader=True).items():
                monkeypatch.setenv(name, value)
        case "secret":
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-secret")
        case "key":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "hidden-key")
        case "bucket":
            url = url.replace(f"s3://{server.bucket}/", "s3://nowhere/")
        case "nobody":
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
                monkeypatch.delenv(name, raising=False)
            for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
                monkeypatch.setenv(name, str(tmp_path / "none"))
        case _:
            pass
    if change == "login page":
        with answering(200, b"<html>log in</html>", headers=()) as page:
            _alike(open_store(page))
    else:
        _alike(open_store(url))


def _alike(store: ObjectStore) -> None:
    with pytest.raises(AvtechError) as one:
        store.create("a/0000", b"0")
    with pytest.raises(AvtechError) as many:
        store.create_all(objects(50))
    assert (many.value.exit_code, "hidden" in str(many.value)) == (one.value.exit_code, False)
    if isinstance(one.value, StoreConfigurationError):
        assert type(many.value) is type(one.value)
        assert (many.value.hint, _cause(many.value)) == (one.value.hint, _cause(one.value))
    else:
        assert str(one.value) in str(many.value)


def _cause(error: AvtechError) -> str:
    """A message but for what was being done."""
    return str(error).partition(": ")[2]


@pytest.mark.s3
def test_an_interrupt_ends_many_requests_at_once(server: S3Server, tmp_path: Path) -> None:
    """The server takes connections and never answers: nobody waits for the minute that a request may take."""
    code = (
        "import signal, sys\nfrom avtech_controller.stores import open_store\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # A shell's background job inherits it as ignored.
        "open_store(sys.argv[1]).sizes([f'a/{number}' for number in range(100)])"
    )
    with socket.create_server(("127.0.0.1", 0), backlog=64) as deaf:
        url = f"s3://bucket/x?endpoint=http://127.0.0.1:{deaf.getsockname()[1]}"
        child = subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE)
        held, _ = deaf.accept()
        assert held.recv(1)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=20)
        held.close()
    assert child.returncode != 0
    assert b"KeyboardInterrupt" in errors


@pytest.mark.s3
def test_a_publication_killed_at_random_points_is_finished_by_the_next_and_nothing_is_written_twice(
    server: S3Server, tmp_path: Path
) -> None:
    number = 150
    url = server.url()
    made = make_world(tmp_path, open_store(url), number=20)
    prefix = url.partition("://")[2].partition("?")[0]
    with counting(server.endpoint) as relay:
        through = url.replace(server.endpoint, relay.endpoint)
        for _ in range(3):
            relay.reached.clear()
            relay.limit = relay.written.total() + random.randint(1, 60)
            _publish_until(relay.reached, made.repo, made.keys, through, number)
        before = relay.written.copy()
        assert world_at(made.repo, made.keys, through).publish(1, screens(number)).outcome in {"published", "unchanged"}
    objects = {path: count for path, count in relay.written.items() if f"{prefix}/targets/" in path or ".bins-" in path}
    assert set(objects.values()) == {1}
    assert len([path for path in objects if "/targets/" in path]) == number
    again = [path for path in before if relay.requests["PUT", path] > 1 and path in objects]
    assert len(again) <= 3 * 32, "only what was under way at a kill may be sent again"
    verify_store(made, tmp_path, screens(number))


def _publish_until(reached: threading.Event, repo: Path, keys: Path, url: str, number: int) -> None:
    command = [sys.executable, "-m", "tests.controller.publishing_s3", str(repo), str(keys), url, str(number)]
    child = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL)
    try:
        while child.poll() is None and not reached.wait(0.02):
            pass
    finally:
        child.kill()
        child.wait()
