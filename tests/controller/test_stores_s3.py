"""What an S3 store does when the server fails, crawls, lies, denies, or loses an answer."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avtech_controller.stores import (
    ETag,
    NewObject,
    ObjectStore,
    PreconditionFailedError,
    StoreConfigurationError,
    Stored,
    StoreError,
    open_store,
)
from avtech_controller.stores._s3 import S3Store
from tests.controller.relay import losing_answers
from tests.weed import S3Server


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3Server("", "").environment().items():
        monkeypatch.setenv(name, value)


@contextmanager
def answering(
    status: int, body: bytes, *, drip_seconds: float = 0, headers: tuple[tuple[str, str], ...] = (("ETag", '"0123"'),)
) -> Generator[str]:
    """A server that gives one answer to everything; dripping, it sends a byte at a time."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) or 100_000))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)
                while drip_seconds and not stopped.wait(drip_seconds):
                    self.wfile.write(b"x")
                    self.wfile.flush()

        do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"s3://bucket/prefix?endpoint=http://127.0.0.1:{server.server_port}"
    finally:
        stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def reads(store: ObjectStore) -> list[Callable[[], object]]:
    return [lambda: store.get("a/b", limit=10), lambda: store.size("a/b"), lambda: list(store.keys("a/"))]


def writes(store: ObjectStore) -> list[Callable[[], object]]:
    return [lambda: store.create("a/b", b"x"), lambda: store.replace("a/b", b"x", etag=ETag('"0"'))]


def test_a_server_that_fails_is_an_error_of_one_line() -> None:
    with answering(500, b"<Error><Code>InternalError</Code></Error>") as url:
        store = open_store(url)
        for act in reads(store)[:1] + writes(store)[:1]:
            with pytest.raises(StoreError) as caught:
                act()
            assert "\n" not in str(caught.value)
            assert caught.value.exit_code == 3


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"{}", b"<ListBucketResult>"])
def test_a_garbled_listing_is_an_error_and_not_an_empty_one(body: bytes) -> None:
    with answering(200, body or b"\n") as url, pytest.raises(StoreError):
        list(open_store(url).keys("a/"))


def test_a_bare_404_is_not_believed() -> None:
    with answering(404, b"<html>no such page</html>") as url:
        store = open_store(url)
        more: list[Callable[[], object]] = [
            lambda: store.delete("a/b", etag=ETag('"0123"')),
            lambda: store.etags(["a/b"]),
        ]
        for act in reads(store) + more:
            with pytest.raises((StoreError, StoreConfigurationError)):
                act()


def test_a_login_page_in_the_stores_place_is_told_as_what_it_is() -> None:
    with answering(200, b"<html>log in</html>", headers=()) as url:
        store = open_store(url)
        for act in [
            *reads(store)[:2],
            lambda: store.etag("a/b"),
            lambda: store.sha256("a/b", limit=1000),
            lambda: store.delete("a/b", etag=ETag('"0123"')),
            writes(store)[0],
        ]:
            with pytest.raises(StoreError, match="no object store") as caught:
                act()
            assert "login page" in caught.value.hint


def test_an_endpoint_that_redirects_to_itself_is_one_line() -> None:
    with answering(302, b"-", headers=(("Location", "/"),)) as url, pytest.raises(StoreError, match="redirects without end"):
        open_store(url).get("a/b", limit=1)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://B!d/x", "cannot be the name of a bucket"),
        ("s3://av tech/x", "cannot be the name of a bucket"),
        ("s3://bucket/x?endpoint=http://me:hidden@host", "holds no credentials"),
        ("s3://bucket/x?endpoint=http://127.0.0.1:1 x", "cannot be an endpoint"),
        ("s3://bucket/x?endpoint=http://host:notaport", "cannot be an endpoint"),
        ("s3://bucket/x?endpoint=http://host:99999", "cannot be an endpoint"),
        ("s3://bucket/x?endpoint=http://1.2.3.999", "cannot be an endpoint"),
        ("s3://bucket/x?endpoint=ht!tp://host", "cannot be an endpoint"),
        ("s4://me:hidden@host/x?token=hidden", "'s4://host/x'"),
        ("me:hidden@host", "'host'"),
    ],
)
def test_a_wrong_address_is_told_in_plain_words_and_without_secrets(url: str, told: str) -> None:
    with pytest.raises(StoreConfigurationError) as caught:
        open_store(url)
    assert told in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_an_endpoint_in_the_environment_is_checked_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://host:notaport")
    with pytest.raises(StoreConfigurationError, match="cannot be an endpoint"):
        open_store("s3://bucket/x")


def test_credentials_of_which_no_request_can_be_made_are_an_error_and_no_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key\n")
    with answering(500, b"<Error><Code>InternalError</Code></Error>") as url:
        store = open_store(url)
        acts: list[Callable[[], object]] = [
            lambda: store.etags(["a/b"]),
            lambda: store.create_all([NewObject("a/b", lambda: b"x")]),
            lambda: store.get_all(["a/b"], limit=10, take=lambda _, found: found),
        ]
        for act in acts:
            with pytest.raises((StoreError, StoreConfigurationError)):
                act()


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_credentials_that_the_server_refuses_are_told_as_such(code: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>long</Message></Error>".encode()
    with answering(403, body) as url, pytest.raises(StoreConfigurationError, match="credentials were refused"):
        open_store(url).get("a/b", limit=1)


def test_a_server_that_drips_is_given_up() -> None:
    with answering(200, b"", drip_seconds=0.01) as url:
        store = open_store(url)
        assert isinstance(store, S3Store)
        store.read_seconds = -1.5  # the 2 s that 100 kB may take remain, less this
        begun = time.monotonic()
        with pytest.raises(StoreError, match="too slow"):
            store.get("a/b", limit=1_000_000)
        assert time.monotonic() - begun < 10


def test_no_server_at_all_is_an_error_of_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = open_store(f"s3://bucket/x?endpoint=http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(StoreError, match="Could not connect"):
            store.get("a/b", limit=1)


@pytest.mark.s3
def test_a_missing_bucket_is_a_configuration_error(s3_server: S3Server) -> None:
    store = open_store(f"s3://nowhere/x?endpoint={s3_server.endpoint}")
    for act in reads(store) + writes(store)[:1]:
        with pytest.raises(StoreConfigurationError, match="no such bucket") as caught:
            act()
        assert caught.value.exit_code == 2


@pytest.mark.s3
def test_credentials_that_may_only_read_are_a_configuration_error(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = s3_server.url()
    open_store(url).create("a/b", b"x")
    for name, value in s3_server.environment(reader=True).items():
        monkeypatch.setenv(name, value)
    store = open_store(url)
    assert store.size("a/b") == 1
    with pytest.raises(StoreConfigurationError, match="AccessDenied"):
        store.create("a/c", b"x")


@pytest.mark.s3
def test_a_wrong_secret_is_a_configuration_error_that_does_not_tell_it(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(StoreConfigurationError) as caught:
        open_store(s3_server.url()).get("a/b", limit=1)
    assert "not-the-secret" not in str(caught.value)


def test_no_credentials_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreConfigurationError) as caught:
        open_store("s3://bucket/x?endpoint=http://127.0.0.1:9").get("a/b", limit=1)
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint


@pytest.mark.s3
@pytest.mark.parametrize("lost", [1, 4])
def test_a_write_whose_answer_was_lost_is_settled_by_reading_it_again(s3_server: S3Server, lost: int) -> None:
    with losing_answers(s3_server.endpoint, b"PUT", lost) as relay:
        store = open_store(s3_server.url().replace(s3_server.endpoint, relay))
        etag = store.create("a/b", b"mine")
        assert store.get("a/b", limit=10) == Stored(b"mine", etag)
    with losing_answers(s3_server.endpoint, b"PUT", lost) as relay:
        store = open_store(s3_server.url("again").replace(s3_server.endpoint, relay))
        key = f"a/{lost}"
        first = open_store(s3_server.url("again")).create(key, b"one")
        assert store.replace(key, b"two", etag=first) != first
        with pytest.raises(PreconditionFailedError):
            store.replace(key, b"three", etag=first)
